// The crash tests. See README.md; `run` is how to start them.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { binary } from '../interop/lib/server.mjs';
import { cases, runCases } from './lib/cases.mjs';
import { killLoop } from './lib/loop.mjs';
import { aimedKills, moments } from './lib/moments.mjs';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '10' },
    seed: { type: 'string' },
    kafka: { type: 'string', default: process.env.HOURGLASS_TEST_KAFKA ?? '' },
    only: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const kills = Number(values.kills);
if (!Number.isInteger(seed) || !Number.isInteger(kills) || kills < 1) {
  console.error('--kills and --seed must be whole numbers');
  process.exit(2);
}
const again = `tests/crash/run --kills ${kills} --seed ${seed}${values.kafka ? ` --kafka ${values.kafka}` : ''}${values.only ? ` --only ${values.only}` : ''}`;

let passed = 0, failed = 0, skipped = 0;
const report = {
  say: (text) => console.log(`crash: ${text}`),
  /// One check: `wrong` is a list of what is wrong, or a thrown error's text.
  check(name, wrong) {
    const list = Array.isArray(wrong) ? wrong : wrong ? [wrong] : [];
    if (list.length === 0) {
      ++passed;
      console.log(`ok      ${name}`);
    } else {
      ++failed;
      console.log(`FAILED  ${name}`);
      for (const line of list.slice(0, 20)) console.log(`          ${line}`);
      if (list.length > 20) console.log(`          … ${list.length - 20} more`);
    }
  },
  skip(name, why) {
    ++skipped;
    console.log(`SKIPPED ${name}: ${why}`);
  },
};

/// The helper of tests/crash/crash_tool.cpp, wherever this build has it.
const tool = process.env.HOURGLASS_CRASH_TOOL ?? path.join(path.dirname(binary), 'tests/crash/crash_tool');
const runTool = existsSync(tool)
  ? (...args) => {
      const done = spawnSync(tool, args, { encoding: 'utf8', maxBuffer: 1 << 30 });
      if (done.status !== 0) throw new Error(`crash_tool ${args[0]}: ${done.stderr.trim() || done.error}`);
      return done.stdout;
    }
  : undefined;

report.say(`seed ${seed}; again with: ${again}`);
const options = { seed, kills, kafka: values.kafka, keep: values.keep, report, runTool };
const only = values.only?.split(',');
const wants = (name) => only === undefined || only.includes(name);
const unknown = only?.filter((name) => !['loop', 'moments', 'cases', ...Object.keys(moments), ...Object.keys(cases)].includes(name)) ?? [];
if (unknown.length > 0) {
  console.error(`--only knows no ${unknown.join(', ')}`);
  process.exit(2);
}
// In a run of everything the moments share what time there is: a few kills each.
const aimed = { ...options, kills: only ? kills : Math.max(2, Math.floor(kills / 5)), wanted: Object.keys(moments).filter((name) => wants('moments') || wants(name)) };
const parts = [
  ['loop', wants('loop') && (() => killLoop(options))],
  ['the aimed kills', () => aimedKills(aimed)],
  ['the cases', () => runCases({ ...options, wanted: Object.keys(cases).filter((name) => wants('cases') || wants(name)) })],
];
for (const [name, part] of parts) {
  try {
    if (part) await part();
  } catch (error) {
    report.check(`${name} came to its end`, error.stack ?? String(error));
  }
}
if (failed > 0) console.log(`crash: repeat with: ${again}`);
if (skipped > 0) console.log(`${skipped} skipped`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
