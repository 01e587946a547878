// Schemathesis, with every check that it has, against a stateful sandbox made of a document: what it finds is a fault of ours. What a form or XML cannot
// express at all is left out by clients/schemathesis/hooks.py.
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { demand, run, schemathesis, sources } from '../lib/clients.mjs';
import { specText, specs } from '../lib/openapi.mjs';
import { Server, freshFolder, removeFolder } from '../lib/server.mjs';

const text = specText('petstore.yaml');
const absent = text === undefined && `petstore.yaml is not in ${specs} (HOURGLASS_SPECS)`;

describe('schemathesis', { skip: absent }, () => {
  demand('schemathesis');
  const folder = freshFolder('schemathesis'); // it leaves its notes where it runs
  let server;
  before(async () => (server = await Server.start()));
  after(async () => {
    await server?.stop();
    removeFolder(server.data);
    removeFolder(folder);
  });

  for (const seed of ['1']) {
    test(`finds nothing in petstore.yaml with the seed ${seed}`, async () => {
      const { id } = await server.ask('POST', '/sandboxes', { name: 'petstore' });
      await server.ask('PUT', `/sandboxes/${id}/openapi?validation=enforce`, text, { headers: { 'content-type': 'application/yaml' } });
      await server.ask('PUT', `/sandboxes/${id}/credentials`, { schemes: { api_key: ['a-good-key'], petstore_auth: ['a-good-token'] } });
      const args = ['--no-color', 'run', path.join(specs, 'petstore.yaml'), '--url', `${server.url}/s/${id}/api/v3`, '--checks', 'all', '--seed', seed];
      args.push('--max-examples', '10', '--continue-on-failure', '--suppress-health-check', 'all', '--report-dir', folder);
      args.push('--header', 'Authorization: Bearer a-good-token', '--header', 'api_key: a-good-key');
      await run(schemathesis, args, { folder, patience: 220_000, env: { SCHEMATHESIS_HOOKS: path.join(sources, 'schemathesis/hooks.py') } });
    });
  }
});
