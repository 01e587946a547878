// Real OpenAPI documents: imported in one call, then every operation of them answered over HTTP.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { Document, specText, specs } from '../lib/openapi.mjs';
import { Server, removeFolder } from '../lib/server.mjs';

let server;
before(async () => (server = await Server.start()));
after(async () => {
  await server?.stop();
  removeFolder(server.data);
});

/// Without state, so that every operation answers with its example whatever was asked before; with it, see mock.test.mjs.
async function imported(text, type) {
  const sandbox = await server.ask('POST', '/sandboxes', { name: 'import' });
  const reply = await server.ask('PUT', `/sandboxes/${sandbox.id}/openapi?state=off`, text, { headers: { 'content-type': type } });
  return { id: sandbox.id, reply };
}

for (const name of ['petstore.yaml', 'museum.yaml']) {
  const text = specText(name);
  const absent = text === undefined && `${name} is not in ${specs} (HOURGLASS_SPECS)`;
  describe(name, { skip: absent }, () => {
    const document = text === undefined ? undefined : new Document(text);
    let sandbox;
    before(async () => {
      sandbox = await imported(text, 'application/yaml');
    });

    test('the import tells what it made', async () => {
      const operations = [...document.operations()];
      assert.equal(sandbox.reply.title, document.tree.info.title);
      assert.equal(sandbox.reply.version, document.tree.info.version);
      assert.equal(sandbox.reply.endpoints, operations.length);
      const declared = Object.keys(document.tree.webhooks ?? {});
      assert.deepEqual((sandbox.reply.webhooks ?? []).map((w) => w.name).sort(), declared.sort());
      const listed = await server.ask('GET', `/sandboxes/${sandbox.id}/endpoints?limit=250`);
      assert.equal(listed.total, operations.length);
    });

    for (const one of document?.operations() ?? []) {
      test(`${one.method} ${one.template} is answered`, async () => {
        const where = document.pathFor(one);
        const { status, content } = document.success(one.operation);
        const types = document.requestTypes(one.operation);
        const sendAs = (type) =>
          server.mock(sandbox.id, one.method, where, type === undefined ? {} : { headers: { 'content-type': type }, body: type.includes('json') ? '{}' : 'x' });
        const answers = [];
        for (const type of types.length > 0 ? types : [undefined]) answers.push(await sendAs(type));
        for (const answer of answers) {
          assert.equal(answer.status, status, answer.text);
          assert.match(answer.headers['x-request-id'], /^req_/);
          assert.ok(answer.headers['x-correlation-id']);
        }
        const [answer] = answers;
        const media = content['application/json'];
        if (media) {
          assert.match(answer.headers['content-type'], /^application\/json/);
          const example = document.exampleOf(media);
          if (example) assert.deepEqual(answer.json, example.value, 'the body is the example');
          else document.check(media.schema, answer.json, '');
        } else if (Object.keys(content).length > 0) {
          assert.ok(Object.keys(content).some((type) => answer.headers['content-type']?.startsWith(type)), answer.headers['content-type']);
        } else {
          assert.equal(answer.bytes.length, 0, 'an answer without content has no body');
        }
        const bare = await server.mock(sandbox.id, one.method, document.pathFor(one, ''), types[0] ? { headers: { 'content-type': types[0] }, body: '{}' } : {});
        assert.equal(bare.status, status, `the path as the document has it, without its server's: ${bare.text}`);
        if (media && document.exampleOf(media)) assert.equal(bare.text, answer.text);
        if (content['application/xml']) {
          const accepting = (accept) =>
            server.mock(sandbox.id, one.method, where, { headers: { accept, ...(types[0] ? { 'content-type': types[0] } : {}) }, body: types[0] ? '{}' : undefined });
          const either = await accepting('application/xml, application/json;q=0.5');
          assert.equal(either.status, status, either.text);
          // A mock that has no XML to show says so, rather than sending something else.
          const only = await accepting('application/xml');
          if (only.status === 406) assert.match(only.headers['content-type'], /problem\+json/);
          else assert.match(only.headers['content-type'], /^application\/xml/);
        }
      });
    }

    test('a media type that no operation consumes is 415, a method that is not there 405, an unknown path 404', async () => {
      const taking = [...document.operations()].find((one) => document.requestTypes(one.operation).includes('application/json'));
      const wrong = await server.mock(sandbox.id, taking.method, document.pathFor(taking), { headers: { 'content-type': 'text/csv' }, body: 'a,b' });
      assert.equal(wrong.status, 415, wrong.text);
      assert.match(wrong.headers['content-type'], /problem\+json/);
      const [first] = document.operations();
      const taken = [...document.operations()].filter((one) => one.template === first.template).map((one) => one.method);
      const free = ['DELETE', 'PATCH', 'PUT'].find((method) => !taken.includes(method));
      const refused = await server.mock(sandbox.id, free, document.pathFor(first));
      assert.equal(refused.status, 405, refused.text);
      for (const method of taken) assert.ok(refused.headers.allow.includes(method), refused.headers.allow);
      const nowhere = await server.mock(sandbox.id, 'GET', '/there/is/nothing/here');
      assert.equal(nowhere.status, 404);
      assert.equal(nowhere.json.status, 404);
    });

    test('Prefer chooses another answer of the document', async () => {
      const one = [...document.operations()].find((o) => o.operation.responses['404']);
      const answer = await server.mock(sandbox.id, one.method, document.pathFor(one), { headers: { prefer: 'code=404' } });
      assert.equal(answer.status, 404);
    });

    test('the same document as JSON gives the same answers', async () => {
      const twin = await imported(JSON.stringify(document.tree), 'application/json');
      assert.equal(twin.reply.endpoints, sandbox.reply.endpoints);
      for (const one of document.operations()) {
        const [type] = document.requestTypes(one.operation);
        const options = type ? { headers: { 'content-type': type }, body: '{}' } : {};
        const [a, b] = await Promise.all([sandbox.id, twin.id].map((id) => server.mock(id, one.method, document.pathFor(one), options)));
        assert.equal(a.status, b.status);
        assert.equal(a.headers['content-type'], b.headers['content-type']);
        // What has no example is made up anew by each import.
        const [media] = Object.values(document.success(one.operation).content);
        if (media === undefined || document.exampleOf(media)) assert.equal(a.text, b.text, `${one.method} ${one.template}`);
        else if (b.json !== undefined) document.check(media.schema, b.json, '');
      }
    });

    test('a document that is imported again replaces the first, and a broken one changes nothing', async () => {
      const { id } = await imported(text, 'application/yaml');
      const [first] = document.operations();
      const broken = await server.call('PUT', `/sandboxes/${id}/openapi`, 'openapi: 3.0.0\npaths: [', { headers: { 'content-type': 'application/yaml' } });
      assert.ok([400, 422].includes(broken.status), broken.text);
      assert.match(broken.headers['content-type'], /problem\+json/);
      const listed = await server.ask('GET', `/sandboxes/${id}/endpoints`);
      assert.equal(listed.total, [...document.operations()].length);
      const small = { openapi: '3.0.0', info: { title: 'small', version: '1' }, paths: { '/one': { get: { responses: { 200: { description: 'ok', content: { 'application/json': { example: { n: 1 } } } } } } } } };
      const reply = await server.ask('PUT', `/sandboxes/${id}/openapi`, stringify(small), { headers: { 'content-type': 'application/yaml' } });
      assert.equal(reply.endpoints, 1);
      assert.deepEqual((await server.mock(id, 'GET', '/one')).json, { n: 1 });
      const types = document.requestTypes(first.operation);
      const gone = await server.mock(id, first.method, document.pathFor(first), types.length ? { headers: { 'content-type': types[0] }, body: '{}' } : {});
      assert.equal(gone.status, 404);
    });
  });
}

test('our own API document describes every path it serves', async () => {
  const answer = await server.ask('GET', '/openapi.json', undefined, { key: null });
  assert.match(answer.openapi, /^3\.1/);
  for (const where of ['/sandboxes', '/sandboxes/{sandbox}/openapi', '/api/v1/app/{app_id}/msg', '/sandboxes/{sandbox}/clock/advance', '/healthz', '/metrics'])
    assert.ok(answer.paths[where], `${where} is not described`);
  const ids = [];
  const refs = new Set();
  JSON.stringify(answer, (key, value) => {
    if (key === '$ref') refs.add(value);
    if (key === 'operationId') ids.push(value);
    return value;
  });
  assert.equal(new Set(ids).size, ids.length, 'operation ids are unique');
  for (const ref of refs) assert.ok(ref.slice(2).split('/').reduce((at, step) => at?.[step], answer), `${ref} leads nowhere`);
});
