// Receivers that fail in every way there is: each attempt is recorded for what it was, the schedule is followed on the sandbox's clock, what is
// never delivered becomes a dead letter, and a redelivery arrives once the receiver works again.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { until } from '../lib/http.mjs';
import { Receiver, answers } from '../lib/receiver.mjs';
import { Server, removeFolder } from '../lib/server.mjs';

const minute = 60, hour = 3600;
const schedule = [5, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 10 * hour];
const seconds = (instant) => Date.parse(instant) / 1000;

let server, receiver;
before(async () => {
  server = await Server.start();
  receiver = await Receiver.start();
});
after(async () => {
  await receiver?.stop();
  await server?.stop();
  removeFolder(server.data);
});

let turn = 0;
/// A sandbox of its own with one endpoint per behaviour. `endpoints` is in the order given.
async function scene(behaviours, more = {}) {
  const sandbox = (await server.ask('POST', '/sandboxes', { name: 'hostile' })).id;
  const base = `/api/v1/app/${sandbox}`;
  const endpoints = [];
  for (const behaviour of behaviours) {
    const path = `/hostile/${++turn}`;
    const url = typeof behaviour === 'string' ? behaviour : receiver.at(path, behaviour);
    const endpoint = await server.ask('POST', `${base}/endpoint`, { url, ...more });
    endpoints.push({ id: endpoint.id, path, url });
  }
  return {
    sandbox, base, endpoints,
    emit: (payload = { n: 1 }, eventType = 'order.made') => server.ask('POST', `${base}/msg`, { eventType, payload }),
    attempts: async (message, endpoint) => (await server.ask('GET', `${base}/attempt/msg/${message.id}?limit=250${endpoint ? `&endpoint_id=${endpoint.id}` : ''}`)).data.reverse(),
    endpoint: (endpoint) => server.ask('GET', `${base}/endpoint/${endpoint.id}`),
    stats: (endpoint) => server.ask('GET', `${base}/endpoint/${endpoint.id}/stats`),
    dead: async (endpoint) => (await server.ask('GET', `${base}/endpoint/${endpoint.id}/dead`)).data,
    resend: (message, endpoint) => server.ask('POST', `${base}/msg/${message.id}/endpoint/${endpoint.id}/resend`),
    advance: (by) => server.advance(sandbox, by),
  };
}

const made = (stage, message, count, endpoint, patience) =>
  until(`${count} attempts`, async () => {
    const list = await stage.attempts(message, endpoint);
    return list.length >= count && list;
  }, patience);

test('a receiver that always fails gets eight attempts on schedule, then the message is a dead letter; a redelivery ends that', async () => {
  const stage = await scene([answers.status(500, { 'x-broken': 'yes' }, 'out of order')]);
  const [endpoint] = stage.endpoints;
  const message = await stage.emit({ type: 'order.made', n: 42 });
  let list = await made(stage, message, 1);
  for (let n = 1; n <= 7; ++n) {
    const last = list.at(-1);
    assert.equal(list.length, n);
    assert.equal(last.number, n);
    assert.equal(last.outcome, 'retry');
    assert.equal(last.responseStatusCode, 500);
    assert.deepEqual(last.responseBody, { text: 'out of order' });
    const wait = seconds(last.nextAttempt) - seconds(last.timestamp);
    const planned = schedule[n - 1];
    assert.ok(wait >= planned * 0.8 - 0.01 && wait <= planned * 1.2 + 0.01, `attempt ${n + 1} is due after ${wait} s, planned ${planned} s`);
    const now = seconds((await server.ask('GET', `/sandboxes/${stage.sandbox}/clock`)).now);
    const left = Math.floor(seconds(last.nextAttempt) - now);
    if (planned > 60) {
      await stage.advance(`${left - 5}s`);
      assert.equal((await stage.attempts(message)).length, n, 'nothing is sent before its time');
      await stage.advance('10s');
    } else {
      await stage.advance(`${left + 2}s`);
    }
    list = await made(stage, message, n + 1);
    assert.ok(Math.abs(seconds(list.at(-1).timestamp) - seconds(last.nextAttempt)) < (planned > 60 ? 1 : 8), 'it was made when it was due, not when the clock had arrived');
  }
  const end = list.at(-1);
  assert.equal(end.number, 8);
  assert.equal(end.outcome, 'dead');
  assert.equal(end.nextAttempt, null);
  assert.equal((await stage.stats(endpoint)).fail, 1);
  assert.deepEqual((await stage.dead(endpoint)).map((d) => d.msgId), [message.id]);
  await stage.advance('200h');
  assert.equal((await stage.attempts(message)).length, 8, 'a dead letter is left alone');

  await stage.resend(message, endpoint); // still broken: a manual attempt that fails changes nothing
  list = await made(stage, message, 9);
  assert.equal(list.at(-1).outcome, 'failed');
  assert.equal((await stage.stats(endpoint)).fail, 1);
  receiver.at(endpoint.path, answers.ok);
  await stage.resend(message, endpoint);
  list = await made(stage, message, 10);
  assert.equal(list.at(-1).outcome, 'delivered');
  assert.equal(list.at(-1).trigger, 'manual');
  assert.equal((await stage.stats(endpoint)).fail, 0);
  assert.deepEqual(await stage.dead(endpoint), []);

  const got = receiver.to(endpoint.path);
  assert.equal(got.length, 10);
  assert.deepEqual([...new Set(got.map((d) => d.headers['webhook-id']))], [message.id], 'one id on all attempts');
  assert.equal(new Set(got.map((d) => d.body)).size, 1);
  const secret = (await server.ask('GET', `${stage.base}/endpoint/${endpoint.id}/secret`)).key;
  for (const delivery of got) new Webhook(secret).verify(delivery.body, delivery.headers);
});

test('one long advance fires everything on the way, in order of due time', async () => {
  const stage = await scene([answers.status(500), answers.status(502)]);
  const first = await stage.emit({ n: 1 });
  const second = await stage.emit({ n: 2 });
  for (const message of [first, second]) await made(stage, message, 2);
  const clock = await stage.advance('60h');
  assert.notEqual(clock.mode, 'advancing');
  const attempts = [...(await stage.attempts(first)), ...(await stage.attempts(second))];
  assert.equal(attempts.length, 4 * 8);
  assert.equal(attempts.filter((a) => a.outcome === 'dead').length, 4);
  const bySeq = attempts.sort((a, b) => a.seq - b.seq).map((a) => seconds(a.timestamp));
  assert.deepEqual(bySeq, [...bySeq].sort((a, b) => a - b), 'the log has them in virtual order');
  for (const list of [await stage.attempts(first, stage.endpoints[0]), await stage.attempts(second, stage.endpoints[1])])
    for (let n = 0; n < 7; ++n)
      assert.ok(Math.abs(seconds(list[n + 1].timestamp) - seconds(list[n].nextAttempt)) < 8, 'each when the one before said');
});

test('an endpoint may have a schedule of its own', async () => {
  const stage = await scene([answers.status(500)], { retrySchedule: [60, 120] });
  const message = await stage.emit();
  await made(stage, message, 1);
  await stage.advance('1h');
  const list = await stage.attempts(message);
  assert.deepEqual(list.map((a) => a.outcome), ['retry', 'retry', 'dead']);
});

describe('each attempt is recorded for what it was', () => {
  const closedPort = () => new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(`http://127.0.0.1:${port}/`));
    });
  });
  /// behaviour, what the first attempt must look like, and how long it may take until it is there
  const cases = {
    '500': [answers.status(500, {}, 'no'), { status: 500, outcome: 'retry', kind: null }],
    '404': [answers.status(404), { status: 404, outcome: 'retry', kind: null }],
    'a reset': [answers.reset, { status: 0, outcome: 'retry', kind: 'reset' }],
    'an answer that is not HTTP': [answers.garbage, { status: 0, outcome: 'retry', kind: 'malformed' }],
    'an answer that is cut off': [answers.cutOff, { status: 200, outcome: 'retry', kind: 'reset' }],
    'a port that nobody listens on': [closedPort, { status: 0, outcome: 'retry', kind: 'connect' }],
    'a name that does not resolve': ['http://receiver.invalid/', { status: 0, outcome: 'retry', kind: 'dns' }],
    'a private address': ['http://10.1.2.3/', { status: 0, outcome: 'retry', kind: 'refused_by_guard' }],
    'the metadata address': ['http://169.254.169.254/latest/meta-data', { status: 0, outcome: 'retry', kind: 'refused_by_guard' }],
    'a stream without end': [answers.flood, { status: 200, outcome: 'delivered', kind: null, truncated: true }],
    'a receiver that hangs': [answers.hang, { status: 0, outcome: 'retry', kind: 'timeout', slow: true }],
    'an answer that never ends': [answers.dribble, { status: 200, outcome: 'retry', kind: 'timeout', slow: true }],
    'a slow 200': [answers.slow(3_000), { status: 200, outcome: 'delivered', kind: null, least: 3_000 }],
  };
  for (const [name, [behaviour, expected]] of Object.entries(cases))
    test(name, { concurrency: true }, async () => {
      const stage = await scene([behaviour === closedPort ? await closedPort() : behaviour]);
      const message = await stage.emit();
      const [attempt] = await made(stage, message, 1, undefined, 40_000);
      assert.equal(attempt.responseStatusCode, expected.status);
      assert.equal(attempt.error?.kind ?? null, expected.kind, JSON.stringify(attempt.error));
      assert.equal(attempt.outcome, expected.outcome);
      assert.equal(attempt.status, expected.outcome === 'delivered' ? 0 : 2);
      assert.equal(attempt.responseTruncated, expected.truncated ?? false);
      if (expected.truncated) assert.ok(attempt.responseBody.text.length > 0 && attempt.responseBody.text.length <= 16_384);
      if (expected.slow) assert.ok(attempt.responseDurationMs >= 19_000 && attempt.responseDurationMs <= 25_000, `${attempt.responseDurationMs} ms`);
      if (expected.least) assert.ok(attempt.responseDurationMs >= expected.least);
      if (expected.kind) assert.ok(attempt.error.detail.length > 0, 'an error says what happened');
    });
});

test('a receiver that hangs delays nobody else', async () => {
  const stage = await scene([answers.hang, answers.ok]);
  const [hanging, healthy] = stage.endpoints;
  for (let n = 0; n < 100; ++n) await stage.emit({ n });
  const got = await receiver.waitFor(healthy.path, 100, 10_000);
  assert.deepEqual(got.map((d) => JSON.parse(d.body).n).sort((a, b) => a - b), [...Array(100).keys()]);
  assert.ok(receiver.to(hanging.path).length <= 64, 'the in-flight cap holds');
});

test('a redirect is a failure and is never followed', async () => {
  const elsewhere = receiver.at('/elsewhere');
  const stage = await scene([301, 302, 303, 307, 308].map((code) => answers.status(code, { location: elsewhere })));
  const message = await stage.emit();
  for (const [i, endpoint] of stage.endpoints.entries()) {
    const [attempt] = await made(stage, message, 1, endpoint);
    assert.equal(attempt.responseStatusCode, [301, 302, 303, 307, 308][i]);
    assert.equal(attempt.outcome, 'retry');
    assert.ok(attempt.responseHeaders.some(([name, value]) => name.toLowerCase() === 'location' && value === elsewhere));
  }
  assert.equal(receiver.to('/elsewhere').length, 0);
});

test('410 disables the endpoint; what came meanwhile is sent when it is recovered', async () => {
  const stage = await scene([answers.status(410)]);
  const [endpoint] = stage.endpoints;
  const message = await stage.emit({ n: 1 });
  const [attempt] = await made(stage, message, 1);
  assert.equal(attempt.responseStatusCode, 410);
  const now = await until('it is disabled', async () => {
    const e = await stage.endpoint(endpoint);
    return e.disabled && e;
  });
  assert.match(now.disabledReason, /410/);
  const missed = await stage.emit({ n: 2 });
  await stage.advance('48h');
  assert.equal(receiver.to(endpoint.path).length, 1, 'a disabled endpoint gets nothing');
  receiver.at(endpoint.path, answers.ok);
  await server.ask('PATCH', `${stage.base}/endpoint/${endpoint.id}`, { disabled: false });
  const since = new Date(Date.now() - hour * 1000).toISOString();
  await server.ask('POST', `${stage.base}/endpoint/${endpoint.id}/recover`, { since, scope: 'all' });
  // The first may come twice: its own retry is due once the endpoint is enabled, and a recovery of all sends again what has just arrived.
  const got = await until('both have come', async () => {
    const ids = new Set(receiver.to(endpoint.path).slice(1).map((d) => d.headers['webhook-id']));
    return ids.size >= 2 && ids;
  });
  assert.deepEqual(got, new Set([message.id, missed.id]));
});

test('Retry-After is honoured, in seconds and as a date, and never shortens the schedule', async () => {
  const stage = await scene([
    [answers.status(429, { 'retry-after': '3600' }), answers.ok],
    [answers.status(503, { 'retry-after': new Date(Date.now() + 7200_000).toUTCString() }), answers.ok],
    [answers.status(429, { 'retry-after': '0' }), answers.ok],
    [answers.status(429, { 'retry-after': 'soon' }), answers.ok],
  ]);
  const message = await stage.emit();
  const waits = [];
  for (const endpoint of stage.endpoints) {
    const [attempt] = await made(stage, message, 1, endpoint);
    waits.push(seconds(attempt.nextAttempt) - seconds(attempt.timestamp));
  }
  assert.ok(Math.abs(waits[0] - 3600) < 1, `${waits[0]} s after Retry-After: 3600`);
  assert.ok(Math.abs(waits[1] - 7200) < 5, `${waits[1]} s after a date two hours ahead`);
  for (const wait of waits.slice(2)) assert.ok(wait >= 4 && wait <= 6, `${wait} s`);
  await stage.advance('59m');
  assert.equal((await stage.attempts(message, stage.endpoints[0])).length, 1);
  await stage.advance('2h');
  for (const endpoint of stage.endpoints) {
    const list = await stage.attempts(message, endpoint);
    assert.deepEqual(list.map((a) => a.outcome), ['retry', 'delivered']);
  }
});

test('everything that died is redelivered at once when the receiver recovers', async () => {
  const stage = await scene([answers.reset], { retrySchedule: [5] });
  const [endpoint] = stage.endpoints;
  const messages = [];
  for (let n = 0; n < 20; ++n) messages.push(await stage.emit({ n }));
  for (const message of messages) await made(stage, message, 1);
  await stage.advance('1m');
  assert.equal((await stage.stats(endpoint)).fail, 20);
  receiver.at(endpoint.path, answers.ok);
  const before = receiver.to(endpoint.path).length;
  const since = new Date(Date.now() - hour * 1000).toISOString();
  const task = await server.ask('POST', `${stage.base}/endpoint/${endpoint.id}/recover`, { since });
  const end = await until('the recovery is over', async () => {
    const now = await server.ask('GET', `${stage.base}/endpoint/${endpoint.id}/recovery/${task.id}`);
    return now.status === 'finished' && now.delivered === 20 && now;
  });
  assert.equal(end.queued, 20);
  const got = receiver.to(endpoint.path).slice(before).map((d) => d.headers['webhook-id']);
  assert.deepEqual(got.sort(), messages.map((m) => m.id).sort(), 'each once');
  assert.deepEqual(await stage.dead(endpoint), []);
  assert.equal((await stage.stats(endpoint)).fail, 0);
});

test('the clock can be frozen: nothing is retried until it goes on', async () => {
  const stage = await scene([[answers.status(500), answers.ok]], { retrySchedule: [1] });
  await server.ask('POST', `/sandboxes/${stage.sandbox}/clock/freeze`);
  const message = await stage.emit();
  await made(stage, message, 1);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  assert.equal((await stage.attempts(message)).length, 1, 'time stands');
  await server.ask('POST', `/sandboxes/${stage.sandbox}/clock/resume`);
  const list = await made(stage, message, 2);
  assert.equal(list[1].outcome, 'delivered');
});
