// Secrets through Svix's official client: formats, rotation, overlap, the limit. What is delivered is checked with the official verifier (v1) and ours (v1a).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { verify } from '../../../webhook/verify/javascript/verify.mjs';
import { flavours, refusal } from '../lib/flavours.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { Server, adminKey, removeFolder } from '../lib/server.mjs';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const privateKey = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';
const publicKey = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=';

let server, receiver;
before(async () => ([server, receiver] = await Promise.all([Server.start(), Receiver.start()])));
after(async () => {
  await receiver?.stop();
  await server?.stop();
  removeFolder(server.data);
});

for (const [turn, flavour] of flavours.entries()) {
  describe(flavour.name, () => {
    let svix, app;
    before(async () => {
      const Svix = await flavour.load();
      svix = new Svix(adminKey, { serverUrl: server.url });
      app = await svix.application.create({ name: 'signing' });
    });
    const key = async (endpoint) => (await svix.endpoint.getSecret(app.id, endpoint.id)).key;
    const next = async (endpoint, where, count) => {
      await svix.message.create(app.id, { eventType: 'signed', payload: { count } });
      return (await receiver.waitFor(where, count))[count - 1];
    };

    test('symmetric to asymmetric and back: old and new sign side by side, and the secret shown is what a receiver needs', async () => {
      const where = `/signing/${turn}`;
      const endpoint = await svix.endpoint.create(app.id, { url: receiver.at(where), secret });
      assert.equal(await key(endpoint), secret);
      await svix.endpoint.rotateSecret(app.id, endpoint.id, { key: privateKey });
      assert.equal(await key(endpoint), publicKey);
      const both = await next(endpoint, where, 1);
      new Webhook(secret).verify(both.body, both.headers);
      assert.equal(verify({ keys: publicKey, headers: both.headers, body: both.body }).scheme, 'v1a');
      await svix.endpoint.rotateSecret(app.id, endpoint.id, {});
      assert.match(await key(endpoint), /^whpk_/, 'what is generated is of the kind that is there');
      const three = await next(endpoint, where, 2);
      assert.match(three.headers['webhook-signature'], /^v1a,\S+ v1a,\S+ v1,\S+$/);
      assert.equal(three.headers['svix-signature'], three.headers['webhook-signature']);
      await server.advance(app.id, 'PT25H');
      const last = await next(endpoint, where, 3);
      assert.match(last.headers['webhook-signature'], /^v1a,\S+$/, 'after a day only the newest signs');
      assert.equal(verify({ keys: await key(endpoint), headers: last.headers, body: last.body }).scheme, 'v1a');
    });

    test('ten old secrets at most: then 400 limit_reached, as Svix answers', async () => {
      const endpoint = await svix.endpoint.create(app.id, { url: receiver.at('/never'), eventTypes: ['never'], filterTypes: ['never'] });
      for (let i = 0; i < 10; ++i) await svix.endpoint.rotateSecret(app.id, endpoint.id, {});
      const refused = await refusal(svix.endpoint.rotateSecret(app.id, endpoint.id, {}));
      assert.equal(refused.status, 400);
      assert.equal(refused.body.code, 'limit_reached');
    });

    test('secrets of the wrong shape are refused', async () => {
      const endpoint = await svix.endpoint.create(app.id, { url: receiver.at('/never'), eventTypes: ['never'], filterTypes: ['never'] });
      for (const wrong of ['whsec_%', 'whsec_wronglength', publicKey, 'whsk_c2hvcnQ=', `${privateKey.slice(0, -4)}AAAA`]) {
        assert.equal((await refusal(svix.endpoint.create(app.id, { url: receiver.at('/never'), secret: wrong }))).status, 422, wrong);
        assert.equal((await refusal(svix.endpoint.rotateSecret(app.id, endpoint.id, { key: wrong }))).status, 422, wrong);
      }
    });

    test('headers of an endpoint come with every delivery, and the sensitive ones are not shown again', async () => {
      const where = `/headers/${turn}`;
      const endpoint = await svix.endpoint.create(app.id, { url: receiver.at(where), eventTypes: ['headed'], filterTypes: ['headed'] });
      await server.ask('PUT', `/api/v1/app/${app.id}/endpoint/${endpoint.id}/headers`, { headers: { 'X-Plain': 'seen', 'X-Api-Key': 'hidden' } });
      const shown = await svix.endpoint.getHeaders(app.id, endpoint.id);
      assert.deepEqual(shown.headers, { 'X-Plain': 'seen' });
      assert.deepEqual(shown.sensitive, ['X-Api-Key']);
      await svix.message.create(app.id, { eventType: 'headed', payload: {} });
      const [delivery] = await receiver.waitFor(where);
      assert.deepEqual([delivery.headers['x-plain'], delivery.headers['x-api-key']], ['seen', 'hidden']);
    });
  });
}
