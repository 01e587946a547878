// Svix's official client for Python, unmodified: each story of clients/python/svix_stories.py is told to a running server.
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { demand, python, run, sources } from '../lib/clients.mjs';
import { Server, adminKey, removeFolder } from '../lib/server.mjs';

demand('Python');
const program = path.join(sources, 'python/svix_stories.py');
const stories = (await run(python, [program, '--list'])).trimEnd().split('\n');

let server;
before(async () => (server = await Server.start()));
after(async () => {
  await server?.stop();
  removeFolder(server.data);
});

describe('svix in Python', () => {
  for (const story of stories) test(story, () => run(python, [program, story], { env: { HOURGLASS_URL: server.url, HOURGLASS_KEY: adminKey } }));
});
