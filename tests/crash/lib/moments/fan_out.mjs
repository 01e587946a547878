// Kills while a message is on its way to its destinations: some have it, some do not.
import { Round } from './round.mjs';

const width = 40;

export class FanOut extends Round {
  async begin(server) {
    await this.open(server);
    for (let n = 0; n < width; ++n) {
      const slow = n % 4 === 0 ? this.random.between(1, 30) : 0;
      await this.endpoint(server, `to-${n}`, () => ({ status: 200, after: slow }), { inFlight: 4 });
    }
  }

  /// As soon as one of the messages has come to so many destinations, and not to the others.
  async moment(server) {
    let on = true;
    const clients = [...Array(4)].map(async () => {
      while (on) await this.emit(server, 'fan.out', { filler: 'f'.repeat(this.random.between(0, 400)) }).catch(() => (on = false));
    });
    const wanted = this.random.between(1, width - 1);
    const messages = this.random.between(1, 12);
    const seen = new Map();
    let counted = 0;
    await this.when('a message is half delivered', () => {
      for (; counted < this.receipts.length; ++counted) seen.set(this.receipts[counted].id, (seen.get(this.receipts[counted].id) ?? 0) + 1);
      return seen.size >= messages && seen.get(this.receipts.at(-1).id) === wanted;
    });
    this.stop = () => {
      on = false;
      return Promise.all(clients);
    };
  }

  fell(log, killed) {
    const attempts = log.attempts();
    let stage;
    for (const [id, { destinations }] of log.messages()) {
      const had = new Set(this.receipts.filter((r) => r.id === id && r.at <= killed).map((r) => r.path)).size;
      const logged = destinations.filter((d) => attempts.has(`${id} ${d}`)).length;
      if (logged > 0 && logged < width) return 'some destinations were in the log, others not';
      if (had > 0 && had < width) stage = 'some destinations had it, and the log of none';
    }
    return stage;
  }

  async after(server) {
    await this.stop();
    await this.askAgain(server);
    await this.settled(server);
  }

  check(log) {
    return this.always(log);
  }
}
