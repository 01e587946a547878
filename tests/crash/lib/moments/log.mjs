// A sandbox's whole log as the API shows it, its chain followed, and what a few questions to it come to.
import { Chain, payloadTexts } from '../chain.mjs';

export class Log {
  /// Reads all of it. `wrong` has what does not verify.
  static async read(server, sandbox) {
    const out = new Log();
    const chain = new Chain(sandbox);
    for (let cursor = ''; ; ) {
      const answer = await server.call('GET', `/sandboxes/${sandbox}/history?order=asc&limit=250${cursor}`);
      if (answer.status !== 200) throw new Error(`the history is ${answer.status} ${answer.text.slice(0, 300)}`);
      const raws = payloadTexts(answer.text);
      answer.json.data.forEach((event, i) => {
        const broken = chain.follow(event, raws[i]);
        if (broken) out.wrong.push(broken);
        out.events.push({ ...event, wall: Date.parse(event.wall_time) });
      });
      if (!answer.json.next_cursor) break;
      cursor = `&cursor=${encodeURIComponent(answer.json.next_cursor)}`;
    }
    out.wrong.push(...chain.unexplained());
    return out;
  }

  constructor(events = []) {
    this.events = events;
    this.wrong = [];
  }

  /// What stood there when the process died at `moment` (its clock is ours).
  before(moment) {
    return new Log(this.events.filter((e) => e.wall <= moment));
  }

  of(type) {
    return this.events.filter((e) => e.type === type);
  }

  /// Message id -> { nonce, destinations, seq }, without those about the webhooks themselves.
  messages() {
    return new Map(this.of('message.created').filter((e) => !e.payload.operational)
      .map(({ seq, payload }) => [payload.id, { seq, nonce: payload.body?.nonce, type: payload.event_type, destinations: payload.destinations }]));
  }

  /// "message destination" -> its attempts, in order.
  attempts() {
    const out = new Map();
    for (const { seq, payload } of this.of('attempt.finished')) {
      const pair = `${payload.message} ${payload.destination}`;
      if (!out.has(pair)) out.set(pair, []);
      out.get(pair).push({ seq, ...payload });
    }
    return out;
  }
}
