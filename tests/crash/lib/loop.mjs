// Kill it at a random moment under load, start it again, and so on; then let everything settle and look.
import { pause, until } from '../../interop/lib/http.mjs';
import { Server, freshFolder, removeFolder } from '../../interop/lib/server.mjs';
import { Ledger } from './ledger.mjs';
import { Load } from './load.mjs';
import { Random } from './random.mjs';
import { Receivers } from './receivers.mjs';
import { Verifier } from './verify.mjs';

export async function killLoop({ seed, kills, kafka, keep, report, runTool }) {
  const random = new Random(seed);
  const ledger = new Ledger();
  const receivers = await Receivers.start(ledger);
  const load = new Load({ ledger, random: random.fork(), receivers });
  const verifier = new Verifier(ledger);
  const data = freshFolder('crash');
  // Passivation is quick, so that sandboxes sleep and wake between the kills too. A topic of its own: a broker may be used by many runs.
  const topic = `hourglass.crash.${Date.now().toString(36)}`;
  const args = ['--passivate-after', '1', ...(kafka ? ['--kafka', kafka, '--kafka-topic', topic] : [])];
  const startTimes = [];
  let running;
  const start = async () => {
    const from = Date.now();
    const server = (running = await Server.start({ data, args }));
    startTimes.push(Date.now() - from);
    return server;
  };
  const chaos = random.fork();
  let kill = 0;
  let frozen = false; // the server died with all clocks standing
  try {
    while (kill < kills) {
      if (chaos.next() < 0.1) {
        // In the middle of a start, or while the sandboxes that have something due wake: recovery must be able to begin again.
        const early = new Server({ data, args });
        await pause(chaos.between(0, chaos.next() < 0.5 ? 120 : 1500));
        await early.kill();
        ++kill;
        continue;
      }
      const server = await start();
      // No visitor before that: one who touches a sandbox wakes it, and would hide that nobody else did.
      await verifier.untilNothingIsDue(server);
      if (verifier.wrong.length > 0) break;
      if (frozen) {
        load.url = server.url;
        await load.resumeAll();
      }
      load.start(server.url);
      // Half of the kills while the sandboxes may still be waking, half under full load, however slow the machine is today: a script's worker may take
      // longer to start than most rounds last.
      const before = ledger.counts.acknowledged;
      const underLoad = () => ledger.counts.acknowledged > before && ledger.counts.scripted > 0;
      if (chaos.next() < 0.5 || ledger.counts.scripted === 0)
        await until('something is acknowledged, and some script has answered', () => server.exit || underLoad(), 60_000).catch(async (error) => {
          const metrics = await server.call('GET', '/metrics').catch(() => undefined);
          throw new Error(`${error.message}\nunder way: ${[...load.underWay.values()].join(', ')}\n${server.log.slice(-3000)}\n${metrics?.text.replace(/^#.*\n/gm, '')}`);
        });
      await pause(chaos.between(50, 1500));
      if (server.exit) throw new Error(`the server ended by itself: ${JSON.stringify(server.exit)}\n${server.log}`);
      frozen = kill % 10 === 4;
      if (frozen) {
        await load.stop();
        await load.emitFrozen(chaos);
      }
      await Promise.all([server.kill(), load.stop()]);
      ++kill;
      if (kill % 10 === 0 || kill === kills) {
        const looking = await start();
        await verifier.untilNothingIsDue(looking);
        await looking.kill();
        report.say(`${kill} kills, ${ledger.counts.acknowledged} changes and requests acknowledged (${ledger.counts.replayed} with the answer of the first time), ${verifier.events} events, ` +
          `${ledger.deliveries.size} messages received, start ${Math.max(...startTimes.slice(-10))} ms at most`);
        if (verifier.wrong.length > 0) break; // the sooner it ends, the less there is to read
      }
    }
    await load.finish();
    report.check(`${kill} kills: nothing acknowledged is missing, seq has no gap, every chain verifies (${verifier.events} events)`, verifier.wrong);
    report.check(`no request whose script emitted is without its messages or has one too many (${verifier.scripted} such requests)`,
      verifier.scripted > 0 ? verifier.unsent : ['no script has emitted anything, so nothing was checked']);
    report.check('no answer was wrong', ledger.trouble);
    if (verifier.wrong.length > 0) return;
    await settleAndLook({ start, verifier, ledger, random, report, kafka, topic, runTool });
  } finally {
    if (running && !running.exit) await running.kill();
    await load.finish();
    await receivers.stop();
    if (keep) report.say(`data kept in ${data}`);
    else removeFolder(data);
  }
}

async function settleAndLook({ start, verifier, ledger, random, report, kafka, topic, runTool }) {
  const server = await start();
  try {
    await verifier.untilNothingIsDue(server);
    report.check('what was due at the last kill happened, though nobody visited', verifier.wrong);
    await Promise.all([...ledger.sandboxes.keys()].map((id) => settle(server, id)));
    await verifier.everything(server);
    report.check('after the last kill too nothing is missing and every chain verifies', verifier.wrong);
    report.check(`every message ended delivered or dead (${verifier.messages.size} messages)`, verifier.messagesEnded());
    report.check(`no message came under two ids, none that is not in the log, none recorded as delivered that was not (${ledger.deliveries.size} received)`, verifier.deliveriesHold());
    report.check('the state is the fold of the log, and has every acknowledged value', await verifier.stateHolds(server));
    report.check('recorded requests replay byte for byte', await verifier.replaysHold(server, random));
    if (kafka) await kafkaHolds({ server, verifier, report, kafka, topic, runTool });
    const exit = await server.stop();
    report.check('an orderly stop ends with 0', exit.code === 0 ? [] : [`${JSON.stringify(exit)}\n${server.log}`]);
    const again = await start();
    await verifier.everything(again);
    report.check('and nothing is lost by it', verifier.wrong);
    await again.stop();
  } finally {
    if (!server.exit) await server.kill();
  }
}

/// Time goes on until nothing is pending.
async function settle(server, sandbox) {
  const base = `/sandboxes/${sandbox}`;
  await server.call('POST', `${base}/clock/resume`);
  await until(`${sandbox} has nothing pending`, async () => {
    const state = await server.ask('GET', `${base}/state`);
    const { pendingDeliveries, recoveries } = state.outbox;
    if (pendingDeliveries === 0 && recoveries.every((r) => r.status !== 'running') && state.clock.mode !== 'advancing') return true;
    const answer = await server.call('POST', `${base}/clock/advance`, { by: '24h' }, { headers: { prefer: 'wait=20' } });
    if (![200, 202, 409].includes(answer.status)) throw new Error(`the clock: ${answer.status} ${answer.text}`);
    return false;
  }, 180_000);
}

async function kafkaHolds({ server, verifier, report, kafka, topic, runTool }) {
  const name = 'the Kafka topic holds the same chains, so it folds to the same state';
  if (!runTool) return report.check(name, 'there is no crash_tool: build it, or set HOURGLASS_CRASH_TOOL');
  await until('the export has caught up', async () => {
    const metrics = await server.call('GET', '/metrics');
    return /^hourglass_kafka_lag_events(?:\{[^}]*\})? 0$/m.test(metrics.text);
  }, 120_000);
  const wrong = [];
  const seen = new Map();
  const lines = runTool('topic', kafka, topic).trim().split('\n');
  for (const line of lines) {
    const [sandbox, seq, link] = line.split(' ');
    const links = verifier.links.get(sandbox);
    seen.set(sandbox, Math.max(seen.get(sandbox) ?? 0, Number(seq)));
    if (links && links[Number(seq) - 1] !== link) wrong.push(`${sandbox} ${seq}: the topic has another event`);
  }
  for (const [sandbox, links] of verifier.links) if ((seen.get(sandbox) ?? 0) < links.length) wrong.push(`${sandbox}: the topic ends at ${seen.get(sandbox)}, the log at ${links.length}`);
  return report.check(`${name} (${lines.length} events)`, wrong);
}
