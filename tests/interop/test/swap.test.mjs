// What answers is swapped under load: scripts, functions and imported documents. Every answer is whole, of one version, never of an older one than before;
// what does not compile, or does not parse, is refused and replaces nothing. HOURGLASS_SWAPS says how many swaps of each (default 100; 1,000 for the whole proof).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { request } from '../lib/http.mjs';
import { Server, removeFolder } from '../lib/server.mjs';

const swaps = Number(process.env.HOURGLASS_SWAPS ?? 100);
const clients = 4;
// One in four is bad, each in its own way.
const bad = (n) => n % 4 === 3;

let server;
before(async () => (server = await Server.start()));
after(async () => {
  await server?.stop();
  removeFolder(server.data);
});

/// Asks for `where` from several clients until `work` has ended; `version(answer)` is what answered. Gives how many answers came, and how many versions they were of.
async function underLoad(sandbox, where, version, work) {
  let on = true;
  let answers = 0;
  const seen = new Set();
  const wrong = [];
  const asking = [...Array(clients)].map(async () => {
    for (let last = -1; on; ) {
      const answer = await request(server.url, 'GET', `/s/${sandbox}${where}`);
      const now = answer.status === 200 ? version(answer) : undefined;
      if (now === undefined || now < last) wrong.push(`after ${last}: ${answer.status} ${answer.text.slice(0, 200)}`);
      else last = now;
      seen.add(now);
      ++answers;
    }
  });
  const from = Date.now();
  try {
    await work(() => answers);
  } finally {
    on = false;
    await Promise.all(asking);
  }
  assert.deepEqual(wrong, []);
  assert.ok(answers > 0 && seen.size > 1, `${answers} answers of ${seen.size} versions: too few to prove anything`);
  return `${swaps} swaps, of which ${[...Array(swaps).keys()].filter(bad).length} were refused, in ${Date.now() - from} ms; ${answers} answers of ${seen.size} versions`;
}

/// `put(n)` for the good and `spoil(n)` for the bad, one after the other; each good one is what answers at once.
async function swapAll({ put, spoil, current }) {
  for (let n = 1; n <= swaps; ++n) {
    if (!bad(n)) {
      const answer = await put(n);
      assert.ok(answer.status < 300, answer.text);
    } else {
      const answer = await spoil(n);
      assert.ok([400, 422].includes(answer.status), `${answer.status} ${answer.text}`);
      assert.match(answer.headers['content-type'], /problem\+json/);
    }
    if (bad(n) || n % 10 === 0) assert.equal(await current(), bad(n) ? n - 1 : n, 'what was acknowledged last is what answers');
  }
}

const fresh = async (name) => (await server.ask('POST', '/sandboxes', { name })).id;
/// A body that a mixture of two versions would not have.
const three = ({ json }) => (json && json.a === json.b && json.b === json.c ? json.a : undefined);

test(`a script is swapped ${swaps} times under load`, async (t) => {
  const sandbox = await fresh('scripts');
  const script = (n) => `const one = () => ${n};\n$resp.body = {a: ${n}, b: one(), c: JSON.parse('${n}')};`;
  const where = `/sandboxes/${sandbox}/endpoints`;
  const { id } = await server.ask('POST', where, { method: 'GET', path: '/run', handler: { script: script(0) } });
  const put = (text) => server.call('PUT', `${where}/${id}`, { method: 'GET', path: '/run', handler: { script: text } });
  const kinds = ['const one = ;', '$resp.body = {a: 1', 'let x = 1; let x = 2;', "$resp.body = 'open", 'break;', '}) (() => {'];
  const told = await underLoad(sandbox, '/run', three, () =>
    swapAll({
      put: (n) => put(script(n)),
      spoil: async (n) => {
        const answer = await put(`${script(n)}\n${kinds[Math.floor(n / 4) % kinds.length]}`);
        assert.match(answer.text, /\/handler\/script:\d+:\d+/, `with line and column: ${answer.text}`);
        return answer;
      },
      current: async () => three(await server.mock(sandbox, 'GET', '/run')),
    }),
  );
  console.log(`${t.name}: ${told}`);
  // Its versions are there, and an earlier one can be had back.
  const versions = await server.ask('GET', `${where}/${id}/versions`);
  assert.ok(versions.data.length > 1);
});

test(`a function that scripts call is swapped ${swaps} times under load`, async (t) => {
  const sandbox = await fresh('functions');
  const put = (text) => server.call('PUT', `/sandboxes/${sandbox}/functions/version`, { source: text });
  assert.ok((await put('($func) => 0')).status < 300);
  await server.ask('POST', `/sandboxes/${sandbox}/endpoints`, {
    method: 'GET', path: '/run', handler: { script: '$resp.body = {a: $func.version(), b: $func.version(), c: $func.version()};' },
  });
  const told = await underLoad(sandbox, '/run', three, () =>
    swapAll({
      put: (n) => put(`($func) => ${n}`),
      spoil: (n) => put(n % 8 === 3 ? `($func) => { ${n}` : `${n}`),
      current: async () => three(await server.mock(sandbox, 'GET', '/run')),
    }),
  );
  console.log(`${t.name}: ${told}`);
});

test(`an imported document is swapped ${swaps} times under load`, async (t) => {
  const sandbox = await fresh('documents');
  const document = (n) => ({
    openapi: '3.0.3', info: { title: 'swapped', version: String(n) },
    paths: {
      '/run': { get: { responses: { 200: { description: 'ok', content: { 'application/json': { example: { a: n, b: n, c: n } } } } } } },
      [`/only/${n % 2}`]: { get: { responses: { 200: { description: 'ok' } } } },
    },
  });
  const put = (body) => server.call('PUT', `/sandboxes/${sandbox}/openapi`, body);
  assert.ok((await put(document(0))).status < 300);
  const told = await underLoad(sandbox, '/run', three, () =>
    swapAll({
      put: (n) => put(document(n)),
      spoil: (n) => {
        const broken = document(n);
        if (n % 8 === 3) return put(JSON.stringify(broken).slice(0, -9));
        if (n % 16 === 7) delete broken.paths;
        else broken.openapi = '9.0';
        return put(broken);
      },
      current: async () => three(await server.mock(sandbox, 'GET', '/run')),
    }),
  );
  console.log(`${t.name}: ${told}`);
  assert.equal((await server.mock(sandbox, 'GET', `/only/${swaps % 2}`)).status, bad(swaps) ? 404 : 200);
});
