#include "api/verifier_page.hpp"

#include "events/digest.hpp"
#include "events/json_text.hpp"

#include <string>
#include <string_view>

namespace hourglass::api {

namespace {

constexpr std::string_view style = R"css(
:root { color-scheme: light dark; --line: #8886; --good: #1a7f37; --bad: #cf222e; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
p { margin: .25rem 0 1rem; }
label { display: block; font-weight: 600; margin-top: 1rem; }
label small { font-weight: 400; opacity: .75; display: block; }
textarea, input, select { width: 100%; font: 14px/1.4 ui-monospace, monospace; padding: .5rem; border: 1px solid var(--line); border-radius: .375rem;
  background: transparent; color: inherit; }
.check { font-weight: 400; margin-top: .25rem; }
.check input { width: auto; }
select option { color: #000; background: #fff; }
.row { display: grid; grid-template-columns: 1fr 1fr; gap: 0 1rem; }
button { font: inherit; font-weight: 600; margin: 1rem 0; padding: .5rem 1.25rem; border: 0; border-radius: .375rem; background: #0969da; color: #fff; cursor: pointer; }
button:focus-visible, textarea:focus-visible, input:focus-visible, select:focus-visible { outline: 2px solid #0969da; outline-offset: 2px; }
#result { border: 1px solid var(--line); border-left: .375rem solid var(--line); border-radius: .375rem; padding: .75rem 1rem; }
#result.good { border-left-color: var(--good); }
#result.bad { border-left-color: var(--bad); }
#result h2 { font-size: 1.1rem; margin: 0 0 .25rem; }
#result.good h2 { color: var(--good); }
#result.bad h2 { color: var(--bad); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: .5rem 0 0; font-size: .9rem; }
dt { opacity: .75; }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 36rem) { .row { grid-template-columns: 1fr; } }
)css";

constexpr std::string_view script = R"js(
const by = (id) => document.getElementById(id);

function readHeaders(text) {
  const headers = {};
  for (const line of text.split(/\r?\n/)) {
    if (!line.trim()) continue;
    const colon = line.indexOf(':');
    if (colon < 1) throw new Error(`This line of the headers has no colon: ${line.slice(0, 80)}`);
    headers[line.slice(0, colon).trim()] = line.slice(colon + 1).trim();
  }
  return headers;
}

function show(kind, title, detail, facts) {
  const result = by('result');
  result.className = kind;
  result.hidden = false;
  result.replaceChildren();
  const add = (parent, tag, text) => parent.appendChild(Object.assign(document.createElement(tag), { textContent: text }));
  add(result, 'h2', title);
  add(result, 'div', detail);
  const list = document.createElement('dl');
  for (const [name, value] of facts) {
    if (value === null || value === undefined || value === '') continue;
    add(list, 'dt', name);
    add(list, 'dd', value);
  }
  if (list.children.length) result.appendChild(list);
}

async function verify(event) {
  event.preventDefault();
  let question;
  try {
    question = { headers: readHeaders(by('headers').value), body: by('body').value + (by('newline').checked ? '\n' : '') };
  } catch (problem) {
    return show('bad', 'Not asked', problem.message, []);
  }
  const sandbox = by('sandbox').value.trim();
  const endpoint = by('endpoint').value.trim();
  if (by('secret').value) question.secret = by('secret').value.trim();
  if (endpoint) question.endpoint = endpoint;
  if (by('profile').value) question.profile = by('profile').value;
  question.tolerance_seconds = Number(by('tolerance').value || 300);
  const where = sandbox ? `/sandboxes/${encodeURIComponent(sandbox)}/webhooks/verify` : '/webhooks/verify';
  const headers = { 'content-type': 'application/json' };
  if (by('key').value) headers.authorization = `Bearer ${by('key').value.trim()}`;
  try {
    const answer = await fetch(where, { method: 'POST', headers, body: JSON.stringify(question) });
    const said = await answer.json();
    if (!answer.ok) return show('bad', `Not asked: ${said.title ?? answer.status}`, said.detail ?? '', [['Where', said.pointer]]);
    show(said.valid ? 'good' : 'bad', said.valid ? 'The signature holds' : 'The signature does not hold: ' + said.reason.replaceAll('_', ' '), said.detail, [
      ['Besides', said.also.join('; ')],
      ['Signed at', said.timestamp === null ? null : new Date(said.timestamp * 1000).toISOString()],
      ['Endpoint', said.endpoint],
      ['Scheme', said.scheme],
      ['Profile', said.profile],
    ]);
  } catch (problem) {
    show('bad', 'Not asked', String(problem), []);
  }
}

by('form').addEventListener('submit', verify);
)js";

constexpr std::string_view page_head = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Webhook verifier · Hourglass</title>
)html";

constexpr std::string_view page_body = R"html(
</head>
<body>
<main>
<h1>Why does this webhook not verify?</h1>
<p>Paste a webhook as it came. Nothing is kept. The secret goes to this server only.</p>
<form id="form" autocomplete="off">
<label for="headers">Headers <small>One a line, as <code>name: value</code>. Those of the signature are enough.</small></label>
<textarea id="headers" rows="5" spellcheck="false" placeholder="webhook-id: msg_…
webhook-timestamp: 1614265330
webhook-signature: v1,…" required></textarea>
<label for="body">Body <small>The very bytes, before anything parsed them.</small></label>
<textarea id="body" rows="7" spellcheck="false"></textarea>
<label class="check"><input type="checkbox" id="newline"> The body ends with a newline</label>
<label for="secret">Secret <small><code>whsec_…</code>, <code>whpk_…</code>, or the secret of an imitated sender. Not needed with a sandbox.</small></label>
<input id="secret" type="text" spellcheck="false">
<div class="row">
<div><label for="profile">Sender</label>
<select id="profile"><option value="">Seen from the headers</option><option value="standard">Standard Webhooks, Svix</option><option value="stripe">Stripe</option>
<option value="github">GitHub</option><option value="shopify">Shopify</option><option value="slack">Slack</option></select></div>
<div><label for="tolerance">Seconds a timestamp may be off</label><input id="tolerance" type="number" min="0" max="315360000" value="300"></div>
<div><label for="sandbox">Sandbox <small>To try the secrets it has</small></label><input id="sandbox" type="text" spellcheck="false"></div>
<div><label for="endpoint">Endpoint of it <small>Id or uid; all if empty</small></label><input id="endpoint" type="text" spellcheck="false"></div>
</div>
<label for="key">Key of the sandbox <small>Only with a sandbox</small></label>
<input id="key" type="password" spellcheck="false">
<button type="submit">Verify</button>
</form>
<section id="result" role="status" aria-live="polite" hidden></section>
</main>
)html";

std::string hash_source(std::string_view text) { return "'sha256-" + events::to_base64(events::as_text(events::sha256({text}))) + "'"; }

} // namespace

http::response verifier_page() {
  http::response out;
  out.headers = {{"Content-Type", "text/html; charset=utf-8"},
                 {"Content-Security-Policy", "default-src 'none'; script-src " + hash_source(script) + "; style-src " + hash_source(style) +
                                                 "; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
                 {"X-Content-Type-Options", "nosniff"},
                 {"Referrer-Policy", "no-referrer"},
                 {"Cache-Control", "no-cache"}};
  out.body.append(page_head).append("<style>").append(style).append("</style>").append(page_body);
  out.body.append("<script>").append(script).append("</script>\n</body>\n</html>\n");
  return out;
}

} // namespace hourglass::api
