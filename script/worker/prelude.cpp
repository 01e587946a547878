#include "script/worker/prelude.hpp"

namespace hourglass::worker {

const std::string_view prelude = R"js((function (native) {
'use strict';
const {host, interrupt, wait, branch, log, random, bytes, most_headers, header_bytes, text_chars} = native;
const O = Object, {stringify} = JSON, {isArray} = Array;

// -- what must not be what it is elsewhere --------------------------------------

for (const name of ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'WeakRef', 'FinalizationRegistry', 'eval', 'escape', 'unescape', 'uneval'])
  delete globalThis[name];
O.defineProperty(Math, 'random', {value: random});

// A single step of the engine that makes a huge text cannot be interrupted. What it is made of becomes text and number once: the next time a script's own
// object might say another one.
function capped(name, length_of) {
  const original = String.prototype[name];
  const replacement = {[name](count, ...more) {
    if (this === undefined || this === null)
      throw new TypeError(`${name} of ${this}`);
    const text = `${this}`, times = +count;
    if (length_of(text, times) > text_chars)
      throw new RangeError(`${name} would make a text of more than ${text_chars} characters`);
    return Reflect.apply(original, text, [times, ...more]);
  }}[name];
  O.defineProperty(String.prototype, name, {value: replacement});
}
capped('repeat', (text, count) => text.length * count);
capped('padStart', (text, length) => length);
capped('padEnd', (text, length) => length);

// -- answers ---------------------------------------------------------------------

const lone_surrogate = /[\ud800-\udfff]/u; // no header has a way to say it
function header_lines(headers) {
  if (headers === undefined || headers === null)
    return [];
  if (typeof headers !== 'object')
    throw new TypeError('headers must be an object');
  const lines = [];
  for (const name of O.keys(headers)) {
    const value = headers[name];
    if (value === undefined || value === null)
      continue;
    for (const one of isArray(value) ? value : [value]) {
      if (typeof one !== 'string' && typeof one !== 'number' && typeof one !== 'boolean')
        throw new TypeError(`the header ${name} must be a string`);
      const text = String(one);
      if (lone_surrogate.test(name) || lone_surrogate.test(text))
        throw new TypeError(`the header ${name.slice(0, 64)} has half a surrogate pair`);
      if (bytes(name) > header_bytes || bytes(text) > header_bytes)
        throw new RangeError(`the header ${name.slice(0, 64)} is larger than the limit script_header_bytes (${header_bytes})`);
      if (lines.push([name, text]) > most_headers)
        throw new RangeError(`more headers than the limit script_headers (${most_headers})`);
    }
  }
  return lines;
}

/// [status, headers as JSON, form, body]
function shape(status, headers, body) {
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw new RangeError('the status must be a whole number from 200 to 599');
  const lines = stringify(header_lines(headers));
  if (body === undefined || body === null)
    return [status, lines, 'none', ''];
  if (typeof body === 'string')
    return [status, lines, 'text', body];
  const text = stringify(body);
  if (text === undefined)
    throw new TypeError('the body must be JSON or a string');
  return [status, lines, 'json', text];
}

// What JSON has no word for is shown as Node shows it: `1n`, `[Circular *1]`. The rest stays JSON, whose secrets are found when it is recorded.
function with_circles(root) {
  const above = [], met = [];
  const text = stringify(root, function (key, one) {
    if (typeof one === 'bigint')
      return `${one}n`;
    if (typeof one !== 'object' || one === null)
      return one;
    while (above.length > 0 && above[above.length - 1] !== this)
      above.pop();
    if (above.includes(one))
      return `[Circular *${met.includes(one) ? met.indexOf(one) + 1 : met.push(one)}]`;
    above.push(one);
    return one;
  });
  return met.includes(root) ? `<ref *${met.indexOf(root) + 1}> ${text}` : text;
}
function as_json(value) {
  try {
    return stringify(value);
  } catch {
    return with_circles(value);
  }
}
function shown(value) {
  if (typeof value === 'string')
    return value;
  if (typeof value === 'bigint')
    return `${value}n`;
  try {
    const text = typeof value === 'object' && !(value instanceof Error) ? as_json(value) : undefined;
    return text === undefined ? String(value) : text;
  } catch { // what it says of itself throws
    return typeof value === 'object' ? '[Object]' : `[${typeof value}]`;
  }
}
const level = name => (...values) => log(name, values.map(shown).join(' '));
globalThis.console = {log: level('log'), info: level('info'), warn: level('warn'), error: level('error'), debug: level('debug')};

// -- $func -------------------------------------------------------------------------

const error = (status, headers, body) => interrupt(shape(status === undefined ? 500 : status, headers, body));

/// JSON would have null for it.
function storable(value) {
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol')
    throw new TypeError(`the value must be JSON, not ${value === undefined ? 'undefined' : `a ${typeof value}`}`);
  return value;
}

const mock = {
  find: (namespace, key) => host('mock.find', [namespace, key]),
  list: (namespace, options) => host('mock.list', [namespace, options === undefined ? null : options]),
  insert: (namespace, key, value) => host('mock.insert', [namespace, key, storable(value)]),
  update: (namespace, key, value) => host('mock.update', [namespace, key, storable(value)]),
  put: (namespace, key, value) => host('mock.put', [namespace, key, storable(value)]),
  delete: (namespace, key) => host('mock.delete', [namespace, key]),
};

/// The same answer for the same key, for a while of the sandbox's clock. Another request under the key of before is refused.
const reused = {
  ietf: () => error(422, {'content-type': 'application/problem+json'},
                    {type: '/problems/idempotency-key-reused', title: 'The key was used for another request', status: 422}),
  stripe: () => error(400, {}, {error: {type: 'idempotency_error',
                                        message: 'Keys for idempotent requests can only be used with the same parameters they were first used with.'}}),
};
function remember(key, make, options) {
  if (typeof make !== 'function')
    throw new TypeError('remember takes a key and a function');
  const {seconds = null, profile = 'ietf'} = options === undefined || options === null ? {} : options;
  if (profile !== 'ietf' && profile !== 'stripe')
    throw new TypeError('the profile must be ietf or stripe');
  if (key === undefined || key === null || key === '')
    return make();
  const before = host('idempotency.find', [key]);
  if (before !== null && before.conflict)
    reused[profile]();
  if (before !== null)
    return before.value;
  const value = make();
  host('idempotency.keep', [key, value === undefined ? null : value, seconds]);
  return value;
}

function applyFromHeader(header) {
  const status = host('chaos.apply', [header === undefined ? null : header]);
  if (status !== null)
    error(status, {'content-type': 'application/problem+json'}, {type: '/problems/chaos', title: 'Chaos was asked for', status});
}

// -- calls to the outside ---------------------------------------------------------

// They are inputs: where the server does not know what one comes to, the script ends, past any `catch`, and runs again when it does.
function outside(name, given) {
  const said = host(name, given);
  if (said.wanted)
    wait();
  return said;
}

class HttpError extends Error {
  constructor(method, url, {kind, message}) {
    const place = url.split('?')[0]; // what it is asked may be a secret
    super(`${method} ${place} failed: ${kind}: ${message}`);
    this.kind = kind;
    this.url = place;
  }
}
O.defineProperty(HttpError.prototype, 'name', {value: 'HttpError'});

function with_query(url, query) {
  if (query === undefined || query === null)
    return url;
  if (typeof query !== 'object' || isArray(query))
    throw new TypeError('query must be an object');
  const pairs = [];
  for (const name of O.keys(query))
    for (const one of isArray(query[name]) ? query[name] : [query[name]])
      if (one !== undefined && one !== null)
        pairs.push(`${encodeURIComponent(name)}=${encodeURIComponent(String(one))}`);
  return pairs.length === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}${pairs.join('&')}`;
}

const http_options = ['method', 'headers', 'query', 'body', 'json', 'timeout'];
function call(method, to, options) {
  if (typeof to !== 'string')
    throw new TypeError('the URL must be a string');
  if (options === undefined || options === null)
    options = {};
  if (typeof options !== 'object')
    throw new TypeError('the options must be an object');
  for (const name of O.keys(options))
    if (!http_options.includes(name))
      throw new TypeError(`there is no option ${name.slice(0, 64)}; there are ${http_options.join(', ')}`);
  const {query, json, body, timeout = null} = options, headers = header_lines(options.headers);
  const url = with_query(to.split('#')[0], query), has_type = headers.some(([name]) => name.toLowerCase() === 'content-type');
  let text = '', type = '';
  if (json !== undefined) {
    if (body !== undefined && body !== null)
      throw new TypeError('body and json are two bodies');
    text = stringify(storable(json));
    type = 'application/json';
  } else if (body !== undefined && body !== null) {
    if (typeof body !== 'string')
      throw new TypeError('body must be a string; a value goes as json');
    text = body;
    type = 'text/plain; charset=utf-8';
  }
  if (type !== '' && !has_type)
    headers.push(['content-type', type]);
  const said = outside('http.call', [{method, url, headers, body: text, timeout}]);
  if (said.error)
    throw new HttpError(method, url, said.error);
  return {
    ...said,
    ok: said.status >= 200 && said.status < 300,
    json() {
      if (said.body === null)
        throw new TypeError('the answer is no text');
      return JSON.parse(said.body);
    },
  };
}
const with_method = method => (url, options) => {
  if (options !== undefined && options !== null && options.method !== undefined)
    throw new TypeError('the method is in the name; http.request takes one');
  return call(method, url, options);
};
const http = {
  get: with_method('GET'), post: with_method('POST'), put: with_method('PUT'), patch: with_method('PATCH'), delete: with_method('DELETE'),
  request: (url, options) => {
    const method = options === undefined || options === null || options.method === undefined ? 'GET' : options.method;
    if (typeof method !== 'string')
      throw new TypeError('the method must be a string');
    return call(method, url, options);
  },
  HttpError,
};

/// Each goes as far as it can, so that all calls they wait for are made at once.
function all(functions) {
  if (!isArray(functions) || !functions.every(one => typeof one === 'function'))
    throw new TypeError('all takes an array of functions');
  const gave = [];
  let waits = false, failed = false, why;
  for (const one of functions) {
    try {
      const value = branch(one);
      if (value === undefined)
        waits = true;
      else
        gave.push(value[0]);
    } catch (e) {
      why = failed ? why : e;
      failed = true;
    }
  }
  if (waits)
    wait();
  if (failed)
    throw why;
  return gave.some(one => one instanceof Promise) ? Promise.all(gave) : gave;
}
function map(list, make, options) {
  const {limit = Infinity} = options === undefined || options === null ? {} : options;
  if (!isArray(list) || typeof make !== 'function')
    throw new TypeError('map takes an array and a function');
  if (limit !== Infinity && (!Number.isInteger(limit) || limit < 1))
    throw new RangeError('limit must be a whole number, at least 1');
  const gave = [];
  const go_on = from => {
    for (; from < list.length; from += limit) {
      const some = all(list.slice(from, limit === Infinity ? undefined : from + limit).map((item, i) => () => make(item, from + i)));
      if (some instanceof Promise) { // the next ones begin when these have ended
        const next = from + limit;
        return some.then(these => { gave.push(these); return go_on(next); });
      }
      gave.push(some);
    }
    return gave.flat(1);
  };
  return go_on(0);
}
const concurrency = {all, map, delay: ms => { outside('concurrency.delay', [ms]); }};

class PluginError extends Error {
  constructor(plugin, {kind, message}) {
    super(`the plugin ${plugin} failed: ${kind}: ${message}`);
    this.kind = kind;
    this.plugin = plugin;
  }
}
O.defineProperty(PluginError.prototype, 'name', {value: 'PluginError'});
function exec(name, args) {
  const said = outside('plugin.exec', [name, args === undefined ? null : storable(args)]);
  if (said.error)
    throw new PluginError(name, said.error);
  return said.result;
}

const $func = {
  error,
  mock,
  http,
  concurrency,
  plugin: {exec, PluginError},
  dataMapper: {apply: (name, input) => host('mapper.apply', [name, storable(input)])},
  env: {get: name => host('env.get', [name])},
  template: {
    json: name => JSON.parse(host('template.render', [name])),
    dyn: name => host('template.render', [name]),
    file: name => host('template.text', [name]),
  },
  sbx: {
    clock: {now: () => new Date().toISOString()},
    scenario: {resolve: (given, otherwise) => host('scenario.resolve', [given === undefined ? null : given, otherwise === undefined ? 'ok' : otherwise])},
    chaos: {applyFromHeader},
    webhook: {emit: (type, payload) => { host('webhook.emit', [type, payload]); }},
    idempotency: {remember},
  },
};

// -- closing ------------------------------------------------------------------------

// `this.name = …` in a class of errors must go on working when the prototype is frozen, so what is often overridden becomes an accessor
// that makes an own property, as an assignment did before.
function overridable(prototype) {
  for (const key of Reflect.ownKeys(prototype)) {
    const was = O.getOwnPropertyDescriptor(prototype, key);
    if (!('value' in was) || !was.configurable)
      continue;
    const {value, enumerable} = was;
    O.defineProperty(prototype, key, {
      enumerable, configurable: true,
      get() { return value; },
      set(fresh) {
        if (this === prototype || this === undefined || this === null)
          throw new TypeError(`${String(key)} of a builtin cannot be changed`);
        O.defineProperty(this, key, {value: fresh, writable: true, enumerable: true, configurable: true});
      },
    });
  }
}
for (const of of [O, Function, Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError])
  if (of !== Function)
    overridable(of.prototype);

const seen = new Set();
function close(root) {
  const waiting = [root];
  while (waiting.length > 0) {
    const one = waiting.pop();
    if (one === null || (typeof one !== 'object' && typeof one !== 'function') || seen.has(one))
      continue;
    seen.add(one);
    waiting.push(O.getPrototypeOf(one));
    for (const key of Reflect.ownKeys(one)) {
      const {value, get, set} = O.getOwnPropertyDescriptor(one, key);
      waiting.push(value, get, set);
    }
    if (!ArrayBuffer.isView(one))
      O.freeze(one);
  }
}
const iterators = [[][Symbol.iterator](), new Map()[Symbol.iterator](), new Set()[Symbol.iterator](), ''[Symbol.iterator](), 'a'.matchAll(/a/g)];
[function () {}, async function () {}, function* () {}, async function* () {}, () => {}, ...iterators, shape, globalThis].forEach(close);

// Functions of the project are compiled in the closed realm, and closed as well: one that has a name could keep things in itself.
function adopt(library) {
  for (const [name, of_project] of library) {
    close(of_project);
    $func[name] = (...given) => of_project($func, ...given);
  }
  close($func);
  seen.clear();
}

const forget = /(?:)/;
return [
  adopt,
  (handler, request, start) => {
    forget.exec(''); // what RegExp remembers of the last match
    const $resp = {status: start.status, headers: start.headers, body: undefined};
    return [$resp, handler(request, $resp, $func)];
  },
  $resp => shape($resp.status, $resp.headers, $resp.body),
];
}))js";

} // namespace hourglass::worker
