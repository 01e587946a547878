// Reads a sandbox's whole history through the API and holds it against the ledger. Goes on where it ended the last time.
import { until } from '../../interop/lib/http.mjs';
import { Chain, payloadTexts } from './chain.mjs';
import { Pending } from './pending.mjs';

export class Verifier {
  constructor(ledger) {
    this.ledger = ledger;
    this.chains = new Map();
    this.links = new Map(); // sandbox -> [link of seq 1, 2, …], for the topic
    this.messages = new Map(); // message id -> { sandbox, destinations, ends: Map(endpoint -> follows) }
    this.pending = new Map(); // sandbox -> Pending
    this.emitted = new Map(); // correlation -> { sandbox, seq, missing: [event type] } of served requests whose script emitted
    this.delivered = []; // { message, url } of attempts that are recorded as delivered
    this.events = 0;
    this.unsent = []; // what is wrong with them
    this.scripted = 0; // served requests whose script emitted
    this.wrong = [];
  }

  note(what) {
    if (this.wrong.length < 50) this.wrong.push(what);
    else if (this.wrong.length === 50) this.wrong.push('… and more');
  }

  async everything(server) {
    for (const book of this.ledger.sandboxes.values()) await this.sandbox(server, book);
  }

  async sandbox(server, book) {
    const chain = this.chains.get(book.id) ?? new Chain(book.id);
    this.chains.set(book.id, chain);
    if (!this.pending.has(book.id)) this.pending.set(book.id, new Pending());
    const links = this.links.get(book.id) ?? [];
    this.links.set(book.id, links);
    for (let cursor; ; ) {
      const query = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
      const answer = await server.call('GET', `/sandboxes/${book.id}/history?order=asc&limit=250&after_seq=${chain.seq}${query}`);
      if (answer.status !== 200) {
        this.note(`${book.id}: the history after ${chain.seq} is ${answer.status} ${answer.text.slice(0, 200)}`);
        return;
      }
      const raws = payloadTexts(answer.text);
      answer.json.data.forEach((event, i) => {
        const broken = chain.follow(event, raws[i]);
        if (broken) this.note(`${book.id}: ${broken}`);
        links.push(event.link);
        ++this.events;
        this.take(book, event, raws[i]);
      });
      cursor = answer.json.next_cursor;
      if (!cursor) break;
    }
    // What was acknowledged before this look began, and is not in the log.
    for (const [correlation, { type }] of book.owed) this.note(`${book.id}: ${type} of ${correlation} was acknowledged and is not in the history`);
    book.owed.clear();
    // Answered or not: a request whose script emitted stands in the log with its messages, or not at all.
    for (const [correlation, { sandbox, seq, missing }] of this.emitted)
      if (sandbox === book.id) {
        this.unsent.push(`${book.id}: the script of request ${seq} (${correlation}) emitted ${missing.join(', ')}, which is not in the history`);
        this.note(this.unsent.at(-1));
        this.emitted.delete(correlation);
      }
  }

  /// Waits until everything that was due when it was called has happened, and touches no sandbox: whoever sleeps must be woken by the server.
  async untilNothingIsDue(server) {
    const now = Date.now() * 1000;
    const due = () => [...this.pending].flatMap(([sandbox, pending]) => pending.due(now).map((what) => `${sandbox}: ${what}`));
    const done = async () => {
      await this.everything(server);
      return this.wrong.length > 0 || due().length === 0;
    };
    await until('what is due happens', done, 60_000).catch((error) => due().forEach((what) => this.note(`${error.message}: ${what}`)));
  }

  take(book, event, raw) {
    this.pending.get(book.id).take(event);
    const owed = book.owed.get(event.correlation_id);
    if (owed && owed.type === event.type) {
      if (owed.check && !owed.check(event, raw)) this.note(`${book.id}: event ${event.seq} is not what was acknowledged under ${event.correlation_id}`);
      book.owed.delete(event.correlation_id);
    }
    if (event.type === 'data.put' && event.payload.namespace === 'counters' && event.payload.value !== ++book.counter)
      this.note(`${book.id}: event ${event.seq} counts ${event.payload.value} after ${book.counter - 1}`);
    if (event.type === 'request.served' && event.payload.script?.emitted) {
      ++this.scripted;
      this.emitted.set(event.correlation_id, { sandbox: book.id, seq: event.seq, missing: [...event.payload.script.emitted] });
    }
    if (event.type === 'message.created') {
      this.arrived(event);
      this.messages.set(event.payload.id, { sandbox: book.id, destinations: event.payload.destinations, ends: new Map() });
    } else if (event.type === 'attempt.finished') {
      const { message, destination, follows, url, detached } = event.payload;
      const entry = this.messages.get(message);
      if (!entry) return this.note(`${book.id}: event ${event.seq} is an attempt of ${message}, which is not in the history`);
      if (follows === 'delivered') this.delivered.push({ message, path: new URL(url).pathname });
      // A manual attempt that failed changes nothing, what was taken back decides nothing, and delivered stays delivered.
      if (!detached && follows !== 'failed' && entry.ends.get(destination) !== 'delivered') entry.ends.set(destination, follows);
    }
    return undefined;
  }

  /// A message, perhaps of a script.
  arrived({ correlation_id: correlation, payload }) {
    const request = this.emitted.get(correlation);
    const at = request ? request.missing.indexOf(payload.event_type) : -1;
    if (at < 0) return;
    request.missing.splice(at, 1);
    if (request.missing.length === 0) this.emitted.delete(correlation);
  }

  /// To be called once nothing is pending any more.
  messagesEnded() {
    const wrong = [];
    for (const [id, { sandbox, destinations, ends }] of this.messages)
      for (const destination of destinations)
        if (!['delivered', 'dead'].includes(ends.get(destination))) wrong.push(`${sandbox}: ${id} ended ${ends.get(destination) ?? 'without an attempt'} at ${destination}`);
    for (const book of this.ledger.sandboxes.values())
      for (const id of book.messages.keys()) if (!this.messages.has(id)) wrong.push(`${book.id}: ${id} was acknowledged and is not in the history`);
    return wrong;
  }

  deliveriesHold() {
    const wrong = [];
    for (const { message, path } of this.delivered)
      if (!this.ledger.deliveries.get(message)?.fine.has(path)) wrong.push(`${message} is recorded as delivered to ${path}, which never took it`);
    for (const [id, { nonces }] of this.ledger.deliveries) {
      if (!this.messages.has(id)) wrong.push(`the receivers got ${id}, which is not in any history`);
      if (nonces.size !== 1) wrong.push(`${id} came with ${nonces.size} different payloads`);
    }
    for (const [nonce, ids] of this.ledger.nonces) if (ids.size !== 1) wrong.push(`${nonce} came under ${ids.size} ids: ${[...ids]}`);
    return wrong;
  }

  async stateHolds(server) {
    const wrong = [];
    for (const book of this.ledger.sandboxes.values()) {
      const state = await server.ask('GET', `/sandboxes/${book.id}/state`);
      const chain = this.chains.get(book.id);
      if (state.seq !== chain.seq || state.link !== chain.link) wrong.push(`${book.id}: the state stands at ${state.seq}, the history ends at ${chain.seq}`);
      for (const [key, { certain, possible }] of book.values) {
        const live = await server.call('GET', `/sandboxes/${book.id}/data/orders/${key}`);
        const got = live.status === 404 ? undefined : live.json.nonce;
        if (![certain, ...possible].includes(got)) wrong.push(`${book.id}: ${key} is ${got}, acknowledged was ${certain}`);
        if (state.data.data.orders?.[key]?.nonce !== got) wrong.push(`${book.id}: the fold of the log has ${key} = ${state.data.data.orders?.[key]?.nonce}, the sandbox ${got}`);
      }
    }
    return wrong;
  }

  async replaysHold(server, random) {
    const wrong = [];
    for (const book of this.ledger.sandboxes.values())
      for (let n = 0; n < 5 && book.requests.length > 0; ++n) {
        const id = random.one(book.requests);
        const replay = await server.call('POST', `/sandboxes/${book.id}/requests/${id}/replay`);
        if (replay.status !== 200 || !replay.json.identical) wrong.push(`${book.id}: the replay of ${id}: ${replay.status} ${JSON.stringify(replay.json?.differences ?? replay.text)}`);
      }
    return wrong;
  }
}
