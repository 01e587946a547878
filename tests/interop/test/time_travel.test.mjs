// The past of a sandbox: its state at any event or instant, and any request served again, byte for byte.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../lib/http.mjs';
import { Receiver, answers } from '../lib/receiver.mjs';
import { Server, removeFolder } from '../lib/server.mjs';

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

const fresh = async () => (await server.ask('POST', '/sandboxes', { name: 'past' })).id;
const head = async (sandbox) => (await server.ask('GET', `/sandboxes/${sandbox}/history?limit=1`)).data[0].seq;
const stateAt = (sandbox, seq) => server.ask('GET', `/sandboxes/${sandbox}/state?at_seq=${seq}`);

test('the state as of an earlier event or instant is what it was then', async () => {
  const sandbox = await fresh();
  const put = (where, value) => server.ask('PUT', `/sandboxes/${sandbox}${where}`, value);
  await put('/data/pets/1', { name: 'Rex' });
  const one = await head(sandbox);
  await put('/data/pets/1', { name: 'Max' });
  await put('/data/pets/2', { name: 'Ann' });
  await put('/env/GREETING', { value: 'hello' });
  const endpoint = await server.ask('POST', `/sandboxes/${sandbox}/endpoints`, { method: 'GET', path: '/pets', response: { body: [] } });
  const two = await head(sandbox);
  await server.ask('DELETE', `/sandboxes/${sandbox}/data/pets/1`);
  await server.ask('DELETE', `/sandboxes/${sandbox}/endpoints/${endpoint.id}`);
  await server.advance(sandbox, '3d');
  const first = await stateAt(sandbox, one);
  assert.equal(first.seq, one);
  assert.deepEqual(first.data, { data: { pets: { 1: { name: 'Rex' } } }, env: {} });
  assert.deepEqual(first.endpoints.endpoints, []);
  const second = await stateAt(sandbox, two);
  assert.deepEqual(second.data, { data: { pets: { 1: { name: 'Max' }, 2: { name: 'Ann' } } }, env: { GREETING: 'hello' } });
  assert.equal(second.endpoints.endpoints[0].id, endpoint.id);
  const now = await server.ask('GET', `/sandboxes/${sandbox}/state`);
  assert.deepEqual(now.data.data, { pets: { 2: { name: 'Ann' } } });
  assert.ok(Date.parse(now.clock.now) - Date.parse(second.clock.now) >= 3 * 86_400_000);
  const event = await server.ask('GET', `/sandboxes/${sandbox}/history/${two}`);
  const byInstant = await server.ask('GET', `/sandboxes/${sandbox}/state?at=${encodeURIComponent(event.wall_time)}`);
  assert.equal(byInstant.seq, two);
  assert.equal((await server.call('GET', `/sandboxes/${sandbox}/state?at_seq=99999`)).status, 404);
  assert.equal((await server.call('GET', `/sandboxes/${sandbox}/state?at=2001-01-01T00:00:00Z`)).status, 404);
});

test('a delivery that was pending then is pending in the past and done now', async () => {
  const sandbox = await fresh();
  const base = `/api/v1/app/${sandbox}`;
  await server.ask('POST', `${base}/endpoint`, { url: receiver.at('/then', [answers.status(500), answers.ok]) });
  const message = await server.ask('POST', `${base}/msg`, { eventType: 'a', payload: { n: 1 } });
  await until('the first attempt', async () => (await server.ask('GET', `${base}/attempt/msg/${message.id}`)).data.length === 1);
  const then = await head(sandbox);
  await server.advance(sandbox, '1m');
  const past = await stateAt(sandbox, then);
  assert.equal(past.outbox.pendingDeliveries, 1);
  assert.equal(past.outbox.endpoints[0].pending[0].msgId, message.id);
  assert.equal(past.outbox.endpoints[0].pending[0].attempts, 1);
  assert.equal((await server.ask('GET', `/sandboxes/${sandbox}/state`)).outbox.pendingDeliveries, 0);
});

test('a recorded request is served again, byte for byte, whatever happened since; and nothing is changed by that', async () => {
  const sandbox = await fresh();
  const put = (where, value) => server.ask('PUT', `/sandboxes/${sandbox}${where}`, value);
  await put('/data/pets/7', { name: 'Rex', age: 3 });
  await put('/env/SHOP', { value: 'corner' });
  await server.ask('POST', `/sandboxes/${sandbox}/endpoints`, {
    method: 'POST', path: '/pets/{id}',
    response: {
      status: 201, template: true, headers: { 'x-shop': '{{env.SHOP}}' },
      body: '{"id": {{request.path.id}}, "pet": {{data.pets[request.path.id]}}, "at": {{now}}, "uuid": {{uuid}}, "dice": {{random(1, 1000000)}}, "echo": {{request.body.text}}}',
    },
  });
  const answer = await server.mock(sandbox, 'POST', '/pets/7?verbose=1', { body: { text: 'grüezi' }, headers: { 'x-correlation-id': 'cor-of-this-test' } });
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.headers['x-shop'], 'corner');
  assert.equal(answer.headers['x-correlation-id'], 'cor-of-this-test');
  assert.deepEqual(answer.json.pet, { name: 'Rex', age: 3 });
  assert.equal(answer.json.echo, 'grüezi');
  const miss = await server.mock(sandbox, 'GET', '/nothing');
  assert.equal(miss.status, 404);

  await put('/data/pets/7', { name: 'Max' });
  await put('/env/SHOP', { value: 'mall' });
  await server.advance(sandbox, '1d');

  const timeline = await server.ask('GET', `/sandboxes/${sandbox}/requests`);
  assert.deepEqual(timeline.data.map((r) => [r.method, r.target, r.status]), [['GET', '/nothing', 404], ['POST', '/pets/7?verbose=1', 201]]);
  assert.equal(timeline.data[1].correlation_id, 'cor-of-this-test');
  assert.equal(timeline.data[1].id, answer.headers['x-request-id']);
  const recorded = await server.ask('GET', `/sandboxes/${sandbox}/requests/${timeline.data[1].id}`);
  assert.deepEqual(recorded.response.body, { text: answer.text }, 'the record is what was answered');
  const before = await head(sandbox);
  for (const one of timeline.data) {
    const replay = await server.ask('POST', `/sandboxes/${sandbox}/requests/${one.id}/replay`);
    assert.deepEqual(replay.differences, []);
    assert.equal(replay.identical, true);
    assert.deepEqual(replay.again, replay.recorded);
  }
  const bySeq = await server.ask('POST', `/sandboxes/${sandbox}/requests/${timeline.data[1].seq}/replay`);
  assert.deepEqual(bySeq.again.body, { text: answer.text });
  assert.equal(await head(sandbox), before, 'a replay writes nothing');
  assert.notEqual((await server.mock(sandbox, 'POST', '/pets/7?verbose=1', { body: { text: 'grüezi' } })).text, answer.text);
});

test('secrets of a request are not in the record, and the replay is still identical', async () => {
  const sandbox = await fresh();
  await server.ask('POST', `/sandboxes/${sandbox}/endpoints`, { method: 'POST', path: '/login', response: { body: { ok: true } } });
  const answer = await server.mock(sandbox, 'POST', '/login', { body: { user: 'me', password: 'correct horse' }, headers: { authorization: 'Bearer tell-nobody' } });
  assert.equal(answer.status, 200);
  const everything = JSON.stringify(await server.history(sandbox)) + (await server.call('GET', `/sandboxes/${sandbox}/requests/${answer.headers['x-request-id']}`)).text;
  assert.ok(!everything.includes('correct horse'), 'the password is redacted');
  assert.ok(!everything.includes('tell-nobody'), 'the credential is redacted');
  const replay = await server.ask('POST', `/sandboxes/${sandbox}/requests/${answer.headers['x-request-id']}/replay`);
  assert.equal(replay.identical, true, JSON.stringify(replay.differences));
});

test('everything is as before after an orderly restart', async () => {
  const own = await Server.start();
  const sandbox = (await own.ask('POST', '/sandboxes', { name: 'kept', uid: 'kept-uid' })).id;
  await own.ask('PUT', `/sandboxes/${sandbox}/data/a/b`, { n: 1 });
  await own.ask('POST', `/sandboxes/${sandbox}/endpoints`, { method: 'GET', path: '/b', response: { template: true, body: '{"b": {{data.a.b}}}' } });
  const first = await own.mock(sandbox, 'GET', '/b');
  const before = await own.ask('GET', `/sandboxes/${sandbox}/state`);
  const history = await own.history(sandbox);
  assert.deepEqual(await own.stop(), { code: 0, signal: null });
  const again = await Server.start({ data: own.data });
  try {
    assert.deepEqual(await again.history(sandbox), history);
    assert.deepEqual(await again.ask('GET', `/sandboxes/${sandbox}/state`), before);
    assert.equal((await again.mock('kept-uid', 'GET', '/b')).text, first.text);
    const replay = await again.ask('POST', `/sandboxes/${sandbox}/requests/${first.headers['x-request-id']}/replay`);
    assert.equal(replay.identical, true);
  } finally {
    await again.stop();
    removeFolder(own.data);
  }
});

test('live tail: new events come as server-sent events, and Last-Event-ID goes on', async () => {
  const sandbox = await fresh();
  const controller = new AbortController();
  const open = async (headers) => {
    const answer = await fetch(`${server.url}/sandboxes/${sandbox}/tail`, { headers: { authorization: `Bearer ${server.key}`, ...headers }, signal: controller.signal });
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type'), /^text\/event-stream/);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    return async () => {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end >= 0) {
          const fields = Object.fromEntries(text.slice(0, end).split('\n').map((l) => [l.slice(0, l.indexOf(':')), l.slice(l.indexOf(':') + 1).trim()]));
          text = text.slice(end + 2);
          if (fields.id) return { id: Number(fields.id), event: fields.event, data: JSON.parse(fields.data) };
          continue;
        }
        const { value, done } = await reader.read();
        assert.ok(!done, 'the stream ended');
        text += value;
      }
    };
  };
  try {
    const next = await open({});
    await server.ask('PUT', `/sandboxes/${sandbox}/data/a/1`, 1);
    await server.ask('PUT', `/sandboxes/${sandbox}/data/a/2`, 2);
    const [one, two] = [await next(), await next()];
    assert.equal(one.event, 'data.put');
    assert.equal(two.id, one.id + 1);
    assert.equal(two.data.previous, one.data.link, 'the chain can be followed live');
    const missed = await open({ 'last-event-id': String(one.id) });
    assert.deepEqual(await missed(), two);
  } finally {
    controller.abort();
  }
});
