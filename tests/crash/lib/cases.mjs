// The smaller disasters, one by one.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, openSync, readFileSync, readSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { pause, request, until } from '../../interop/lib/http.mjs';
import { Server, freshFolder, removeFolder } from '../../interop/lib/server.mjs';
import { Chain, payloadTexts } from './chain.mjs';
import { Random } from './random.mjs';

export const cases = { heldFolder, newerFormat, portTaken, kafkaAway, halfWrittenRecord, tornTail, flippedInLog, flippedInTable, fullDisk, stoppedUnderLoad };

export async function runCases(options) {
  const random = new Random(options.seed ^ 0x5eed);
  for (const [name, run] of Object.entries(cases)) {
    if (!options.wanted.includes(name)) continue;
    const data = freshFolder(name);
    try {
      await run({ ...options, data, random: random.fork() });
    } catch (error) {
      options.report.check(name, error.stack ?? String(error));
    } finally {
      if (!options.keep) removeFolder(data);
    }
  }
}

// -- what they share -----------------------------------------------------------------

/// Starts one that is expected to end by itself, and gives how.
async function refusedStart(data, args = []) {
  const server = new Server({ data, args });
  const timer = setTimeout(() => server.process.kill('SIGKILL'), 20_000);
  const exit = await server.ended;
  clearTimeout(timer);
  return { ...exit, log: server.log };
}

/// Writes `count` values and gives the sandbox; the last of them is acknowledged when this returns.
async function fill(server, count, size = 200) {
  const sandbox = (await server.ask('POST', '/sandboxes', { name: 'filled' })).id;
  for (let n = 0; n < count; n += 20)
    await Promise.all([...Array(Math.min(20, count - n))].map((_, i) =>
      server.ask('PUT', `/sandboxes/${sandbox}/data/kept/${n + i}`, { n: n + i, filler: 'z'.repeat(size) })));
  return sandbox;
}

/// Reads the history and follows the chain; { seq, wrong } — `wrong` also when the server says that it cannot.
async function followed(server, sandbox) {
  const chain = new Chain(sandbox);
  for (let cursor = ''; ; ) {
    const answer = await server.call('GET', `/sandboxes/${sandbox}/history?order=asc&limit=250${cursor}`);
    if (answer.status !== 200) return { seq: chain.seq, refused: answer.status, wrong: [`${answer.status} ${answer.text.slice(0, 200)}`] };
    const raws = payloadTexts(answer.text);
    for (const [i, event] of answer.json.data.entries()) {
      const wrong = chain.follow(event, raws[i]);
      if (wrong) return { seq: chain.seq, wrong: [wrong] };
    }
    if (!answer.json.next_cursor) return { seq: chain.seq, wrong: [] };
    cursor = `&cursor=${encodeURIComponent(answer.json.next_cursor)}`;
  }
}

async function missing(server, sandbox, count) {
  const wrong = [];
  for (let n = 0; n < count; ++n) {
    const answer = await server.call('GET', `/sandboxes/${sandbox}/data/kept/${n}`);
    if (answer.status !== 200 || answer.json.n !== n) wrong.push(`value ${n} is gone: ${answer.status}`);
  }
  return wrong;
}

/// Files anywhere below `folder`, newest name last.
function filesOf(folder, extension) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && e.name.endsWith(extension))
    .map((e) => path.join(e.parentPath ?? e.path, e.name))
    .sort();
}

/// The write-ahead log that was written last; RocksDB's text LOG has another name.
function lastLog(data) {
  const logs = filesOf(data, '.log').filter((f) => /\/\d+\.log$/.test(f) && statSync(f).size > 0);
  if (logs.length === 0) throw new Error(`no write-ahead log in ${data}: ${readdirSync(data)}`);
  return logs.at(-1);
}

function flip(file, at) {
  const handle = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(handle, byte, 0, 1, at);
  byte[0] ^= 0x40;
  writeSync(handle, byte, 0, 1, at);
  closeSync(handle);
}

// -- cases -------------------------------------------------------------------------------

async function heldFolder({ data, report }) {
  const first = await Server.start({ data });
  try {
    const second = await refusedStart(data);
    report.check('a folder that another process holds: exit code 3 and a clear message',
      second.code === 3 && /another process/.test(second.log) ? [] : [`${second.code}: ${second.log}`]);
    const answer = await first.call('GET', '/readyz');
    report.check('and the first goes on', answer.status === 200 ? [] : [answer.text]);
  } finally {
    await first.kill();
  }
}

async function newerFormat({ data, report, runTool }) {
  if (!runTool) return report.check('a folder of a newer version', ['there is no crash_tool: build it, or set HOURGLASS_CRASH_TOOL']);
  const server = await Server.start({ data });
  const sandbox = await fill(server, 20);
  await server.stop();
  const folder = path.dirname(filesOf(data, 'CURRENT')[0]);
  runTool('format', folder, '99');
  const refused = await refusedStart(data);
  report.check('a folder of a newer version: exit code 4 and a clear message', refused.code === 4 && /newer/.test(refused.log) ? [] : [`${refused.code}: ${refused.log}`]);
  runTool('format', folder, '1');
  const again = await Server.start({ data });
  report.check('and it was left as it is', await missing(again, sandbox, 20));
  return again.kill();
}

async function portTaken({ data, report }) {
  const first = await Server.start({ data: path.join(data, 'a') });
  try {
    const { port } = new URL(first.url);
    const second = new Server({ data: path.join(data, 'b'), port });
    const exit = await second.ended;
    report.check('a port that is taken: exit code 1 and a message that names it', exit.code === 1 && second.log.includes(port) ? [] : [`${exit.code}: ${second.log}`]);
  } finally {
    await first.kill();
  }
}

async function kafkaAway({ data, report }) {
  const server = await Server.start({ data, args: ['--kafka', '127.0.0.1:9'] });
  const before = Date.now();
  const sandbox = await fill(server, 200);
  const took = Date.now() - before;
  const ready = await server.call('GET', '/readyz');
  const wrong = [...(ready.status === 200 ? [] : [`readyz: ${ready.text}`]), ...(await missing(server, sandbox, 200))];
  const metrics = (await server.call('GET', '/metrics')).text;
  const lag = Number(/^hourglass_kafka_lag_events(?:\{[^}]*\})? (\d+)/m.exec(metrics)?.[1]);
  if (!(lag >= 200)) wrong.push(`the lag is ${lag}, and 200 events are not exported`);
  const stopped = Date.now();
  const exit = await server.stop();
  if (exit.code !== 0) wrong.push(`the stop ended with ${JSON.stringify(exit)}`);
  report.check(`a broker that is not there slows nothing and shows as lag (200 changes in ${took} ms, stopped in ${Date.now() - stopped} ms)`, wrong);
}

/// What a crash in the middle of a write leaves: the front part of a record that nobody was told about.
async function halfWrittenRecord({ data, report }) {
  const server = await Server.start({ data });
  const sandbox = await fill(server, 300);
  await server.kill();
  const front = Buffer.alloc(200, 0x55);
  front.writeUInt32LE(0x12345678, 0); // checksum, length 5000, type: a whole record
  front.writeUInt16LE(5000, 4);
  front[6] = 1;
  appendFileSync(lastLog(data), front);
  const again = await Server.start({ data });
  const chain = await followed(again, sandbox);
  report.check('half a record at the end of the log is dropped, and nothing else', [...chain.wrong, ...(await missing(again, sandbox, 300))]);
  return again.kill();
}

/// The position that `journal.head` names.
function namedEnd(data) {
  return Number(/^position (\d+)$/m.exec(readFileSync(filesOf(data, 'journal.head')[0], 'utf8'))?.[1]);
}

/// The disk lost the last bytes although it had said they were safe. Once the log has been idle for a second its end is named, so that nothing
/// acknowledged may be missing without a word.
async function tornTail({ data, report, random }) {
  const server = await Server.start({ data });
  const sandbox = await fill(server, 300);
  await until('the end of the log is named', async () => {
    const end = Number(/^hourglass_log_end (\d+)/m.exec((await server.call('GET', '/metrics')).text)?.[1]);
    return namedEnd(data) === end - 1;
  }, 10_000);
  await server.kill();
  const log = lastLog(data);
  const cut = random.between(1, 100);
  truncateSync(log, statSync(log).size - cut);
  const again = new Server({ data });
  const started = await again.ready().then(() => true, () => false);
  if (!started) {
    report.check(`a log that lost its last ${cut} bytes, all of them acknowledged: refused, and said (exit code ${again.exit.code})`,
      again.exit.code === 5 ? [] : [`${again.exit.code}: ${again.log}`]);
    return;
  }
  const chain = await followed(again, sandbox);
  const gone = await missing(again, sandbox, 300);
  // What was cut off was no event, but what is derived from them.
  report.check(`a log that lost its last ${cut} bytes: it starts, and nothing acknowledged is missing`, [...chain.wrong, ...gone]);
  await again.kill();
}

async function flippedInLog({ data, report, random }) {
  const server = await Server.start({ data });
  const sandbox = await fill(server, 300);
  await server.kill();
  const log = lastLog(data);
  const at = Math.floor(statSync(log).size * (0.2 + 0.6 * random.next()));
  flip(log, at);
  await corruptionIsTold({ data, report, sandbox, count: 300, name: `a byte that changed in the middle of the write-ahead log (at ${at})` });
}

async function flippedInTable({ data, report, random }) {
  let server = await Server.start({ data });
  const sandbox = await fill(server, 600, 400);
  await server.kill();
  server = await Server.start({ data }); // replays the log into tables
  await server.stop();
  const tables = [...filesOf(data, '.sst'), ...filesOf(data, '.blob')];
  if (tables.length === 0) throw new Error(`no table in ${data}`);
  const largest = tables.sort((a, b) => statSync(b).size - statSync(a).size)[0];
  const at = Math.floor(statSync(largest).size * (0.1 + 0.5 * random.next()));
  flip(largest, at);
  await corruptionIsTold({ data, report, sandbox, count: 600, name: `a byte that changed in a table (${path.basename(largest)} at ${at})` });
}

/// Either it does not start, and says why, or what is damaged is an error when it is read; never a history with something missing.
async function corruptionIsTold({ data, report, sandbox, count, name }) {
  const again = new Server({ data });
  const started = await again.ready().then(() => true, () => false);
  if (!started) return report.check(`${name}: refused with exit code 5`, again.exit.code === 5 ? [] : [`${again.exit.code}: ${again.log}`]);
  const chain = await followed(again, sandbox);
  const silent = chain.refused === undefined && (chain.wrong.length > 0 || chain.seq < count + 1);
  report.check(`${name}: it starts, and ${chain.refused ? `reading is an error (${chain.refused})` : 'nothing is missing'}`,
    silent ? [`the history ends at ${chain.seq} without a word, ${count + 1} were acknowledged`, ...chain.wrong] : []);
  return again.kill();
}

const reserve = 224 * 1024 * 1024; // with less room nothing is written: all that is in memory may have to be flushed

/// The data folder on a disk of its own that runs full. Only root, or a user who may make namespaces, has one to give.
async function fullDisk({ data, report }) {
  const disk = smallDisk(data);
  if (!disk) return limitedFile({ data, report });
  let server;
  try {
    const inside = path.join(data, 'hourglass');
    const filler = path.join(disk.root, data, 'filler');
    server = await Server.start({ data: inside, prefix: disk.prefix });
    const sandbox = await fill(server, 50);
    const free = Number(execFileSync('stat', ['-f', '-c', '%a', path.join(disk.root, data)])) * Number(execFileSync('stat', ['-f', '-c', '%S', path.join(disk.root, data)]));
    writeFileSync(filler, Buffer.alloc(Math.max(0, free - reserve - 3 * 1024 * 1024)));
    const kept = new Set();
    let refusal;
    let fitted = 0;
    const value = 'w'.repeat(100_000);
    for (let n = 0; n < 2000 && !refusal; ++n) { // more than what RocksDB has set aside for its log, and no more than a sandbox may keep
      const answer = await server.call('PUT', `/sandboxes/${sandbox}/data/big/${n % 300}`, { n, value });
      if (answer.status !== 204) refusal = answer;
      else kept.add(n % 300), ++fitted;
    }
    const wrong = [];
    if (!refusal) wrong.push('2,000 values of 100 KB fit on a disk with 3 MB more than the reserve');
    else if (refusal.status !== 503 || !/problem\+json/.test(refusal.headers['content-type'])) wrong.push(`refused with ${refusal.status} ${refusal.text.slice(0, 300)}`);
    // It tries again and again, so it may look well for a moment.
    let ready;
    await until('/readyz says why', async () => {
      await server.call('PUT', `/sandboxes/${sandbox}/data/big/again`, { value });
      ready = await server.call('GET', '/readyz');
      return ready.status === 503 && /full|space/i.test(ready.text);
    }, 10_000).catch(() => wrong.push(`readyz says ${ready.status} ${ready.text}`));
    const alive = await server.call('GET', '/healthz');
    if (alive.status !== 200) wrong.push('it does not live any more');
    report.check(`a full disk: writes are refused with a clear answer (${fitted} fitted), and /readyz says why`, wrong);

    const reading = await followed(server, sandbox);
    report.check('the history can still be read', reading.wrong);
    rmSync(filler);
    let writes = 0;
    const recovered = await until('writes are taken again', async () => {
      const answer = await server.call('PUT', `/sandboxes/${sandbox}/data/after/${++writes}`, { n: writes });
      return answer.status === 204;
    }, 40_000).catch((error) => error);
    const gone = async () => {
      const list = await missing(server, sandbox, 50);
      for (const n of kept) if ((await server.call('GET', `/sandboxes/${sandbox}/data/big/${n}`)).status !== 200) list.push(`big ${n} is gone`);
      return [...list, ...(await followed(server, sandbox)).wrong];
    };
    report.check('with room again it writes again by itself, and nothing acknowledged is missing', recovered instanceof Error ? [recovered.message, server.log.slice(-2000)] : await gone());
    await server.kill();
    server = await Server.start({ data: inside, prefix: disk.prefix });
    report.check('nor after a restart', await gone());
    await server.kill();
  } catch (error) {
    throw new Error(`${error.stack}\nserver: ${JSON.stringify(server?.exit ?? 'running')}\n${server?.log.slice(-3000)}`);
  } finally {
    disk.end();
  }
}

/// 448 MB in a mount namespace that a sleeping process keeps open; its files are reached through /proc.
function smallDisk(folder) {
  const holder = spawn('unshare', ['--user', '--map-root-user', '--mount', 'sh', '-c', `mount -t tmpfs -o size=448m none "$0" && echo mounted && exec sleep 600`, folder], { stdio: ['ignore', 'pipe', 'ignore'] });
  holder.on('error', () => {});
  const deadline = Date.now() + 5_000;
  // The holder's one line comes at once or never.
  while (Date.now() < deadline && holder.exitCode === null && holder.pid !== undefined) {
    const mounts = spawnSync('grep', ['-c', ` ${folder} tmpfs `, `/proc/${holder.pid}/mounts`], { encoding: 'utf8' });
    if (Number(mounts.stdout) > 0)
      return {
        root: `/proc/${holder.pid}/root`,
        prefix: ['nsenter', '--target', String(holder.pid), '--user', '--mount', '--preserve-credentials', '--'],
        end: () => holder.kill('SIGKILL'),
      };
    spawnSync('sleep', ['0.05']);
  }
  holder.kill('SIGKILL');
  return undefined;
}

/// Where no disk can be had: no file may grow beyond 4 MB.
async function limitedFile({ data, report }) {
  report.skip('a full disk', 'no mount namespace may be made here; a limit on the size of files stands in for it');
  const server = await Server.start({ data, prefix: ['sh', '-c', `trap '' XFSZ; exec prlimit --fsize=4194304 "$@"`, 'sh'] });
  const sandbox = await fill(server, 50);
  let refusal;
  let kept = 0;
  for (; kept < 200 && !refusal; ) {
    const answer = await server.call('PUT', `/sandboxes/${sandbox}/data/big/${kept}`, { value: 'w'.repeat(100_000) });
    if (answer.status === 204) ++kept;
    else refusal = answer;
  }
  await server.kill();
  const again = await Server.start({ data });
  const wrong = await missing(again, sandbox, 50);
  for (let n = 0; n < kept; ++n) if ((await again.call('GET', `/sandboxes/${sandbox}/data/big/${n}`)).status !== 200) wrong.push(`big ${n} is gone`);
  if (!refusal || refusal.status !== 503) wrong.push(`refused with ${refusal?.status} ${refusal?.text.slice(0, 300)}`);
  report.check(`a file that may not grow: refused with a clear answer, and nothing acknowledged is missing (${kept} fitted)`, wrong);
  return again.kill();
}

/// An orderly stop while there is load: what it acknowledged is there, and it ends in time.
async function stoppedUnderLoad({ data, report }) {
  const server = await Server.start({ data });
  const sandbox = await fill(server, 20);
  const kept = [];
  let on = true;
  const writers = [...Array(8)].map(async (_, w) => {
    for (let n = 0; on; ++n) {
      const answer = await request(server.url, 'PUT', `/sandboxes/${sandbox}/data/late/${w}-${n}`, { headers: { authorization: `Bearer ${server.key}` }, body: { w, n } }).catch(() => undefined);
      if (!answer) return;
      if (answer.status === 204) kept.push(`${w}-${n}`);
    }
  });
  await pause(300);
  const exit = await server.stop(15_000);
  on = false;
  await Promise.all(writers);
  const again = await Server.start({ data });
  const wrong = exit.code === 0 ? [] : [`the stop ended with ${JSON.stringify(exit)}: ${server.log.slice(-1500)}`];
  for (const key of kept) if ((await again.call('GET', `/sandboxes/${sandbox}/data/late/${key}`)).status !== 200) wrong.push(`${key} was acknowledged and is gone`);
  report.check(`SIGTERM under load: it ends with 0, and nothing acknowledged is missing (${kept.length} writes)`, [...wrong, ...(await followed(again, sandbox)).wrong]);
  await again.kill();
}
