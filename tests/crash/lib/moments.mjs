// Kills that are aimed: during fan-out, redrive, rotation, automatic disable, erasure and prune. That a kill fell where it was aimed the log tells afterwards;
// those that did not are made again.
import { Receiver } from '../../interop/lib/receiver.mjs';
import { Server, freshFolder, removeFolder } from '../../interop/lib/server.mjs';
import { Disable } from './moments/disable.mjs';
import { Erasure } from './moments/erasure.mjs';
import { FanOut } from './moments/fan_out.mjs';
import { Log } from './moments/log.mjs';
import { Prune } from './moments/prune.mjs';
import { Redrive } from './moments/redrive.mjs';
import { Rotation } from './moments/rotation.mjs';
import { Random } from './random.mjs';

export const moments = { 'fan-out': FanOut, redrive: Redrive, rotation: Rotation, disable: Disable, erasure: Erasure, prune: Prune };

const holds = {
  'fan-out': 'every destination got every message, under its one id, and none again that the log had as delivered',
  redrive: 'it went on where it was, took each message that the filter takes once, kept its rate, and nothing else was sent',
  rotation: 'the secret is the one that the log says, what was acknowledged holds, and every delivery verifies for who has the old one',
  disable: 'the rule holds counted from the log, operators were told once, and what came meanwhile arrived',
  erasure: 'what was acknowledged is gone, what nobody asked for is whole, and every gap is named in the log',
  prune: 'what was acknowledged is gone, said once with what it had, every empty place of the log is answered for, and the others are whole',
};

/// Of each moment in `wanted`, `kills` that fell into it.
export async function aimedKills({ seed, kills, wanted, keep, report }) {
  const random = new Random(seed ^ 0xa1b);
  for (const [name, Moment] of Object.entries(moments)) {
    const own = random.fork();
    if (wanted.includes(name)) await aimed({ name, Moment, kills, random: own, keep, report });
  }
}

async function aimed({ name, Moment, kills, random, keep, report }) {
  const data = freshFolder(name);
  const receiver = await Receiver.start();
  receiver.keep = false;
  const stages = new Map(); // where kills fell -> how many
  const wrong = [];
  let fell = 0;
  let all = 0;
  let events = 0;
  let server = await Server.start({ data });
  try {
    while (fell < kills && all < 3 * kills + 10 && wrong.length === 0) {
      const round = new Moment({ receiver, random });
      await round.begin(server);
      for (let n = 0; n < (round.moments ?? 1); ++n) {
        await round.moment(server);
        await server.kill();
        const killed = Date.now();
        ++round.kills;
        ++all;
        server = await Server.start({ data });
        const before = (await Log.read(server, round.sandbox)).before(killed);
        round.noteDelivered(before, killed);
        const stage = round.fell(before, killed);
        if (!stage) continue;
        ++fell;
        stages.set(stage, (stages.get(stage) ?? 0) + 1);
      }
      await round.after(server);
      const log = await Log.read(server, round.sandbox);
      events += log.events.length;
      wrong.push(...round.check(log).map((what) => `round ${round.number}: ${what}`));
    }
    for (const [stage, count] of stages) report.say(`${name}: ${count} kills while ${stage}`);
    if (wrong.length === 0 && fell < kills) wrong.push(`only ${fell} of ${all} kills fell into it`);
    report.check(`${name}: ${fell} of ${all} kills fell into it; ${holds[name]} (${events} events)`, wrong);
  } finally {
    if (!server.exit) await server.kill();
    await receiver.stop();
    if (keep) report.say(`${name}: data kept in ${data}`);
    else removeFolder(data);
  }
}
