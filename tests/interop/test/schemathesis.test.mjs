// Schemathesis, with every check that it has, against a stateful sandbox made of a document: what it finds is a fault of ours. Left out are only cases that it sends with the bytes of
// a case of the other kind (clients/schemathesis/hooks.py; proof.py has the smallest ones). HOURGLASS_SCHEMATHESIS_SEEDS, default 1: `1 2 3 4 5` for more.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { demand, run, schemathesis, sources } from '../lib/clients.mjs';
import { specText, specs } from '../lib/openapi.mjs';
import { Server, freshFolder, removeFolder } from '../lib/server.mjs';

const text = specText('petstore.yaml');
const absent = text === undefined && `petstore.yaml is not in ${specs} (HOURGLASS_SPECS)`;
const seeds = (process.env.HOURGLASS_SCHEMATHESIS_SEEDS ?? '1').split(/\s+/).filter((seed) => seed !== '');

describe('schemathesis', { skip: absent }, () => {
  demand('schemathesis');
  const folder = freshFolder('schemathesis'); // it leaves its notes where it runs
  const hooks = path.join(sources, 'schemathesis');
  let server;
  before(async () => (server = await Server.start()));
  after(async () => {
    await server?.stop();
    removeFolder(server.data);
    removeFolder(folder);
  });

  test('what is left out has the bytes of a case of the other kind', async () => {
    await run(path.join(path.dirname(schemathesis), 'python'), [path.join(hooks, 'proof.py'), path.join(specs, 'petstore.yaml')], { folder, env: { PYTHONPATH: hooks } });
  });

  for (const seed of seeds) {
    test(`finds nothing in petstore.yaml with the seed ${seed}`, { timeout: 600_000 }, async () => {
      const { id } = await server.ask('POST', '/sandboxes', { name: 'petstore' });
      await server.ask('PUT', `/sandboxes/${id}/openapi?validation=enforce`, text, { headers: { 'content-type': 'application/yaml' } });
      await server.ask('PUT', `/sandboxes/${id}/credentials`, { schemes: { api_key: ['a-good-key'], petstore_auth: ['a-good-token'] } });
      const args = ['--no-color', 'run', path.join(specs, 'petstore.yaml'), '--url', `${server.url}/s/${id}/api/v3`, '--checks', 'all', '--seed', seed];
      args.push('--max-examples', '10', '--continue-on-failure', '--suppress-health-check', 'all', '--report-dir', folder);
      args.push('--header', 'Authorization: Bearer a-good-token', '--header', 'api_key: a-good-key');
      const left = path.join(folder, `left-out-${seed}`);
      const said = await run(schemathesis, args, { folder, patience: 550_000, env: { SCHEMATHESIS_HOOKS: path.join(hooks, 'hooks.py'), HOURGLASS_LEFT_OUT: left } });
      const out = existsSync(left) ? readFileSync(left, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : [];
      const kinds = new Map();
      for (const { operation, type } of out) kinds.set(`${operation} ${type}`, (kinds.get(`${operation} ${type}`) ?? 0) + 1);
      console.log(`seed ${seed}: ${/(\d+) generated/.exec(said)?.[1]} cases; left out ${out.length}: ${[...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ')}`);
    });
  }
});
