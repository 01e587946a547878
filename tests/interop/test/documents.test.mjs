// Whole documents of other people, each into a server of its own: what the import costs, that every operation answers, and that every JSON answer with a 2xx, made of
// its schema, is valid for Ajv, which is not ours. Any documents in HOURGLASS_SPECS (../shared/specs beside the checkout) will do. Time and memory are printed, and decide nothing.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Judge } from '../lib/judge.mjs';
import { Document, specs } from '../lib/openapi.mjs';
import { Server, removeFolder } from '../lib/server.mjs';

const names = existsSync(specs) ? readdirSync(specs).filter((name) => /\.(ya?ml|json)$/.test(name)).sort() : [];
const megabytes = (server, what) => Number(new RegExp(`^${what}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${server.process.pid}/status`, 'utf8'))[1]) / 1024;
/// Of the server so far, user and system: on a machine that others use too it says more than the clock.
const processorSeconds = (server) => {
  const fields = readFileSync(`/proc/${server.process.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

describe('documents', { skip: names.length === 0 && `there are none in ${specs} (HOURGLASS_SPECS)` }, () => {
  for (const name of names)
    test(`${name} is imported, every operation answers, and what is made fits its schema`, { timeout: 600_000 }, async () => {
      const text = readFileSync(path.join(specs, name), 'utf8');
      const server = await Server.start();
      try {
        const { id } = await server.ask('POST', '/sandboxes', { name, seed: name });
        const before = megabytes(server, 'VmRSS');
        const from = performance.now();
        const spent = processorSeconds(server);
        const type = name.endsWith('.json') ? 'application/json' : 'application/yaml';
        const told = await server.ask('PUT', `/sandboxes/${id}/openapi?state=off&validation=off&security=ignore&examples=generated`, text, { headers: { 'content-type': type }, timeout: 120_000 });
        const took = performance.now() - from;
        const processor = processorSeconds(server) - spent;
        const resident = megabytes(server, 'VmRSS');
        const most = megabytes(server, 'VmHWM');
        const document = new Document(text);
        const judge = new Judge(document.tree);
        const counts = { operations: 0, left: 0, answers: 0, judged: 0 };
        const wrong = [];
        const left = new Set(told.warnings.filter((w) => /^this operation was left out/.test(w.detail)).map((w) => w.pointer));
        for (const one of document.operations()) {
          ++counts.operations;
          // A server is never told of a fragment, so there may be nothing that tells an operation from another one of the same path and method.
          if (one.template.includes('#') && left.has(`/paths/${one.template.replaceAll('~', '~0').replaceAll('/', '~1')}/${one.method.toLowerCase()}`)) ++counts.left;
          else await lookAt({ server, id, document, judge, counts, wrong, one });
        }
        console.log(`${name}: ${(text.length / 1e6).toFixed(2)} MB imported in ${Math.round(took)} ms (${processor.toFixed(2)} s of the processor); resident ${before.toFixed(0)} MB before, ${resident.toFixed(0)} after, ${most.toFixed(0)} at most; ` +
          `${told.endpoints} operations, ${counts.left} left out (a fragment alone would tell them apart), ${counts.answers} answers, ${counts.judged} JSON answers with a 2xx judged by Ajv, ${wrong.length} wrong; ${told.warnings.length} warnings`);
        assert.equal(told.endpoints, counts.operations - counts.left);
        assert.ok(wrong.length === 0, `${wrong.length} of them:\n${wrong.slice(0, 30).join('\n')}`);
      } finally {
        await server.stop();
        removeFolder(server.data);
      }
    });
});

/// Every declared answer of one operation with a 2xx; and the one that it gives unasked.
async function lookAt({ server, id, document, judge, counts, wrong, one }) {
  const where = document.pathFor(one, one.base).replace(/#.*/, '');
  const [taking] = document.requestTypes(one.operation);
  const request = taking ? { body: taking.includes('json') ? '{}' : 'x' } : {};
  const sent = taking ? { 'content-type': taking } : {};
  const unasked = await server.mock(id, one.method, where, { headers: sent, ...request });
  ++counts.answers;
  const name = `${one.method} ${one.template}`;
  if (unasked.status >= 400) wrong.push(`${name} is answered with ${unasked.status} ${unasked.text.slice(0, 200)}`);
  for (const { code, type, schema } of judge.answers(one.template, one.method)) {
    const prefer = /^\d+$/.test(code) ? { prefer: `code=${code}` } : {};
    const answer = await server.mock(id, one.method, where, { headers: { ...sent, accept: type, ...prefer }, ...request });
    ++counts.answers;
    if (/^\d+$/.test(code) ? answer.status !== Number(code) : answer.status >= 300) wrong.push(`${name}, ${code}: ${answer.status} ${answer.text.slice(0, 200)}`);
    else if (one.method !== 'HEAD' && answer.json === undefined) wrong.push(`${name}, ${code}: no JSON: ${answer.text.slice(0, 200)}`);
    else if (schema !== undefined && one.method !== 'HEAD') {
      ++counts.judged;
      const fault = judge.faults(schema, answer.json);
      if (fault) wrong.push(`${name}, ${code}: ${fault}: ${answer.text.slice(0, 300)}`);
    }
  }
}
