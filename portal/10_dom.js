// @ts-check
// Making what is seen. Every text from outside comes in as a text node: nothing here, or anywhere in this page, makes markup of a string.

/**
 * @param {string} what tag and classes, as `div.card.pad`
 * @param {Record<string, any> | Node | string | null} [props] `on…` is listened to, `class` is added; true and false set and leave an attribute
 * @param {...any} children nodes, texts, arrays; null and false are nothing
 * @returns {any} the element of that tag
 */
function h(what, props, ...children) {
  const [tag, ...classes] = what.split('.');
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(' ');
  if (props && (typeof props !== 'object' || props instanceof Node || Array.isArray(props))) {
    children.unshift(props);
    props = null;
  }
  for (const [name, value] of Object.entries(/** @type {any} */ (props) ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'class') node.classList.add(...value.split(' ').filter(Boolean));
    else if (name === 'value') /** @type {any} */ (node).value = value;
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  put(node, children);
  return node;
}

function put(into, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    into.append(child instanceof Node ? child : String(child));
  }
  return into;
}

const by = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Replaces what is inside; who had the focus, or was open, has it again (by `data-key`). */
function fill(into, ...children) {
  const focused = into.contains(document.activeElement) ? document.activeElement?.closest('[data-key]')?.getAttribute('data-key') : null;
  const open = new Set([...into.querySelectorAll('details[open][data-key]')].map((d) => d.getAttribute('data-key')));
  into.replaceChildren();
  put(into, children);
  for (const d of into.querySelectorAll('details[data-key]')) if (open.has(d.getAttribute('data-key'))) d.open = true;
  if (focused) {
    const again = [...into.querySelectorAll('[data-key]')].find((e) => e.getAttribute('data-key') === focused);
    (again?.matches('details') ? again.querySelector('summary') : again)?.focus();
  }
}

function toast(text, bad = false) {
  const one = h('div.toast', { class: bad ? 'bad' : '' }, text);
  by('toasts').append(one);
  setTimeout(() => one.remove(), bad ? 9000 : 4000);
}

/** A dialog with a form. `send` gets the form and its error line; what it throws is shown there. */
function ask(title, fields, submit, send, more = {}) {
  const wrong = h('div.note.bad', { role: 'alert', hidden: true });
  const go = h('button', { type: 'submit', class: more.danger ? 'danger' : 'primary' }, submit);
  const form = h(
    'form',
    { novalidate: true },
    h('h2', title),
    fields,
    wrong,
    h('div.actions', h('button', { type: 'button', onclick: () => box.close() }, 'Cancel'), go),
  );
  const box = h('dialog', { 'aria-label': title }, form);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    go.disabled = true;
    wrong.hidden = true;
    try {
      if ((await send(form)) !== false) box.close();
    } catch (problem) {
      wrong.replaceChildren(messageOf(problem));
      wrong.hidden = false;
    }
    go.disabled = false;
  });
  box.addEventListener('close', () => box.remove());
  document.body.append(box);
  box.showModal();
  return { box, go };
}

const field = (label, control, hint) => h('label.field', h('span', label), control, hint && h('small', hint));

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast('Copied');
  } catch {
    toast('The browser does not let this page copy', true);
  }
}

const codeBlock = (text, copied = text) =>
  h('div.code', h('pre', { tabindex: 0 }, text), h('button', { type: 'button', onclick: () => copy(copied) }, 'Copy'));

const emptyCard = (title, text) => h('div.empty', h('strong', title), text);

// -- times: of the sandbox's clock, which may stand or be far ahead --------------------

/** @type {{ now: number, at: number, mode: string, offset: number } | null} */
let sandboxClock = null;

function sandboxNow() {
  if (!sandboxClock) return Date.now();
  return sandboxClock.now + (sandboxClock.mode === 'running' ? Date.now() - sandboxClock.at : 0);
}

function span(ms) {
  const s = Math.round(Math.abs(ms) / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`.replace(' 0 min', '');
  return `${Math.floor(s / 86400)} d`;
}

/** `3 min ago`, `in 2 h`; the instant itself on hovering. */
function when(text) {
  if (!text) return '';
  const t = new Date(text).getTime();
  const away = sandboxNow() - t;
  const said = Math.abs(away) < 1500 ? 'just now' : away > 0 ? `${span(away)} ago` : `in ${span(away)}`;
  return h('time', { datetime: text, title: new Date(t).toISOString() }, said);
}

const clockTime = (text) =>
  new Date(text)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
const micros = (us) => (us < 1000 ? `${us} µs` : us < 10_000_000 ? `${Math.round(us / 100) / 10} ms` : `${Math.round(us / 100_000) / 10} s`);
const bytesText = (n) => (n < 1024 ? `${n} B` : n < 1024 * 1024 ? `${Math.round(n / 102.4) / 10} KiB` : `${Math.round(n / 104857.6) / 10} MiB`);

// -- words -----------------------------------------------------------------------------

const pill = (kind, text, title) => h('span.pill', { class: kind, title }, text);

function statusPill(status) {
  return (
    [pill('good', 'Delivered'), pill('warn', 'Will be tried again'), pill('bad', 'Failed'), pill('info', 'Sending'), pill('', 'Not sent')][status] ??
    pill('', 'Unknown')
  );
}

function attemptPill(a) {
  if (a.status === 0) return pill('good', a.outcome === 'cancelled' ? 'Cancelled' : String(a.responseStatusCode || 'OK'), 'Delivered');
  return pill('bad', a.responseStatusCode ? String(a.responseStatusCode) : (a.error?.kind ?? a.reason ?? 'failed').replaceAll('_', ' '));
}

function outcomeText(a) {
  if (a.endpointDisabled) return 'The endpoint said that it is gone (410) and was disabled';
  switch (a.outcome) {
    case 'delivered':
      return 'Delivered';
    case 'cancelled':
      return 'Cancelled by the transformation: nothing was sent';
    case 'retry':
      return new Date(a.nextAttempt ?? 0).getTime() > sandboxNow() ? ['Failed, will be tried again ', when(a.nextAttempt)] : 'Failed';
    case 'dead':
      return a.reason ? `Given up: ${a.reason}` : 'Failed, and it was the last attempt';
    case 'dropped':
      return 'Failed; the endpoint is gone';
    default:
      return 'Failed';
  }
}

const healthWords = {
  healthy: ['good', 'Healthy'],
  failing: ['warn', 'Failing'],
  held: ['warn', 'Held back'],
  half_open: ['warn', 'Being tested'],
  recovering: ['info', 'Recovering'],
  probing: ['bad', 'Disabled, probing'],
  disabled: ['', 'Disabled'],
};
const healthPill = (health, endpoint) => {
  const [kind, text] = healthWords[health?.state] ?? (endpoint.disabled ? ['', 'Disabled'] : ['', '…']);
  return pill(health?.disabledReason || endpoint.disabledReason ? 'bad' : kind, text, health?.disabledReason ?? endpoint.disabledReason ?? undefined);
};
