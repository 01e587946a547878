// The official Standard Webhooks libraries of four languages as receivers of what a running server really sends; JavaScript's is in svix.test.mjs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { languages, outcomes } from '../lib/clients.mjs';
import { Receiver, answers } from '../lib/receiver.mjs';
import { Server, removeFolder } from '../lib/server.mjs';

const old = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const stranger = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
const privateKey = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';
const mismatch = /^refused: .*(no matching signature|signature invalid)/i;

let server, receiver, app;
const got = {};
before(async () => {
  [server, receiver] = await Promise.all([Server.start(), Receiver.start()]);
  app = (await server.ask('POST', '/sandboxes', {})).id;
  const at = async (name, behaviour, settings = {}, rotation = undefined) => {
    const base = `/api/v1/app/${app}/endpoint`;
    const endpoint = await server.ask('POST', base, { url: receiver.at(`/${name}`, behaviour), filterTypes: [name], secret: old, ...settings });
    if (rotation) assert.equal((await server.call('POST', `${base}/${endpoint.id}/secret/rotate`, rotation)).status, 200);
    const message = await server.ask('POST', `/api/v1/app/${app}/msg`, { eventType: name, payload: { text: 'ümläut ✓ 漢字 🐦', n: 1.5, path: 'a\tb\\c' } });
    got[name] = await receiver.waitFor(`/${name}`);
    return { endpoint, message, secret: (await server.ask('GET', `${base}/${endpoint.id}/secret`)).key };
  };
  await at('plain', answers.ok);
  got.generated = (await at('generated-secret', answers.ok, { secret: undefined })).secret;
  const again = await at('again', [answers.status(503), answers.ok]);
  const resend = await server.call('POST', `/api/v1/app/${app}/msg/${again.message.id}/endpoint/${again.endpoint.id}/resend`);
  assert.equal(resend.status, 202, resend.text);
  got.again = await receiver.waitFor('/again', 2);
  got.fresh = (await at('rotating', answers.ok, {}, {})).secret;
  await at('both-kinds', answers.ok, {}, { key: privateKey });
});
after(async () => {
  await receiver?.stop();
  await server?.stop();
  removeFolder(server.data);
});

for (const language of languages) {
  describe(`standardwebhooks in ${language}`, () => {
    const say = (secret, delivery) => ({ secret, headers: delivery.headers, body: delivery.body });

    test('deliveries verify: the first, one with a secret of the server, and one that is sent again', async () => {
      const cases = [say(old, got.plain[0]), say(got.generated, got['generated-secret'][0]), ...got.again.map((one) => say(old, one))];
      assert.deepEqual(await outcomes(language, cases), ['verified', 'verified', 'verified', 'verified']);
    });

    test('while a secret is rotated a delivery has two signatures, and either secret is enough', async () => {
      const [delivery] = got.rotating;
      assert.match(delivery.headers['webhook-signature'], /^v1,\S{44} v1,\S{44}$/);
      const said = await outcomes(language, [say(old, delivery), say(got.fresh, delivery), say(stranger, delivery)]);
      assert.deepEqual(said.slice(0, 2), ['verified', 'verified']);
      assert.match(said[2], mismatch);
    });

    test('a signature of another kind beside its own is passed over', async () => {
      const [delivery] = got['both-kinds'];
      assert.match(delivery.headers['webhook-signature'], /^v1a,\S{88} v1,\S{44}$/);
      assert.deepEqual(await outcomes(language, [say(old, delivery)]), ['verified']);
    });

    test('a wrong secret, another body, another id and another signature are refused', async () => {
      const [delivery] = got.plain;
      const tampered = { ...delivery, body: delivery.body.replace('1.5', '1.6') };
      assert.notEqual(tampered.body, delivery.body);
      const renamed = { ...delivery, headers: { ...delivery.headers, 'webhook-id': `${delivery.headers['webhook-id']}0` } };
      const borrowed = { ...delivery, headers: { ...delivery.headers, 'webhook-signature': got.again[0].headers['webhook-signature'] } };
      for (const said of await outcomes(language, [say(stranger, delivery), say(old, tampered), say(old, renamed), say(old, borrowed)])) assert.match(said, mismatch);
    });

    test('a right signature with an old timestamp, or one of the future, is refused for its time', async () => {
      const [delivery] = got.plain;
      const signedAt = (seconds) => {
        const at = new Date((Math.floor(Date.now() / 1000) + seconds) * 1000);
        const id = delivery.headers['webhook-id'];
        return say(old, { body: delivery.body, headers: { 'webhook-id': id, 'webhook-timestamp': String(at / 1000), 'webhook-signature': new Webhook(old).sign(id, at, delivery.body) } });
      };
      const [now, before, after] = await outcomes(language, [signedAt(0), signedAt(-600), signedAt(600)]);
      assert.equal(now, 'verified');
      assert.match(before, /^refused: .*too old/i);
      assert.match(after, /^refused: .*(too new|too far in (the )?future)/i);
    });
  });
}
