// Bad input over the wire: each gets a clear answer, changes nothing, and the server goes on serving everybody else.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { pause } from '../lib/http.mjs';
import { Server, adminKey, removeFolder } from '../lib/server.mjs';

let server, sandbox;
before(async () => {
  server = await Server.start();
  sandbox = (await server.ask('POST', '/sandboxes', { name: 'target' })).id;
  await server.ask('POST', `/sandboxes/${sandbox}/endpoints`, { method: 'GET', path: '/fine', response: { body: { fine: true } } });
});
after(async () => {
  const exit = await server?.stop();
  removeFolder(server.data);
  assert.deepEqual(exit, { code: 0, signal: null });
});
afterEach(async () => {
  assert.equal(server.exit, undefined, `the server ended:\n${server.log}`);
  assert.equal((await server.mock(sandbox, 'GET', '/fine')).status, 200, 'it still serves');
});

const head = async () => (await server.ask('GET', `/sandboxes/${sandbox}/history?type=sandbox.updated,data.put,env.put,endpoint.put,openapi.imported,clock.set&limit=1`)).data[0]?.seq;
/// The call is refused with `status`, as a problem document, and leaves no event.
async function refused(status, method, where, body, options = {}) {
  const before = await head();
  const answer = await server.call(method, where, body, options);
  const wanted = Array.isArray(status) ? status : [status];
  assert.ok(wanted.includes(answer.status), `${method} ${where}: ${answer.status} ${answer.text.slice(0, 500)}, wanted ${wanted}`);
  if (method !== 'HEAD') {
    assert.match(answer.headers['content-type'], /^application\/problem\+json/);
    assert.equal(answer.json.status, answer.status);
    assert.equal(typeof answer.json.title, 'string');
    assert.ok(answer.json.detail?.length > 0, 'it says what is wrong');
    assert.equal(answer.json.correlation_id, answer.headers['x-correlation-id']);
  }
  assert.equal(await head(), before, 'nothing changed');
  return answer;
}

describe('bodies', () => {
  const json = { headers: { 'content-type': 'application/json' } };
  for (const [name, body] of Object.entries({
    'no JSON': '{"name": ', 'two values': '{} {}', 'a trailing comma': '{"name": "a",}', 'a comment': '{/* */}', 'NaN': '{"name": NaN}',
    'nothing': '', 'the same name twice': '{"name":"a","name":"b"}', 'a lone surrogate': '{"name":"\\ud800"}',
    'a control character in a string': '{"name":"a\u0001"}', 'too deep': '['.repeat(100_000) + ']'.repeat(100_000),
  }))
    test(`${name} is refused`, () => refused([400, 422], 'POST', '/sandboxes', body, json));

  test('bad UTF-8 is refused', () => refused([400, 422], 'POST', '/sandboxes', Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d]), json));
  test('the wrong type of a member is named', async () => {
    const answer = await refused(422, 'POST', '/sandboxes', { name: 7 });
    assert.equal(answer.json.pointer, '/name');
  });
  test('a member that is not known is named', async () => {
    const answer = await refused(422, 'POST', '/sandboxes', { nmae: 'typo' });
    assert.match(answer.json.pointer, /nmae/);
  });
  test('an array where an object is needed', () => refused([400, 422], 'POST', '/sandboxes', []));
  test('a body that is larger than the limit is refused before it is read', async () => {
    const answer = await server.call('POST', '/sandboxes', Buffer.alloc(9 * 1024 * 1024, 0x20), json).catch((error) => error);
    // The server may close while the body is still on its way; then the client sees the 413 or a reset, never a success.
    if (answer instanceof Error) assert.match(String(answer.code), /ECONNRESET|EPIPE/);
    else assert.equal(answer.status, 413);
  });
  test('a stored value that is larger than its limit names the limit', async () => {
    const answer = await refused(413, 'PUT', `/sandboxes/${sandbox}/data/a/b`, `"${'x'.repeat(2 * 1024 * 1024)}"`, json);
    assert.match(answer.json.detail, /data_value_bytes|limit/);
  });
  test('a message that is larger than its limit', async () => {
    const answer = await server.call('POST', `/api/v1/app/${sandbox}/msg`, { eventType: 'a', payload: { big: 'x'.repeat(2 * 1024 * 1024) } });
    assert.equal(answer.status, 413, answer.text.slice(0, 300));
  });
  test('a media type that is not JSON', () => refused(415, 'POST', '/sandboxes', '<a/>', { headers: { 'content-type': 'text/xml' } }));
  test('a compressed body', () => refused(415, 'POST', '/sandboxes', '{}', { headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } }));
});

describe('ids and paths', () => {
  const unknown = 'sbx_00000000000000000000000000';
  for (const where of [`/sandboxes/${unknown}`, '/sandboxes/nonsense', `/sandboxes/${unknown}/history`, `/sandboxes/${unknown}/state`, `/sandboxes/${unknown}/requests`])
    test(`GET ${where} is 404`, () => refused(404, 'GET', where));
  test('unknown things inside a sandbox are 404', async () => {
    for (const inside of ['endpoints/ep_nothing', 'data/a/nothing', 'env/NOTHING', 'requests/req_nothing', 'requests/999999', 'history/999999', 'state?at_seq=999999'])
      await refused(404, 'GET', `/sandboxes/${sandbox}/${inside}`);
    await refused(404, 'POST', `/sandboxes/${sandbox}/requests/req_nothing/replay`);
    await refused(404, 'DELETE', `/sandboxes/${sandbox}/endpoints/ep_nothing`);
  });
  test('a mock request to no sandbox is 404', async () => {
    for (const name of [unknown, 'nonsense', '', '..', '%2e%2e', '%00', 'x'.repeat(300)]) {
      const answer = await server.mock(name, 'GET', '/fine');
      assert.ok([400, 404].includes(answer.status), `${name}: ${answer.status}`);
      assert.match(answer.headers['content-type'], /problem\+json/);
    }
  });
  for (const path of ['/sandboxes/../healthz', '/sandboxes/%2e%2e/healthz', '/sandboxes/%2E%2E%2Fadmin', '/sandboxes/%zz', '/sandboxes/%', '/sandboxes/%ff%fe', '/sandboxes/a%00b', '//sandboxes', '/sandboxes//', '/portal/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd'])
    test(`${path} leads nowhere`, () => refused([400, 404], 'GET', path));
  test('mock paths with tricks are answered and harm nobody', async () => {
    for (const path of ['/../fine', '/%2e%2e/fine', '/./fine', '//fine', '/%', '/%zz', '/a%00b', '/a%2fb', '/%ff', '/fine?%', '/fine?a=%zz', `/${'x'.repeat(8000)}`, '/' + 'a/'.repeat(2000)]) {
      const answer = await server.mock(sandbox, 'GET', path);
      assert.ok([200, 400, 404, 414].includes(answer.status), `${path.slice(0, 40)}: ${answer.status}`);
    }
  });
  test('a method that is not known here is 405 and says which are', async () => {
    const answer = await refused(405, 'PUT', '/sandboxes', {});
    assert.match(answer.headers.allow, /GET/);
  });
});

describe('parameters', () => {
  for (const query of ['limit=0', 'limit=251', 'limit=-1', 'limit=x', 'limit=1&limit=2', 'limit=99999999999999999999', 'cursor=%21%21', 'cursor=AAAA', 'order=sideways', 'type=no.such', 'from=yesterday', 'nonsense=1', 'after_seq=-1', '%', 'a=%zz'])
    test(`history?${query}`, () => refused([400, 422], 'GET', `/sandboxes/${sandbox}/history?${query}`));
  test('the clock refuses nonsense', async () => {
    for (const body of [{}, { by: 'soon' }, { by: -5 }, { by: '5s', to: '2040-01-01T00:00:00Z' }, { to: 'never' }, { by: '99999999999d' }, { to: '1999-01-01T00:00:00Z' }, { by: 1.5 }])
      await refused([400, 422], 'POST', `/sandboxes/${sandbox}/clock/advance`, body);
  });
});

describe('keys', () => {
  test('no key, a wrong key and another scheme are 401', async () => {
    for (const headers of [{}, { authorization: 'Bearer nope' }, { authorization: `Basic ${adminKey}` }, { authorization: 'Bearer ' }, { authorization: adminKey }, { authorization: `Bearer ${'x'.repeat(5000)}` }]) {
      const answer = await refused(401, 'GET', '/sandboxes', undefined, { key: null, headers });
      assert.match(answer.headers['www-authenticate'], /^Bearer/);
    }
  });
  test('a correlation id that cannot be kept is replaced', async () => {
    const answer = await server.call('GET', '/healthz', undefined, { headers: { 'x-correlation-id': 'x'.repeat(200) } });
    assert.notEqual(answer.headers['x-correlation-id'], 'x'.repeat(200));
    const kept = await server.call('GET', '/healthz', undefined, { headers: { 'x-correlation-id': 'mine-1' } });
    assert.equal(kept.headers['x-correlation-id'], 'mine-1');
  });
});

describe('duplicates', () => {
  test('a uid is taken once, an endpoint route too', async () => {
    await server.ask('POST', '/sandboxes', { uid: 'only-one' });
    await refused(409, 'POST', '/sandboxes', { uid: 'only-one' });
    await refused(409, 'POST', `/sandboxes/${sandbox}/endpoints`, { method: 'GET', path: '/fine', response: {} });
  });
  test('of many that create one uid at once, one succeeds', async () => {
    const answers = await Promise.all([...Array(20)].map(() => server.call('POST', '/sandboxes', { uid: 'raced' })));
    assert.deepEqual(answers.map((a) => a.status).sort(), [201, ...Array(19).fill(409)]);
  });
  test('of many that send one eventId at once, one succeeds', async () => {
    const answers = await Promise.all([...Array(20)].map(() => server.call('POST', `/api/v1/app/${sandbox}/msg`, { eventType: 'a', eventId: 'raced', payload: {} })));
    assert.deepEqual(answers.map((a) => a.status).sort(), [202, ...Array(19).fill(409)]);
  });
});

describe('the wire', () => {
  /// Sends the bytes as they are and gives what came back until the server closed, or `ms` passed.
  const raw = (bytes, ms = 3_000) => new Promise((resolve) => {
    const { hostname, port } = new URL(server.url);
    const socket = net.connect(Number(port), hostname);
    let text = '';
    const end = (closed) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, closed });
    };
    const timer = setTimeout(() => end(false), ms);
    socket.on('data', (chunk) => (text += chunk));
    socket.on('error', () => end(true));
    socket.on('close', () => end(true));
    socket.on('connect', () => (Array.isArray(bytes) ? bytes.forEach((b) => socket.write(b)) : socket.write(bytes)));
  });
  const status = (answer) => Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer.text)?.[1]);
  for (const [name, bytes] of Object.entries({
    'no HTTP at all': 'hello there\r\n\r\n', 'TLS on the plain port': Buffer.from('160301020001000100', 'hex'), 'an unknown version': 'GET / HTTP/9.9\r\nHost: a\r\n\r\n',
    'a header without a colon': 'GET /healthz HTTP/1.1\r\nHost: a\r\nbroken\r\n\r\n', 'a space before the colon': 'GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n',
    'two lengths': 'POST /sandboxes HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}', 'a negative length': 'POST /sandboxes HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n',
    'a length and chunks': 'POST /sandboxes HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'a broken chunk': 'POST /sandboxes HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'an unknown transfer encoding': 'POST /sandboxes HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n', 'no host': 'GET /healthz HTTP/1.1\r\n\r\n', 'a header that is too large': `GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
    'too many headers': `GET /healthz HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(10_000)}\r\n`,
  }))
    test(`${name}: an error status or a closed connection`, async () => {
      const answer = await raw(bytes);
      assert.ok(answer.closed || status(answer) >= 400, `got ${JSON.stringify(answer.text.slice(0, 200))}`);
      if (answer.text.length > 0) assert.ok(status(answer) >= 400, answer.text.slice(0, 200));
    });
  test('an oversized body is refused by its length alone', async () => {
    const answer = await raw(`POST /sandboxes HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n`);
    assert.equal(status(answer), 413);
    assert.match(answer.text, /problem\+json/);
  });
  test('pipelined requests are answered in order', async () => {
    const answer = await raw(`GET /s/${sandbox}/fine HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(20) + 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const statuses = [...answer.text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((m) => m[1]);
    assert.deepEqual(statuses, Array(21).fill('200'));
    assert.ok(answer.text.trimEnd().endsWith('{"status":"ok"}'));
    assert.ok(answer.closed);
  });
  test('half a request, and then nothing, holds up nobody', async () => {
    const { hostname, port } = new URL(server.url);
    const sockets = [...Array(200)].map((_, i) => {
      const socket = net.connect(Number(port), hostname);
      socket.on('error', () => {});
      socket.write(i % 2 ? 'POST /sandboxes HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{"na' : 'GET /healthz HTTP/1.1\r\nHo');
      return socket;
    });
    await pause(200);
    const started = Date.now();
    for (let n = 0; n < 20; ++n) assert.equal((await server.mock(sandbox, 'GET', '/fine')).status, 200);
    assert.ok(Date.now() - started < 5_000);
    for (const socket of sockets) socket.destroy();
  });
  test('a client that goes away in the middle of an answer harms nobody', async () => {
    const { hostname, port } = new URL(server.url);
    for (let n = 0; n < 50; ++n) {
      const socket = net.connect(Number(port), hostname);
      socket.on('error', () => {});
      await new Promise((resolve) => socket.write(`GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(10), resolve));
      socket.resetAndDestroy();
    }
  });
});
