// Kills while a recovery takes dead letters by filter, with a rate or as fast as they go; a round is killed more than once.
import { Round } from './round.mjs';

export class Redrive extends Round {
  async begin(server) {
    this.rate = this.random.next() < 0.6 ? this.random.between(30, 80) : undefined;
    this.moments = this.random.between(1, 3);
    const count = this.rate ? this.rate * 4 : 600; // a third of them are taken: pages, not one
    let healthy = false;
    await this.open(server);
    this.to = await this.endpoint(server, 'redriven', () => (healthy ? { status: 200, after: this.random.between(0, 20) } : { status: 500 }), { retrySchedule: [], inFlight: 8 });
    for (let n = 0; n < count; n += 20)
      await Promise.all([...Array(20)].map((_, i) => this.emit(server, (n + i) % 3 === 0 ? 'other' : 'wanted', { amount: (n + i) % 2 })));
    await this.settled(server);
    this.failed = this.receipts.length;
    this.chosen = new Set([...this.asked.values()].filter((w) => w.eventType === 'wanted' && w.body.payload.amount === 1).map((w) => w.nonce));
    healthy = true;
    this.recovery = await server.ask('POST', `/api/v1/app/${this.sandbox}/endpoint/${this.to.id}/recover`, {
      since: '2020-01-01T00:00:00Z', eventTypes: ['wanted'], filter: { 'payload.amount': { $gte: 1 } }, ...(this.rate ? { rate: this.rate } : {}),
    });
    this.at = 0;
  }

  async moment() {
    const left = this.chosen.size - this.at;
    this.at += this.random.between(0, Math.max(0, Math.floor(left / 2)));
    await this.when(`${this.at} are sent again`, () => this.receipts.length - this.failed >= this.at);
  }

  fell(log) {
    if (log.of('recovery.finished').length === 0) return 'it was reading the log for what to take';
    const attempts = log.attempts();
    const ended = this.items(log).filter((i) => attempts.get(`${i.message} ${this.to.id}`)?.some((a) => a.follows === 'delivered')).length;
    return ended < this.chosen.size ? 'all was queued, and not all sent' : undefined;
  }

  items(log) {
    return log.of('recovery.progressed').flatMap((e) => e.payload.items);
  }

  async after(server) {
    await this.settled(server);
    this.end = await server.ask('GET', `/api/v1/app/${this.sandbox}/endpoint/${this.to.id}/recovery/${this.recovery.id}`);
  }

  check(log) {
    const taken = (message) => this.chosen.has(message.nonce);
    const wrong = this.always(log, taken);
    const messages = log.messages();
    const items = this.items(log);
    const names = items.map((i) => messages.get(i.message)?.nonce);
    const seen = new Set(names);
    if (seen.size !== names.length) wrong.push(`${names.length - seen.size} messages were queued twice`);
    for (const nonce of names) if (!this.chosen.has(nonce)) wrong.push(`${nonce} was queued, and the filter does not take it`);
    for (const nonce of this.chosen) if (!seen.has(nonce)) wrong.push(`${nonce} was not queued`);
    const progressed = log.of('recovery.progressed');
    progressed.forEach(({ seq, payload }, i) => {
      if (i > 0 && payload.cursor < progressed[i - 1].payload.cursor) wrong.push(`event ${seq} goes back from ${progressed[i - 1].payload.cursor} to ${payload.cursor}`);
    });
    if (log.of('recovery.started').length !== 1) wrong.push(`${log.of('recovery.started').length} recoveries were started`);
    if (log.of('recovery.finished').length !== 1) wrong.push(`it is said to have ended ${log.of('recovery.finished').length} times`);
    const { queued, delivered } = this.end;
    if (queued !== this.chosen.size || delivered !== this.chosen.size) wrong.push(`the recovery says ${JSON.stringify(this.end)}, chosen were ${this.chosen.size}`);
    for (const { nonce } of this.receipts.slice(this.failed)) if (!this.chosen.has(nonce)) wrong.push(`${nonce} was sent again, and nobody asked for it`);
    // The rate holds across the kills too: each message has its own moment.
    const slots = this.rate ? items.map((i) => i.deliver_at_us).sort((a, b) => a - b) : [];
    for (let i = 1; i < slots.length; ++i)
      if (slots[i] - slots[i - 1] < Math.floor(1e6 / this.rate) - 1) wrong.push(`two messages have moments ${slots[i] - slots[i - 1]} us apart, at ${this.rate}/s`);
    return wrong;
  }
}
