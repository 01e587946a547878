// The helpers of webhook/verify, in both languages, against the published vectors and what a running server really signs.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { VerificationError, verify } from '../../../webhook/verify/javascript/verify.mjs';
import { Receiver } from '../lib/receiver.mjs';
import { Server, removeFolder, root } from '../lib/server.mjs';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const pair = { private: 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==', public: 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=' };
const vector = {
  now: 1614265330,
  body: '{"test": 2432232314}',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  v1: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  v1a: 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
};
const headersOf = (signature, more = {}) => ({ 'webhook-id': vector.id, 'webhook-timestamp': String(vector.now), 'webhook-signature': signature, ...more });

function inJavaScript(cases) {
  return cases.map(({ body, ...rest }) => {
    try {
      return { scheme: verify({ ...rest, body: Buffer.from(body, 'base64') }).scheme };
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      return { reason: error.reason };
    }
  });
}

function inPython(cases) {
  const run = spawnSync('python3', [path.join(root, 'tests/interop/lib/verify_cases.py')], { input: JSON.stringify(cases), encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`python3: ${run.error ?? run.stderr}`);
  return JSON.parse(run.stdout);
}

const has = (...args) => spawnSync('python3', args).status === 0;
const missing = !has('--version') ? 'there is no python3' : !has('-c', 'import cryptography') ? 'python3 has no package cryptography' : false;
const languages = [
  { name: 'JavaScript', outcomes: inJavaScript, skip: false },
  { name: 'Python', outcomes: inPython, skip: missing },
];

let server, receiver, app;
before(async () => {
  [server, receiver] = await Promise.all([Server.start(), Receiver.start()]);
  app = (await server.ask('POST', '/sandboxes', {})).id;
});
after(async () => {
  await receiver?.stop();
  await server?.stop();
  removeFolder(server.data);
});

/// What really arrives at an endpoint with these settings, after `change` was done to it.
async function delivered(where, settings, change = async () => {}) {
  const base = `/api/v1/app/${app}/endpoint`;
  const endpoint = await server.ask('POST', base, { url: receiver.at(where), filterTypes: [where.slice(1)], ...settings });
  await change(`${base}/${endpoint.id}`);
  await server.ask('POST', `/api/v1/app/${app}/msg`, { eventType: where.slice(1), payload: { text: 'ümläut ✓', n: 1.5 } });
  const [delivery] = await receiver.waitFor(where);
  return { endpoint, delivery, shown: await server.ask('GET', `${base}/${endpoint.id}/secret`) };
}

for (const { name, outcomes, skip } of languages) {
  describe(`webhook/verify in ${name}`, { skip }, () => {
    const one = ({ body = vector.body, ...rest }) => outcomes([{ now: vector.now, ...rest, body: Buffer.from(body).toString('base64') }])[0];

    test('the published vectors of v1 and v1a hold', () => {
      assert.deepEqual(one({ keys: secret, headers: headersOf(vector.v1) }), { scheme: 'v1' });
      assert.deepEqual(one({ keys: [secret.slice(6)], headers: headersOf(vector.v1) }), { scheme: 'v1' });
      assert.deepEqual(one({ keys: pair.public, headers: headersOf(vector.v1a) }), { scheme: 'v1a' });
      const svix = { 'svix-id': vector.id, 'svix-timestamp': String(vector.now), 'svix-signature': vector.v1a };
      assert.deepEqual(one({ keys: [pair.public], headers: svix }), { scheme: 'v1a' });
    });

    test('one of several signatures and one of several keys are enough', () => {
      const mixed = headersOf(`v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,x  ${vector.v1a} ${vector.v1}`);
      assert.deepEqual(one({ keys: secret, headers: mixed }), { scheme: 'v1' });
      assert.deepEqual(one({ keys: pair.public, headers: mixed }), { scheme: 'v1a' });
      assert.deepEqual(one({ keys: ['whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD', secret], headers: headersOf(vector.v1) }), { scheme: 'v1' });
    });

    test('what does not hold is refused with its reason', () => {
      const refused = (reason, given) => assert.deepEqual(one({ keys: [secret, pair.public], headers: headersOf(`${vector.v1} ${vector.v1a}`), ...given }), { reason });
      refused('no_match', { body: vector.body + '\n' });
      refused('no_match', { headers: headersOf(`v1,${vector.v1a.slice(4)} v1a,${vector.v1.slice(3)} v1, v1a,x v1`) });
      refused('no_match', { headers: headersOf(vector.v1, { 'webhook-id': 'msg_other' }) });
      refused('no_match', { keys: pair.public, headers: headersOf(vector.v1) });
      refused('too_old', { now: vector.now + 301 });
      refused('too_new', { now: vector.now - 301 });
      for (const timestamp of ['x', '-1', '1614265330.0', ' 1614265330', '٣']) refused('bad_timestamp', { headers: headersOf(vector.v1, { 'webhook-timestamp': timestamp }) });
      for (const name of ['id', 'timestamp', 'signature']) refused('missing_header', { headers: headersOf(vector.v1, { [`webhook-${name}`]: '' }) });
      for (const key of ['', 'whsec_', 'whsec_%', 'whsec_c2hvcnQ=', 'whpk_AAAA', pair.private, { kty: 'RSA' }, { kty: 'OKP', crv: 'Ed25519', x: 'AA' }])
        refused('bad_key', { keys: [key] });
    });

    test('deliveries of the server hold: v1, v1a, both while they overlap, and the keys of its JWKS', async () => {
      const at = `${name.toLowerCase()}-`;
      const real = ({ delivery }, used) => outcomes([{ keys: used, headers: delivery.headers, body: Buffer.from(delivery.body).toString('base64') }])[0];
      const symmetric = await delivered(`/${at}v1`, {});
      assert.match(symmetric.shown.key, /^whsec_/);
      assert.deepEqual(real(symmetric, symmetric.shown.key), { scheme: 'v1' });
      const asymmetric = await delivered(`/${at}v1a`, { signatureType: 'ed25519' });
      assert.match(asymmetric.shown.key, /^whpk_/);
      assert.deepEqual(real(asymmetric, asymmetric.shown.key), { scheme: 'v1a' });
      const overlapping = await delivered(`/${at}both`, { secret }, (ep) => server.ask('POST', `${ep}/secret/rotate`, { key: pair.private }));
      assert.match(overlapping.delivery.headers['webhook-signature'], /^v1a,\S{88} v1,\S{44}$/);
      assert.deepEqual(real(overlapping, secret), { scheme: 'v1' });
      assert.deepEqual(real(overlapping, pair.public), { scheme: 'v1a' });
      const { json } = await server.call('GET', `/sandboxes/${app}/.well-known/jwks.json`, undefined, { key: null });
      assert.ok(json.keys.length >= 2);
      assert.deepEqual(real(asymmetric, json.keys), { scheme: 'v1a' });
      assert.deepEqual(real(symmetric, json.keys), { reason: 'no_match' });
    });
  });
}

describe('imitated senders', () => {
  test('each delivery carries the signature of the sender, as its documentation has it', async () => {
    const { createHmac } = await import('node:crypto');
    const key = 'a secret of somebody else';
    const mac = (content, form) => createHmac('sha256', key).update(content).digest(form);
    const got = {};
    for (const signatureProfile of ['stripe', 'github', 'shopify', 'slack']) {
      const { delivery } = await delivered(`/${signatureProfile}`, { signatureProfile, secret: key });
      got[signatureProfile] = delivery;
      assert.match(delivery.headers['webhook-id'], /^msg_/);
      assert.equal(delivery.headers['webhook-signature'], undefined);
    }
    const [, time, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(got.stripe.headers['stripe-signature']);
    assert.equal(hex, mac(`${time}.${got.stripe.body}`, 'hex'));
    assert.equal(got.github.headers['x-hub-signature-256'], `sha256=${mac(got.github.body, 'hex')}`);
    assert.equal(got.github.headers['x-github-event'], 'github');
    assert.equal(got.shopify.headers['x-shopify-hmac-sha256'], mac(got.shopify.body, 'base64'));
    const stamp = got.slack.headers['x-slack-request-timestamp'];
    assert.equal(got.slack.headers['x-slack-signature'], `v0=${mac(`v0:${stamp}:${got.slack.body}`, 'hex')}`);
    for (const [profile, delivery] of Object.entries(got)) {
      const said = await server.ask('POST', '/webhooks/verify', { headers: delivery.headers, body: delivery.body, secret: key });
      assert.deepEqual([said.valid, said.profile], [true, profile], said.detail);
    }
  });
});
