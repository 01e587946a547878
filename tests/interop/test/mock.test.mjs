// `hourglass mock DOCUMENT`: one command, one document, an API that keeps state, and nothing left behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { request } from '../lib/http.mjs';
import { specText, specs } from '../lib/openapi.mjs';
import { binary, removeFolder } from '../lib/server.mjs';

const folder = mkdtempSync(path.join(os.tmpdir(), 'hourglass-mock-test-'));
const temporary = path.join(folder, 'tmp');
mkdirSync(temporary);
after(() => removeFolder(folder));

const alive = new Set();
process.on('exit', () => alive.forEach((child) => child.kill('SIGKILL')));
after(() => alive.forEach((child) => child.kill('SIGKILL')));

function start(args, input, listen = '127.0.0.1:0') {
  const child = spawn(binary, ['mock', '--listen', listen, ...args], { env: { ...process.env, TMPDIR: temporary }, stdio: ['pipe', 'pipe', 'pipe'] });
  const run = { child, out: '', err: '' };
  alive.add(child);
  child.on('close', () => alive.delete(child));
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  child.stderr.on('data', (chunk) => (run.err += chunk));
  run.listening = new Promise((resolve) => {
    child.stdout.on('data', (chunk) => {
      run.out += chunk;
      run.url ??= /(http:\/\/127\.0\.0\.1:\d+)/.exec(run.out)?.[1];
      if (run.url) resolve(run.url);
    });
    child.on('close', () => resolve(undefined));
  });
  run.ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
  run.ask = (method, where, body, headers = {}) =>
    request(run.url, method, where, { headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, body });
  run.stop = async (signal = 'SIGINT') => {
    child.kill(signal);
    return run.ended;
  };
  return run;
}

const lines = (text) => text.split('\n').filter((line) => line !== '');
const pets = JSON.stringify({
  openapi: '3.0.3',
  info: { title: 'Pets', version: '1' },
  paths: {
    '/pets': {
      get: { operationId: 'listPets', responses: { 200: { description: 'all', content: { 'application/json': { schema: { type: 'array', items: { $ref: '#/components/schemas/Pet' } } } } } } },
      post: {
        operationId: 'addPet',
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Pet' } } } },
        responses: { 201: { description: 'made', headers: { Location: { schema: { type: 'string' } } }, content: { 'application/json': { schema: { $ref: '#/components/schemas/Pet' } } } } },
      },
    },
    '/pets/{petId}': {
      get: { responses: { 200: { description: 'one', content: { 'application/json': { schema: { $ref: '#/components/schemas/Pet' } } } } } },
      delete: { responses: { 204: { description: 'gone' } } },
    },
  },
  components: { schemas: { Pet: { type: 'object', required: ['id', 'name'], properties: { id: { type: 'string', format: 'uuid', readOnly: true }, name: { type: 'string' }, born: { type: 'string', format: 'date' } } } } },
});
const file = (name, text) => {
  const where = path.join(folder, name);
  writeFileSync(where, text);
  return where;
};

test('a document is served at the root, keeps state, prints its operations and requests, and leaves nothing behind', async () => {
  const run = start([file('pets.json', pets)]);
  assert.ok(await run.listening, run.err);
  assert.match(run.out, /^GET +\/pets +listPets +\(list pets\)$/m);
  assert.match(run.out, /^POST +\/pets +addPet +\(create pets\)$/m);
  assert.match(run.out, /^DELETE +\/pets\/\{petId\} +\(remove pets\)$/m);
  const made = await run.ask('POST', '/pets', { name: 'Rex' });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.json.name, 'Rex');
  const where = new URL(made.headers.location, `${run.url}/pets`).pathname;
  assert.equal(where, `/pets/${made.json.id}`);
  assert.deepEqual((await run.ask('GET', where)).json, made.json);
  assert.ok((await run.ask('GET', '/pets')).json.some((pet) => pet.id === made.json.id));
  assert.equal((await run.ask('DELETE', where)).status, 204);
  assert.equal((await run.ask('GET', where)).status, 404);
  assert.equal((await run.ask('GET', '/openapi.json')).status, 404, 'the root is the document, not ours');
  assert.equal((await run.ask('GET', '/nowhere', undefined, { 'x-sandbox-id': 'other' })).status, 404);
  await run.ask('POST', '/pets', { name: 7 });
  assert.deepEqual(await run.stop(), { code: 0, signal: null });
  assert.match(run.out, /^POST \/pets {2}201 {2}[\d.]+ ms$/m);
  assert.match(run.out, new RegExp(`^GET ${where} {2}404 {2}[\\d.]+ ms$`, 'm'));
  assert.match(run.out, /^POST \/pets {2}201 {2}[\d.]+ ms {2}1 fault: body\.name/m);
  assert.deepEqual(readdirSync(temporary), []);
});

test('--json prints a JSON object a line', async () => {
  const run = start(['--json', '-'], pets);
  assert.ok(await run.listening, run.err);
  await run.ask('GET', '/pets?x=%22');
  assert.deepEqual(await run.stop('SIGTERM'), { code: 0, signal: null });
  const all = lines(run.out).map((line) => JSON.parse(line));
  assert.deepEqual(all.map((one) => one.what), ['operation', 'operation', 'operation', 'operation', 'listening', 'request']);
  assert.equal(all[0].collection, 'pets');
  assert.equal(all[4].operations, 4);
  assert.equal(all[5].target, '/pets?x=%22');
  assert.equal(all[5].status, 200);
});

test('the same seed makes the same values, another one others', async () => {
  const document = file('seed.json', pets);
  const values = async (...args) => {
    const run = start([...args, document]);
    assert.ok(await run.listening, run.err);
    const { text } = await run.ask('GET', '/pets');
    await run.stop();
    return text;
  };
  const [a, b, c] = [await values('--seed', '7'), await values('--seed', '7'), await values('--seed', '8')];
  assert.equal(a, b);
  assert.notEqual(a, c);
});

test('--dynamic leaves the examples alone, --state off keeps nothing, --validation enforce refuses', async () => {
  const tree = JSON.parse(pets);
  tree.paths['/pets'].get.responses[200].content['application/json'].example = [{ id: '3be6453c-03eb-4357-ae5a-984a0e574a54', name: 'of the document' }];
  const document = file('more.json', JSON.stringify(tree));
  const plain = start(['--state', 'off', '--validation', 'enforce', document]);
  assert.ok(await plain.listening, plain.err);
  assert.equal((await plain.ask('GET', '/pets')).json[0].name, 'of the document');
  assert.equal((await plain.ask('POST', '/pets', { name: 7 })).status, 422);
  assert.equal((await plain.ask('DELETE', '/pets/none')).status, 204);
  await plain.stop();
  const dynamic = start(['--dynamic', document]);
  assert.ok(await dynamic.listening, dynamic.err);
  for (const pet of (await dynamic.ask('GET', '/pets')).json) assert.notEqual(pet.name, 'of the document');
  await dynamic.stop();
});

test('what is wrong is told with its place and an exit code, and no folder is left', async () => {
  const cases = [
    [['/nowhere/at/all.yaml'], 1, /^\/nowhere\/at\/all\.yaml: cannot read the document/],
    [[file('bad.yaml', 'openapi: 3.0.0\npaths: [\n')], 1, /bad\.yaml:3:1: /],
    [[file('no.yaml', 'openapi: 3.0.0\n')], 1, /no\.yaml: \/paths: is required/],
    [[file('old.json', '{"swagger":"1.2"}')], 1, /old\.json: \/swagger: of Swagger only 2\.0 is read/],
    [['-'], 1, /^\(standard input\):1:1: is empty/],
    [[folder], 1, /cannot read the document/],
    [[], 2, /document is required/],
    [['x'], 2, /HOST:PORT/, 'nonsense'],
    [['--state', 'perhaps', 'x'], 2, /state/],
  ];
  for (const [args, code, says, listen] of cases) {
    const run = start(args, '', listen);
    assert.deepEqual(await run.ended, { code, signal: null }, args.join(' '));
    assert.match(run.err, says);
  }
  assert.deepEqual(readdirSync(temporary), []);
});

test('files that a document refers to are read along, and one that is missing is named; Swagger 2.0 is served, too', async () => {
  mkdirSync(path.join(folder, 'parts'), { recursive: true });
  file('parts/pet.yaml', "type: object\nrequired: [id]\nproperties: {id: {type: integer, readOnly: true}, name: {$ref: 'common.yaml#/Name'}}\n");
  const main = file(
    'split.yaml',
    "swagger: '2.0'\ninfo: {title: t, version: '1'}\nbasePath: /v1\nproduces: [application/json]\npaths:\n" +
      "  /pets: {post: {parameters: [{in: body, name: pet, schema: {$ref: 'parts/pet.yaml'}}], responses: {201: {description: a, schema: {$ref: 'parts/pet.yaml'}}}}}\n" +
      "  /pets/{petId}: {get: {parameters: [{in: path, name: petId, required: true, type: integer}], responses: {200: {description: a, schema: {$ref: 'parts/pet.yaml'}}}}}\n",
  );
  const missing = start([main]);
  assert.deepEqual(await missing.ended, { code: 1, signal: null });
  assert.match(missing.err, /split\.yaml: \/documents\/parts~1pet\.yaml\/properties\/name\/\$ref: refers to parts\/common\.yaml, which is not among the documents/);
  file('parts/common.yaml', 'Name: {type: string, example: Rex}\n');
  const run = start([main]);
  assert.ok(await run.listening, run.err);
  const made = await run.ask('POST', '/v1/pets', { name: 'Ada' });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual((await run.ask('GET', `/pets/${made.json.id}`)).json, made.json);
  assert.equal((await run.stop()).code, 0);
});

test('a port that is taken is told, and no folder is left', async () => {
  const first = start([file('pets.json', pets)]);
  const url = await first.listening;
  const second = start([file('pets.json', pets)], '', new URL(url).host);
  assert.equal((await second.ended).code, 1);
  assert.match(second.err, /127\.0\.0\.1:\d+: /);
  await first.stop();
  assert.deepEqual(readdirSync(temporary), []);
});

for (const [name, all, body] of [
  ['petstore.yaml', '/pet', { name: 'Rex', photoUrls: [] }],
  ['museum.yaml', '/special-events', { name: 'Tea', location: 'Hall', eventDescription: 'd', dates: ['2026-01-01'], price: 7 }],
]) {
  const absent = specText(name) === undefined && `${name} is not in ${specs} (HOURGLASS_SPECS)`;
  describe(name, { skip: absent }, () => {
    test('is a stateful API in one command', async () => {
      const run = start([path.join(specs, name)]);
      assert.ok(await run.listening, run.err);
      const made = await run.ask('POST', all, body);
      assert.ok([200, 201].includes(made.status), made.text);
      const id = made.json.eventId ?? made.json.id;
      assert.deepEqual((await run.ask('GET', `${all}/${id}`)).json, made.json);
      await run.ask('DELETE', `${all}/${id}`);
      assert.equal((await run.ask('GET', `${all}/${id}`)).status, 404);
      assert.equal((await run.stop()).code, 0);
    });
  });
}
