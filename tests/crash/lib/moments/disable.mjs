// Kills while a destination that fails is disabled by its rule, probed, and recovers by itself; a round is killed up to three times.
import { pause, until } from '../../../interop/lib/http.mjs';
import { Round } from './round.mjs';

const failures = 6;

export class Disable extends Round {
  async begin(server) {
    await this.open(server);
    this.healthy = false;
    this.moments = this.random.between(1, 3);
    this.turn = 0;
    this.to = await this.endpoint(server, 'failing', () => ({ status: this.healthy ? 200 : 500, after: this.random.between(0, 3) }),
      { retrySchedule: Array(40).fill(1), inFlight: 2, protection: { disable: { failures, after: 0, probe: 1 } } });
    this.notices = [];
    const told = this.receiver.at(`/${this.number}/told`, (incoming, response, { headers, body }) => {
      this.notices.push({ id: headers['webhook-id'], type: JSON.parse(body).type });
      response.writeHead(204).end();
    });
    await server.ask('POST', `/api/v1/app/${this.sandbox}/endpoint`, { url: told, operational: true });
  }

  /// First about the failure that disables it, then while it is probed, then while what it missed goes out.
  async moment(server) {
    if (this.turn++ === 0) {
      const due = this.random.between(failures - 2, failures + 1);
      for (let n = 0; n < 10; ++n) this.emit(server, 'failing').catch(() => {}); // asked again after the kill
      await this.when(`${due} have failed`, () => this.receipts.length >= due);
      return this.random.next() < 0.5 ? undefined : pause(this.random.between(0, 4));
    }
    if (this.turn === 2) {
      for (let n = 0; n < 10; ++n) await this.emit(server, 'missed'); // it is disabled, or will be in a second
      return pause(this.random.between(0, 1200)); // some of them while a probe goes
    }
    await this.disabled(server);
    this.healthy = true;
    const before = this.receipts.length;
    const share = this.random.between(1, 6);
    return this.when('a probe has gone through', () => this.receipts.length >= before + share);
  }

  disabled(server) {
    return until('it is disabled', async () => (await server.ask('GET', `/api/v1/app/${this.sandbox}/endpoint/${this.to.id}`)).disabled);
  }

  fell(log) {
    const offs = log.of('destination.disabled').length;
    const ons = log.of('destination.recovered').length;
    if (ons > 0) return log.of('recovery.finished').length === 0 || this.unsent(log) ? 'what it missed was going out' : undefined;
    if (offs > 0) return 'it was disabled, and waited for its probe';
    const failed = log.of('attempt.finished').filter((e) => e.payload.destination === this.to.id).length;
    return failed > 0 || this.receipts.length > 0 ? 'it was about to be disabled' : undefined;
  }

  unsent(log) {
    const attempts = log.attempts();
    return [...log.messages().keys()].some((id) => !attempts.get(`${id} ${this.to.id}`)?.some((a) => a.follows === 'delivered'));
  }

  async after(server) {
    if (!this.healthy) {
      await this.disabled(server);
      await this.emit(server, 'missed'); // so that there is something that it misses
      this.healthy = true;
    }
    await this.askAgain(server);
    await until('it is enabled again, and all is sent', async () => {
      const state = await this.stands(server);
      const { disabled } = await server.ask('GET', `/api/v1/app/${this.sandbox}/endpoint/${this.to.id}`);
      return !disabled && state.pendingDeliveries === 0 && state.recoveries.every((r) => r.status !== 'running');
    }, 60_000);
  }

  check(log) {
    const wrong = this.always(log);
    // A message of the time in which it was disabled has no destination when it is made, and gets there all the same.
    const attempts = log.attempts();
    for (const [id, { nonce }] of log.messages()) {
      const arrived = (attempts.get(`${id} ${this.to.id}`) ?? []).filter((a) => a.follows === 'delivered').length;
      if (arrived !== 1) wrong.push(`${nonce} (${id}) arrived ${arrived} times`);
    }
    // The rule, counted again from the log alone: no failure is forgotten by a kill, and none counted twice.
    let inARow = 0;
    let off = false;
    let due = false;
    for (const { seq, type, payload } of log.events) {
      if (type === 'message.created' && payload.operational) continue;
      if (due && type !== 'destination.disabled') wrong.push(`event ${seq} follows the failure that disables, and is ${type}`);
      if (type === 'destination.disabled') {
        if (!due) wrong.push(`event ${seq} disables after ${inARow} failures in a row`);
        due = false;
        off = true;
      } else if (type === 'destination.recovered') {
        if (!off) wrong.push(`event ${seq} enables what was not disabled`);
        off = false;
        inARow = 0;
      } else if (type === 'attempt.finished' && payload.destination === this.to.id) {
        inARow = payload.follows === 'delivered' ? 0 : inARow + 1;
        due = !off && inARow >= failures;
      }
    }
    if (off) wrong.push('it is disabled at the end');
    for (const [event, type] of [['destination.disabled', 'endpoint.disabled'], ['destination.recovered', 'endpoint.recovered']]) {
      const told = new Set(this.notices.filter((n) => n.type === type).map((n) => n.id)).size;
      if (told !== log.of(event).length) wrong.push(`${log.of(event).length} times ${event}, and ${told} notices`);
    }
    return wrong;
  }
}
