// What every aimed kill has in common: a sandbox of its own, messages under nonces, receipts, and what must hold of them whatever the moment was.
import { request, until } from '../../../interop/lib/http.mjs';
import { adminKey } from '../../../interop/lib/server.mjs';

let numbers = 0;

export class Round {
  constructor({ receiver, random }) {
    Object.assign(this, { receiver, random });
    this.number = ++numbers;
    this.kills = 0;
    this.asked = new Map(); // nonce -> what was sent, and `id` once it is acknowledged
    this.receipts = []; // { path, id, nonce, fine, at, headers, body }
    this.paths = new Map(); // path -> endpoint id
    this.trouble = [];
    this.delivered = new Map(); // pair -> the kill before which the log had it as delivered
  }

  async open(server) {
    this.sandbox = (await server.ask('POST', '/sandboxes', { name: `round ${this.number}` })).id;
  }

  /// An endpoint at `name`, answered by what `answer()` gives: { status, after: ms }.
  async endpoint(server, name, answer, more = {}) {
    const path = `/${this.number}/${name}`;
    const url = this.receiver.at(path, (incoming, response, delivery) => {
      const { status, after = 0 } = answer();
      this.received(delivery, status < 300); // before the answer leaves: what the server records as delivered was delivered
      if (after > 0) setTimeout(() => response.writeHead(status).end('said'), after);
      else response.writeHead(status).end('said');
    });
    const made = await server.ask('POST', `/api/v1/app/${this.sandbox}/endpoint`, { url, ...more });
    this.paths.set(path, made.id);
    return made;
  }

  received({ path, headers, body, at }, fine) {
    let nonce;
    try {
      nonce = JSON.parse(body).nonce;
    } catch {
      this.trouble.push(`${path} got what was never sent: ${body.slice(0, 100)}`);
    }
    this.receipts.push({ path, id: headers['webhook-id'], nonce, fine, at, headers, body });
    if (this.watch?.question()) this.watch.resolve();
  }

  /// Waits until `question`, asked at every receipt, says yes: a kill is aimed by it, so it must not come a tick later.
  when(what, question) {
    if (question()) return undefined;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited in vain: ${what}`)), 30_000);
      this.watch = { question, resolve: () => (clearTimeout(timer), (this.watch = undefined), resolve()) };
    });
  }

  /// With its key: after a kill it may be asked again, and is the same message.
  async emit(server, eventType, more = {}) {
    const nonce = `n${this.number}-${this.asked.size + 1}`;
    const what = { nonce, eventType, body: { eventType, payload: { nonce, ...more } } };
    this.asked.set(nonce, what);
    return this.ask(server, what);
  }

  async ask(server, what) {
    const answer = await request(server.url, 'POST', `/api/v1/app/${this.sandbox}/msg`, {
      headers: { authorization: `Bearer ${adminKey}`, 'idempotency-key': what.nonce }, body: what.body,
    });
    if (answer.status === 202) what.id = answer.json.id;
    else if (answer.status !== 503) this.trouble.push(`an emit: ${answer.status} ${answer.text.slice(0, 200)}`);
    return answer;
  }

  /// What a kill left without an answer is asked again.
  async askAgain(server) {
    for (const what of this.asked.values()) if (!what.id) await this.ask(server, what);
  }

  async stands(server) {
    return (await server.ask('GET', `/sandboxes/${this.sandbox}/state`)).outbox;
  }

  /// Everything has ended by itself.
  settled(server, patience = 60_000) {
    return until(`sandbox ${this.sandbox} has nothing pending`, async () => {
      const { pendingDeliveries, recoveries } = await this.stands(server);
      return pendingDeliveries === 0 && recoveries.every((r) => r.status !== 'running');
    }, patience);
  }

  /// What the log had as delivered when the process died must never come again.
  noteDelivered(log, killed) {
    for (const [pair, made] of log.attempts())
      if (!this.delivered.has(pair) && made.some((a) => a.follows === 'delivered')) this.delivered.set(pair, killed);
  }

  /// Nothing lost, nothing under a new id, nothing again that was recorded as delivered. `owes(message, destination)` says which deliveries must have arrived.
  always(log, owes = () => true) {
    const wrong = [...log.wrong, ...this.trouble];
    const messages = log.messages();
    const attempts = log.attempts();
    const ids = new Map(); // nonce -> ids in the log
    for (const [id, { nonce }] of messages) ids.set(nonce, [...(ids.get(nonce) ?? []), id]);
    for (const { nonce, id } of this.asked.values()) {
      const there = ids.get(nonce) ?? [];
      if (there.length !== 1) wrong.push(`${nonce} stands in the log ${there.length} times`);
      else if (id && there[0] !== id) wrong.push(`${nonce} was acknowledged as ${id} and is ${there[0]} in the log`);
    }
    const got = new Map(); // pair -> receipts
    for (const { path, id, nonce, fine, at } of this.receipts) {
      const message = messages.get(id);
      if (!message) wrong.push(`${path} got ${id}, which is not in the log`);
      else if (message.nonce !== nonce) wrong.push(`${path} got ${nonce} under ${id}, which is ${message.nonce}`);
      const pair = `${id} ${this.paths.get(path)}`;
      if (this.delivered.get(pair) < at) wrong.push(`${path} got ${nonce} (${id}) again after a kill, before which it was recorded as delivered`);
      const now = got.get(pair) ?? { count: 0, fine: 0 };
      got.set(pair, { count: now.count + 1, fine: now.fine + (fine ? 1 : 0) });
    }
    for (const [id, { nonce, destinations }] of messages)
      for (const destination of destinations) {
        const pair = `${id} ${destination}`;
        const made = attempts.get(pair) ?? [];
        const delivered = made.filter((a) => a.follows === 'delivered').length;
        const { count, fine } = got.get(pair) ?? { count: 0, fine: 0 };
        if (delivered > fine) wrong.push(`${nonce} (${id}) is recorded ${delivered} times as delivered at ${destination}, which took it ${fine} times`);
        if (owes({ id, nonce }, destination) && delivered !== 1) wrong.push(`${nonce} (${id}) is recorded ${delivered} times as delivered at ${destination}`);
        // An attempt whose end the kill swallowed is made again; any other has its event.
        if (count > made.length + this.kills) wrong.push(`${nonce} (${id}) came ${count} times to ${destination}, with ${made.length} attempts in the log and ${this.kills} kills`);
      }
    return wrong;
  }
}
