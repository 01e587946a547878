// @ts-check
// Talking with the server. The token stands in memory and in this entry of the tab's history, which no other page can read; not in storage, a
// cookie, or an address.

/** @type {{ token: string, app: string, name: string, may: Set<string>, session: string | null, expires: string | null, flags: string[] | null } | null} */
let me = null;

class Refusal extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

const messageOf = (problem) => (problem instanceof Error ? problem.message : String(problem));

function refusalOf(status, body) {
  if (Array.isArray(body?.detail))
    return new Refusal(
      status,
      body.detail.map((d) => [(d.loc ?? []).filter((l) => l !== 'body').join('.'), d.msg].filter(Boolean).join(': ')).join('; '),
    );
  return new Refusal(
    status,
    [body?.detail ?? body?.title ?? `The server answered ${status}`, body?.pointer && `(${body.pointer})`].filter(Boolean).join(' '),
  );
}

/** The answer as text; throws a Refusal. */
async function askServer(method, path, body, token = me?.token) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (token) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'omit',
    });
  } catch {
    throw new Refusal(0, 'The server cannot be reached');
  }
  const text = await answer.text();
  if (answer.ok) return text;
  let said = null;
  try {
    said = JSON.parse(text);
  } catch {
    /* not ours */
  }
  if (answer.status === 401 && me && token === me.token) signedOut('Your session has ended. Ask for a new link where you got the last one.');
  throw refusalOf(answer.status, said);
}

const json = async (method, path, body, token) => {
  const text = await askServer(method, path, body, token);
  return text ? JSON.parse(text) : null;
};

const enc = encodeURIComponent;
/** A path of the application. */
const app = (rest) => `/api/v1/app/${enc(me?.app ?? '')}${rest}`;
const get = (rest) => json('GET', app(rest));
const post = (rest, body) => json('POST', app(rest), body);
const patch = (rest, body) => json('PATCH', app(rest), body);
const may = (capability) => me?.may.has(capability) ?? false;
const maySecret = () => may('ViewEndpointSecret') || may('ManageEndpointSecret') || may('ManageEndpoint');
const mayRotate = () => may('ManageEndpointSecret') || may('ManageEndpoint');
const mayTransform = () => may('ManageTransformations') || may('ManageEndpoint');

function query(parts) {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(parts)) if (value !== undefined && value !== null && value !== '') q.set(name, String(value));
  const text = q.toString();
  return text ? `?${text}` : '';
}

async function readClock() {
  try {
    const c = await json('GET', `/sandboxes/${enc(me?.app ?? '')}/clock`);
    sandboxClock = { now: new Date(c.now).getTime(), at: Date.now(), mode: c.mode, offset: c.offset_us ?? 0 };
  } catch {
    /* the page's own clock will do */
  }
}

/** Event types that this token sees: the node's. */
async function eventTypes() {
  const all = [];
  for (let iterator; ;) {
    const page = await json('GET', `/api/v1/event-type${query({ limit: 250, iterator })}`);
    all.push(...page.data);
    if (page.done || all.length >= 2000) return all;
    iterator = page.iterator;
  }
}

async function endpoints() {
  const all = [];
  for (let iterator; ;) {
    const page = await get(`/endpoint${query({ limit: 250, iterator })}`);
    all.push(...page.data);
    if (page.done || all.length >= 1000) return all;
    iterator = page.iterator;
  }
}

/**
 * The text of a member of an object's text, as it stands there: reading and writing JSON would change numbers and spaces, and with them what was signed.
 * @param {string} text valid JSON, an object
 * @param {string} name
 */
function rawMember(text, name) {
  let at = 0;
  const space = () => {
    while (' \t\r\n'.includes(text[at])) ++at;
  };
  const string = () => {
    const from = at++;
    while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    return text.slice(from, ++at);
  };
  const value = () => {
    const from = at;
    let depth = 0;
    do {
      const c = text[at];
      if (c === '"') {
        string();
        continue;
      }
      if (c === '{' || c === '[') ++depth;
      else if (c === '}' || c === ']') {
        if (depth === 0) break;
        --depth;
      } else if (c === ',' && depth === 0) break;
      ++at;
    } while (at < text.length);
    return text.slice(from, at).trimEnd();
  };
  space();
  ++at; // the brace
  for (;;) {
    space();
    if (text[at] !== '"') return null;
    const key = JSON.parse(string());
    space();
    ++at; // the colon
    space();
    const found = value();
    if (key === name) return found;
    space();
    if (text[at] !== ',') return null;
    ++at;
  }
}
