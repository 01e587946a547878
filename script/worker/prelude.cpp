#include "script/worker/prelude.hpp"

namespace hourglass::worker {

const std::string_view prelude = R"js((function (native) {
'use strict';
const {host, interrupt, log, random, bytes, most_headers, header_bytes, text_chars} = native;
const O = Object, {stringify} = JSON, {isArray} = Array;

// -- what must not be what it is elsewhere --------------------------------------

for (const name of ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'WeakRef', 'FinalizationRegistry', 'eval', 'escape', 'unescape', 'uneval'])
  delete globalThis[name];
O.defineProperty(Math, 'random', {value: random});

// A single step of the engine that makes a huge text cannot be interrupted.
function capped(name, length_of) {
  const original = String.prototype[name];
  const replacement = {[name](...given) {
    if (length_of(this, given) > text_chars)
      throw new RangeError(`${name} would make a text of more than ${text_chars} characters`);
    return Reflect.apply(original, this, given);
  }}[name];
  O.defineProperty(String.prototype, name, {value: replacement});
}
capped('repeat', (text, [count]) => String(text).length * (Number(count) || 0));
capped('padStart', (text, [length]) => Number(length) || 0);
capped('padEnd', (text, [length]) => Number(length) || 0);

// -- answers ---------------------------------------------------------------------

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

function shown(value) {
  if (typeof value === 'string')
    return value;
  if (value instanceof Error)
    return String(value);
  if (typeof value === 'bigint')
    return String(value) + 'n';
  const text = typeof value === 'object' ? stringify(value) : undefined;
  return text === undefined ? String(value) : text;
}
const level = name => (...values) => log(name, values.map(shown).join(' '));
globalThis.console = {log: level('log'), info: level('info'), warn: level('warn'), error: level('error'), debug: level('debug')};

// -- $func -------------------------------------------------------------------------

const error = (status, headers, body) => interrupt(shape(status === undefined ? 500 : status, headers, body));

const mock = {
  find: (namespace, key) => host('mock.find', [namespace, key]),
  list: (namespace, options) => host('mock.list', [namespace, options === undefined ? null : options]),
  insert: (namespace, key, value) => host('mock.insert', [namespace, key, value]),
  update: (namespace, key, value) => host('mock.update', [namespace, key, value]),
  put: (namespace, key, value) => host('mock.put', [namespace, key, value]),
  delete: (namespace, key) => host('mock.delete', [namespace, key]),
};

/// The same answer for the same key, for a day of the sandbox's clock. Another request under the key of before is refused.
function remember(key, make) {
  if (typeof make !== 'function')
    throw new TypeError('remember takes a key and a function');
  if (key === undefined || key === null || key === '')
    return make();
  const before = host('idempotency.find', [key]);
  if (before !== null && before.conflict)
    error(422, {'content-type': 'application/problem+json'},
          {type: '/problems/idempotency-key-reused', title: 'The key was used for another request', status: 422});
  if (before !== null)
    return before.value;
  const value = make();
  host('idempotency.keep', [key, value === undefined ? null : value]);
  return value;
}

function applyFromHeader(header) {
  const status = host('chaos.apply', [header === undefined ? null : header]);
  if (status !== null)
    error(status, {'content-type': 'application/problem+json'}, {type: '/problems/chaos', title: 'Chaos was asked for', status});
}

const $func = {
  error,
  mock,
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
