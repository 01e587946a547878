// The official Svix client drives our API, and the official Standard Webhooks library checks every single delivery.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { flavours, refusal } from '../lib/flavours.mjs';
import { until } from '../lib/http.mjs';
import { Receiver, answers } from '../lib/receiver.mjs';
import { Server, adminKey, removeFolder } from '../lib/server.mjs';

let server;
before(async () => (server = await Server.start()));
after(async () => {
  const exit = await server?.stop();
  removeFolder(server.data);
  assert.deepEqual(exit, { code: 0, signal: null }, 'an orderly shutdown ends with 0');
});

/// A receiver that verifies each delivery the moment it comes, with the secrets its path is known to have.
async function verifyingReceiver() {
  const receiver = await Receiver.start();
  const secrets = new Map();
  const wrong = [];
  receiver.onDelivery = (delivery) => {
    for (const secret of secrets.get(delivery.path) ?? ['whsec_bm9uZQ==']) {
      try {
        new Webhook(secret).verify(delivery.body, delivery.headers);
      } catch (error) {
        wrong.push(`${delivery.path} ${delivery.headers['webhook-id']}: ${error.message}`);
      }
    }
  };
  return { receiver, secrets, wrong };
}

for (const flavour of flavours) {
  describe(flavour.name, () => {
    let svix, app, hooks;
    const all = async (list) => {
      const out = [];
      for (let iterator = null, page; ; iterator = page.iterator) {
        page = await list(iterator);
        out.push(...page.data);
        if (page.done) return out;
      }
    };
    /// An endpoint whose secret the receiver knows before anything is sent to it.
    const endpointAt = async (path, behaviour, more = {}) => {
      const endpoint = await svix.endpoint.create(app.id, { url: hooks.receiver.at(path, behaviour), ...more });
      hooks.secrets.set(path, [(await svix.endpoint.getSecret(app.id, endpoint.id)).key]);
      return endpoint;
    };
    const attemptsOf = (msg, options) => svix.messageAttempt.listByMsg(app.id, msg.id, options);
    const settled = (msg, count) => until(`${count} attempts`, async () => {
      const { data } = await attemptsOf(msg);
      return data.length >= count && data;
    });
    let turn = 0;
    const freshPath = () => `/hooks/${++turn}`;
    // Each test has its own event type, so that endpoints of other tests stay quiet.
    const freshType = () => `test.type${++turn}`;

    before(async () => {
      const Svix = await flavour.load();
      svix = new Svix(adminKey, { serverUrl: server.url });
      hooks = await verifyingReceiver();
      app = await svix.application.create({ name: flavour.name, uid: `app-${flavour.name.replaceAll(' ', '-')}`, metadata: { team: 'blue' } });
    });
    after(() => hooks.receiver.stop());

    test('an application is created, read by id and uid, changed and listed', async () => {
      assert.match(app.id, /^sbx_/);
      assert.equal(app.name, flavour.name);
      assert.ok(app.createdAt instanceof Date && !Number.isNaN(app.createdAt.getTime()));
      assert.deepEqual(await svix.application.get(app.id), app);
      assert.equal((await svix.application.get(app.uid)).id, app.id);
      const patched = await svix.application.patch(app.id, { metadata: { team: 'red' } });
      assert.deepEqual(patched.metadata, { team: 'red' });
      const put = await svix.application[flavour.put](app.id, { name: 'renamed', uid: app.uid });
      assert.equal(put.name, 'renamed');
      assert.deepEqual(put.metadata, {}, 'what a PUT does not name goes back to its default');
      const others = await Promise.all([1, 2, 3].map((n) => svix.application.create({ name: `other ${n}` })));
      const listed = await all((iterator) => svix.application.list({ limit: 2, iterator }));
      for (const one of [app, ...others]) assert.equal(listed.filter((a) => a.id === one.id).length, 1);
      const again = await svix.application.getOrCreate({ name: 'never made', uid: app.uid });
      assert.equal(again.id, app.id);
      const taken = await refusal(svix.application.create({ name: 'twice', uid: app.uid }));
      assert.equal(taken.status, 409);
    });

    test('an application that is deleted is gone, with everything in it', async () => {
      const victim = await svix.application.create({ name: 'victim' });
      await svix.endpoint.create(victim.id, { url: hooks.receiver.at('/never') });
      await svix.application.delete(victim.id);
      assert.equal((await refusal(svix.application.get(victim.id))).status, 404);
      assert.equal((await refusal(svix.endpoint.list(victim.id))).status, 404);
      assert.equal((await refusal(svix.message.create(victim.id, { eventType: 'a', payload: {} }))).status, 404);
    });

    test('event types are created with a schema, listed, changed, archived; a second of the same name is a conflict', async () => {
      const name = freshType();
      const schemas = { 1: { type: 'object', properties: { id: { type: 'integer' } } } };
      const made = await svix.eventType.create({ name, description: 'made', schemas });
      assert.equal(made.name, name);
      assert.deepEqual(made.schemas, schemas);
      assert.equal((await refusal(svix.eventType.create({ name, description: 'again' }))).status, 409);
      assert.equal((await svix.eventType.patch(name, { description: 'patched' })).description, 'patched');
      assert.equal((await svix.eventType[flavour.put](name, { description: 'put' })).description, 'put');
      assert.ok((await all((iterator) => svix.eventType.list({ limit: 1, iterator }))).some((t) => t.name === name));
      await svix.eventType.delete(name);
      assert.equal((await svix.eventType.get(name)).archived, true);
      assert.ok(!(await all((iterator) => svix.eventType.list({ iterator }))).some((t) => t.name === name));
      await svix.eventType.delete(name, { expunge: true });
      assert.equal((await refusal(svix.eventType.get(name))).status, 404);
    });

    test('a message goes to the endpoints that want its type, byte for byte, signed', async () => {
      const type = freshType();
      const [wanted, other] = [freshPath(), freshPath()];
      const endpoint = await endpointAt(wanted, answers.status(200, { 'x-receiver': 'yes' }, 'thanks'), { [flavour.types]: [type], description: 'wants it' });
      assert.deepEqual(endpoint[flavour.types], [type]);
      await endpointAt(other, answers.ok, { [flavour.types]: ['something.else'] });
      const payload = { type, number: 1.5, text: 'ümläut ✓', nested: { list: [1, null, true] } };
      const message = await svix.message.create(app.id, { eventType: type, payload }, { withContent: true });
      assert.match(message.id, /^msg_/);
      assert.deepEqual(message.payload, payload);
      const [delivery] = await hooks.receiver.waitFor(wanted);
      assert.equal(delivery.method, 'POST');
      assert.equal(delivery.headers['webhook-id'], message.id);
      assert.equal(delivery.body, JSON.stringify(payload), 'the body is what the client sent, byte for byte');
      assert.match(delivery.headers['content-type'], /^application\/json/);
      const [attempt] = await settled(message, 1);
      assert.equal(attempt.status, 0);
      assert.equal(attempt.responseStatusCode, 200);
      assert.equal(attempt.endpointId, endpoint.id);
      assert.equal(attempt.msgId, message.id);
      assert.equal(attempt.url, hooks.receiver.base + wanted);
      const whole = await svix.messageAttempt.get(app.id, message.id, attempt.id);
      assert.equal(whole.response, 'thanks');
      assert.equal(whole.id, attempt.id);
      assert.equal(hooks.receiver.to(other).length, 0);
      assert.deepEqual((await svix.message.get(app.id, message.id, { withContent: true })).payload, payload);
    });

    test('an attempt keeps what was sent and what came back', async () => {
      const type = freshType();
      const path = freshPath();
      await endpointAt(path, answers.status(200, { 'x-receiver': 'yes' }, 'thanks'), { [flavour.types]: [type], headers: { 'x-mine': 'abc', 'x-api-key': 'hush-hush' } });
      const message = await svix.message.create(app.id, { eventType: type, payload: { a: 1 } });
      const [delivery] = await hooks.receiver.waitFor(path);
      assert.equal(delivery.headers['x-mine'], 'abc');
      assert.equal(delivery.headers['x-api-key'], 'hush-hush');
      await settled(message, 1);
      const answer = await server.ask('GET', `/api/v1/app/${app.id}/attempt/msg/${message.id}`);
      const attempt = answer.data[0];
      const sent = Object.fromEntries(attempt.requestHeaders.map(([name, value]) => [name.toLowerCase(), value]));
      for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature', 'content-type', 'x-mine'])
        assert.equal(sent[name], delivery.headers[name], `${name} as recorded is ${name} as received`);
      assert.ok(!JSON.stringify(answer).includes('hush-hush'), 'a sensitive header is never shown');
      assert.ok(attempt.responseHeaders.some(([name, value]) => name.toLowerCase() === 'x-receiver' && value === 'yes'));
      assert.deepEqual(attempt.responseBody, { text: 'thanks' });
      assert.equal(attempt.peer, new URL(hooks.receiver.base).host);
      assert.equal(attempt.error, null);
      assert.equal(attempt.bodyBytes, delivery.body.length);
      assert.ok(attempt.timing.totalUs > 0 && attempt.timing.totalUs >= attempt.timing.firstByteUs);
      assert.ok(!JSON.stringify(await server.history(app.id)).includes('hush-hush'), 'nor is it in the history');
    });

    test('messages are listed newest first, page by page, forward and back, with and without content', async () => {
      const type = freshType();
      const made = [];
      for (let n = 0; n < 7; ++n) made.unshift(await svix.message.create(app.id, { eventType: type, payload: { n }, tags: [n % 2 ? 'odd' : 'even'] }));
      const ids = made.map((m) => m.id);
      const list = (iterator) => svix.message.list(app.id, { limit: 3, eventTypes: [type], iterator, withContent: true });
      const first = await list(null);
      assert.deepEqual(first.data.map((m) => m.id), ids.slice(0, 3));
      assert.deepEqual(first.data[0].payload, { n: 6 });
      const second = await list(first.iterator);
      assert.deepEqual(second.data.map((m) => m.id), ids.slice(3, 6));
      const third = await list(second.iterator);
      assert.deepEqual(third.data.map((m) => m.id), ids.slice(6));
      assert.equal(third.done, true);
      const back = await list(second.prevIterator);
      assert.deepEqual(back.data.map((m) => m.id), ids.slice(0, 3), 'backwards gives the page before, in the same order');
      const odd = await svix.message.list(app.id, { eventTypes: [type], tag: 'odd' });
      assert.deepEqual(odd.data.map((m) => m.id), ids.filter((_, i) => (6 - i) % 2 === 1));
      const bare = await svix.message.list(app.id, { eventTypes: [type], withContent: false });
      assert.deepEqual(bare.data[0].payload, {});
    });

    test('attempts are listed by message and by endpoint, filtered by status, page by page', async () => {
      const type = freshType();
      const [good, bad] = [freshPath(), freshPath()];
      const fine = await endpointAt(good, answers.ok, { [flavour.types]: [type] });
      const broken = await endpointAt(bad, answers.status(500), { [flavour.types]: [type] });
      const messages = [];
      for (let n = 0; n < 5; ++n) messages.push(await svix.message.create(app.id, { eventType: type, payload: { n } }));
      for (const message of messages) await settled(message, 2);
      const both = (await attemptsOf(messages[0])).data;
      assert.deepEqual(new Set(both.map((a) => a.endpointId)), new Set([fine.id, broken.id]));
      const one = (await attemptsOf(messages[0], { endpointId: broken.id })).data;
      assert.equal(one.length, 1);
      assert.equal(one[0].status, 2);
      assert.equal(one[0].responseStatusCode, 500);
      assert.equal((await attemptsOf(messages[0], { status: 0 })).data[0].endpointId, fine.id);
      assert.equal((await attemptsOf(messages[0], { statusCodeClass: 500 })).data[0].endpointId, broken.id);
      const byEndpoint = await all((iterator) => svix.messageAttempt.listByEndpoint(app.id, fine.id, { limit: 2, iterator }));
      assert.equal(byEndpoint.length, 5);
      assert.deepEqual(new Set(byEndpoint.map((a) => a.msgId)), new Set(messages.map((m) => m.id)));
      const attempted = (await svix.messageAttempt.listAttemptedMessages(app.id, broken.id)).data;
      assert.deepEqual(attempted.map((m) => m.id), messages.map((m) => m.id).reverse());
      assert.equal(attempted[0].status, 1, 'failed once and waiting for the next attempt is pending');
      const destinations = (await svix.messageAttempt.listAttemptedDestinations(app.id, messages[0].id)).data;
      assert.deepEqual(Object.fromEntries(destinations.map((d) => [d.id, d.status])), { [fine.id]: 0, [broken.id]: 1 });
      const stats = await svix.endpoint.getStats(app.id, fine.id);
      assert.equal(stats.success, 5);
    });

    test('a message is found by its eventId, and a second one with it is a conflict', async () => {
      const type = freshType();
      const path = freshPath();
      await endpointAt(path, answers.ok, { [flavour.types]: [type] });
      const eventId = `evt-${type}`;
      const message = await svix.message.create(app.id, { eventType: type, eventId, payload: { n: 1 } });
      assert.equal(message.eventId, eventId);
      const twice = await refusal(svix.message.create(app.id, { eventType: type, eventId, payload: { n: 2 } }));
      assert.equal(twice.status, 409);
      assert.equal(typeof twice.body.code, 'string');
      assert.equal(typeof twice.body.detail, 'string');
      assert.equal((await svix.message.get(app.id, eventId)).id, message.id);
      await settled(message, 1);
      assert.equal((await svix.messageAttempt.listByMsg(app.id, eventId)).data.length, 1, 'its attempts are found by the eventId too');
      const [attempt] = (await attemptsOf(message)).data;
      assert.equal((await svix.messageAttempt.get(app.id, eventId, attempt.id)).id, attempt.id);
      assert.equal(hooks.receiver.to(path).length, 1);
    });

    test('a message that is created twice with one idempotency key is one message', async () => {
      const message = { eventType: freshType(), payload: { n: 1 } };
      const key = { idempotencyKey: `key-${++turn}` };
      const first = await svix.message.create(app.id, message, key);
      assert.equal((await svix.message.create(app.id, message, key)).id, first.id);
      assert.equal((await refusal(svix.message.create(app.id, { ...message, payload: { n: 2 } }, key))).status, 422);
      assert.notEqual((await svix.message.create(app.id, message)).id, first.id);
    });

    test('an example goes to one endpoint', async () => {
      const path = freshPath();
      const endpoint = await endpointAt(path, answers.ok, { [flavour.types]: [freshType()] });
      const message = await svix.endpoint.sendExample(app.id, endpoint.id, { eventType: 'svix.ping' });
      const [delivery] = await hooks.receiver.waitFor(path);
      assert.equal(delivery.headers['webhook-id'], message.id);
      assert.deepEqual(JSON.parse(delivery.body), { success: true });
    });

    test('channels choose endpoints', async () => {
      const type = freshType();
      const [tagged, open] = [freshPath(), freshPath()];
      await endpointAt(tagged, answers.ok, { [flavour.types]: [type], channels: ['eu'] });
      await endpointAt(open, answers.ok, { [flavour.types]: [type] });
      await svix.message.create(app.id, { eventType: type, payload: { n: 1 }, channels: ['us'] });
      await svix.message.create(app.id, { eventType: type, payload: { n: 2 }, channels: ['eu', 'us'] });
      await svix.message.create(app.id, { eventType: type, payload: { n: 3 } });
      const got = (await hooks.receiver.waitFor(open, 3)).map((d) => JSON.parse(d.body).n);
      assert.deepEqual(got.sort(), [1, 2, 3]);
      assert.deepEqual((await hooks.receiver.waitFor(tagged)).map((d) => JSON.parse(d.body).n), [2]);
    });

    test('an endpoint is read, changed, disabled, enabled and deleted; its headers are set and patched', async () => {
      const type = freshType();
      const path = freshPath();
      const uid = `uid-${type}`;
      const endpoint = await endpointAt(path, answers.ok, { [flavour.types]: [type], uid, metadata: { k: 'v' } });
      assert.equal((await svix.endpoint.get(app.id, uid)).id, endpoint.id);
      const patched = await svix.endpoint.patch(app.id, endpoint.id, { description: 'new', disabled: true });
      assert.equal(patched.description, 'new');
      assert.equal(patched.disabled, true);
      assert.deepEqual(patched.metadata, { k: 'v' });
      const missed = await svix.message.create(app.id, { eventType: type, payload: { missed: true } });
      const enabled = await svix.endpoint.patch(app.id, endpoint.id, { disabled: false });
      assert.equal(enabled.disabled, false);
      await svix.endpoint[flavour.setHeaders](app.id, endpoint.id, { headers: { 'x-one': '1', authorization: 'Bearer shh' } });
      await svix.endpoint.patchHeaders(app.id, endpoint.id, { headers: { 'x-two': '2' } });
      const headers = await svix.endpoint.getHeaders(app.id, endpoint.id);
      assert.deepEqual(headers.headers, { 'x-one': '1', 'x-two': '2' });
      assert.deepEqual(headers.sensitive.map((name) => name.toLowerCase()), ['authorization']);
      await svix.message.create(app.id, { eventType: type, payload: { missed: false } });
      const [delivery] = await hooks.receiver.waitFor(path);
      assert.equal(delivery.headers['x-two'], '2');
      assert.equal(delivery.headers.authorization, 'Bearer shh');
      assert.deepEqual(JSON.parse(delivery.body), { missed: false });
      assert.equal((await attemptsOf(missed)).data.length, 0);
      const put = await svix.endpoint[flavour.put](app.id, endpoint.id, { url: endpoint.url, uid, [flavour.types]: [type, 'b.b'] });
      assert.deepEqual(new Set(put[flavour.types]), new Set([type, 'b.b']));
      const listed = await all((iterator) => svix.endpoint.list(app.id, { limit: 1, iterator }));
      assert.equal(listed.filter((e) => e.id === endpoint.id).length, 1);
      await svix.endpoint.delete(app.id, endpoint.id);
      assert.equal((await refusal(svix.endpoint.get(app.id, endpoint.id))).status, 404);
      const unheard = await svix.message.create(app.id, { eventType: type, payload: {} });
      assert.equal((await svix.message.get(app.id, unheard.id)).id, unheard.id);
      assert.equal(hooks.receiver.to(path).length, 1);
    });

    test('after a rotation deliveries verify under the old and the new secret; without grace the old one is out at once', async () => {
      const type = freshType();
      const path = freshPath();
      const mine = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
      const endpoint = await endpointAt(path, answers.ok, { [flavour.types]: [type], secret: mine });
      assert.equal((await svix.endpoint.getSecret(app.id, endpoint.id)).key, mine, 'a secret of the caller is taken as it is');
      await svix.endpoint.rotateSecret(app.id, endpoint.id, {});
      const second = (await svix.endpoint.getSecret(app.id, endpoint.id)).key;
      assert.notEqual(second, mine);
      hooks.secrets.set(path, [mine, second]);
      await svix.message.create(app.id, { eventType: type, payload: { n: 1 } });
      const [delivery] = await hooks.receiver.waitFor(path);
      assert.equal(delivery.headers['webhook-signature'].split(' ').length, 2);
      assert.equal((await server.call('POST', `/api/v1/app/${app.id}/endpoint/${endpoint.id}/secret/rotate`, { gracePeriodSeconds: 0 })).status, 200);
      const third = (await svix.endpoint.getSecret(app.id, endpoint.id)).key;
      hooks.secrets.set(path, [third]);
      await svix.message.create(app.id, { eventType: type, payload: { n: 2 } });
      const [, last] = await hooks.receiver.waitFor(path, 2);
      assert.throws(() => new Webhook(second).verify(last.body, last.headers), /No matching signature/);
      const bytes = JSON.stringify(await server.history(app.id)) + JSON.stringify(await server.ask('GET', `/sandboxes/${app.id}/state`));
      for (const secret of [mine, second, third]) assert.ok(!bytes.includes(secret.slice(6)), 'no secret is shown in history or state');
    });

    test('the old secret ends when its grace period on the sandbox clock is over', async () => {
      const own = await svix.application.create({ name: 'rotating' });
      const path = freshPath();
      const endpoint = await svix.endpoint.create(own.id, { url: hooks.receiver.at(path) });
      const old = (await svix.endpoint.getSecret(own.id, endpoint.id)).key;
      await svix.endpoint.rotateSecret(own.id, endpoint.id, {});
      const now = (await svix.endpoint.getSecret(own.id, endpoint.id)).key;
      hooks.secrets.set(path, [now]);
      // The timestamp that is signed is the receiver's time, whatever the sandbox's clock says; else no receiver would take it.
      await server.advance(own.id, '25h');
      await svix.message.create(own.id, { eventType: 'late', payload: { n: 1 } });
      const [delivery] = await hooks.receiver.waitFor(path);
      assert.throws(() => new Webhook(old).verify(delivery.body, delivery.headers), /No matching signature/);
    });

    test('a message that failed is sent again by hand, under the same webhook-id', async () => {
      const type = freshType();
      const path = freshPath();
      const endpoint = await endpointAt(path, [answers.status(503), answers.status(200, {}, 'now it works')], { [flavour.types]: [type] });
      const message = await svix.message.create(app.id, { eventType: type, payload: { n: 1 } });
      const [failed] = await settled(message, 1);
      assert.equal(failed.status, 2);
      assert.equal(failed.triggerType, 0);
      await svix.messageAttempt.resend(app.id, message.id, endpoint.id);
      const attempts = await settled(message, 2);
      assert.equal(attempts[0].status, 0, 'newest first');
      assert.equal(attempts[0].triggerType, 1);
      const got = hooks.receiver.to(path);
      assert.equal(got.length, 2);
      assert.equal(got[0].headers['webhook-id'], got[1].headers['webhook-id']);
      assert.equal(got[0].body, got[1].body);
      assert.equal((await refusal(svix.messageAttempt.resend(app.id, 'msg_nothing', endpoint.id))).status, 404);
      assert.equal((await refusal(svix.messageAttempt.resend(app.id, message.id, 'ep_nothing'))).status, 404);
    });

    test('everything that failed since T is recovered, and nothing else', async () => {
      const own = await svix.application.create({ name: 'recovering' });
      const path = freshPath();
      const endpoint = await server.ask('POST', `/api/v1/app/${own.id}/endpoint`, { url: hooks.receiver.at(path, answers.status(500)), retrySchedule: [] });
      hooks.secrets.set(path, [(await svix.endpoint.getSecret(own.id, endpoint.id)).key]);
      const ended = (message) => until('an attempt', async () => (await svix.messageAttempt.listByMsg(own.id, message.id)).data[0]);
      const early = await svix.message.create(own.id, { eventType: 'a', payload: { n: 'early' } });
      await ended(early);
      await server.advance(own.id, '1h');
      const since = new Date((await server.ask('GET', `/sandboxes/${own.id}/clock`)).now);
      await server.advance(own.id, '1s');
      const lost = [];
      for (let n = 0; n < 12; ++n) lost.push(await svix.message.create(own.id, { eventType: 'a', payload: { n } }));
      for (const message of lost) await ended(message);
      hooks.receiver.at(path, answers.ok);
      const delivered = await svix.message.create(own.id, { eventType: 'a', payload: { n: 'delivered' } });
      await ended(delivered);
      const before = hooks.receiver.to(path).length;
      const task = await svix.endpoint.recover(own.id, endpoint.id, { since });
      assert.ok(['running', 'finished'].includes(task.status));
      assert.equal(task.task, 'endpoint.recover');
      await hooks.receiver.waitFor(path, before + lost.length);
      const recovery = await until('the end of the recovery', async () => {
        const now = await server.ask('GET', `/api/v1/app/${own.id}/endpoint/${endpoint.id}/recovery/${task.id}`);
        return now.status === 'finished' && now.delivered === lost.length && now;
      });
      assert.equal(recovery.queued, lost.length);
      const again = hooks.receiver.to(path).slice(before).map((d) => d.headers['webhook-id']);
      assert.deepEqual(again.sort(), lost.map((m) => m.id).sort());
      assert.equal((await svix.endpoint.getStats(own.id, endpoint.id)).fail, 1, 'the early one is still dead');
    });

    test('errors have the shapes that the client expects', async () => {
      const Svix = await flavour.load();
      const stranger = new Svix('no-such-key', { serverUrl: server.url });
      const unauthorized = await refusal(stranger.application.list());
      assert.equal(unauthorized.status, 401);
      assert.equal(typeof unauthorized.body.code, 'string');
      assert.equal(typeof unauthorized.body.detail, 'string');
      const missing = await refusal(svix.application.get('app_nothing'));
      assert.equal(missing.status, 404);
      assert.equal(missing.body.code, 'not_found');
      for (const [what, where] of [
        [{ url: 'not a url' }, ['body', 'url']],
        [{ url: 'ftp://127.0.0.1/' }, ['body', 'url']],
        [{}, ['body', 'url']],
        [{ url: 'http://127.0.0.1/', [flavour.types]: ['spaces are wrong'] }, ['body', flavour.types, '0']],
        [{ url: 'http://127.0.0.1/', secret: 'whsec_!!!' }, ['body', 'secret']],
      ]) {
        const invalid = await refusal(svix.endpoint.create(app.id, what));
        assert.equal(invalid.status, 422, JSON.stringify(what));
        assert.deepEqual(invalid.body.detail[0].loc, where);
        assert.equal(typeof invalid.body.detail[0].msg, 'string');
        assert.equal(typeof invalid.body.detail[0].type, 'string');
      }
      const noObject = await refusal(svix.message.create(app.id, { eventType: 'a', payload: 'text' }));
      assert.equal(noObject.status, 422);
      assert.deepEqual(noObject.body.detail[0].loc, ['body', 'payload']);
    });

    test('a sandbox key opens its own sandbox and no other', async () => {
      const Svix = await flavour.load();
      const made = await server.ask('POST', '/sandboxes', { name: 'own key' });
      assert.ok(made.client_secret);
      const own = new Svix(made.client_secret, { serverUrl: server.url });
      assert.equal((await own.application.get(made.id)).id, made.id);
      assert.equal((await own.message.create(made.id, { eventType: 'a', payload: {} })).eventType, 'a');
      assert.equal((await refusal(own.application.get(app.id))).status, 403);
      assert.equal((await refusal(own.application.list())).status, 403);
    });

    test('every delivery of all these tests verified', () => {
      assert.ok(hooks.receiver.deliveries.length >= 40, `only ${hooks.receiver.deliveries.length} deliveries`);
      assert.deepEqual(hooks.wrong, []);
      const bodies = new Map();
      for (const d of hooks.receiver.deliveries) {
        const id = d.headers['webhook-id'];
        assert.equal(bodies.get(id) ?? d.body, d.body, 'one id, one body');
        bodies.set(id, d.body);
      }
    });
  });
}
