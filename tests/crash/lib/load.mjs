// Mixed load: everything that changes a sandbox, from several clients at once. What is acknowledged goes into the ledger.
import { pause, request, until } from '../../interop/lib/http.mjs';
import { adminKey } from '../../interop/lib/server.mjs';

const template = {
  method: 'POST', path: '/orders/{id}',
  response: { status: 201, template: true, body: '{"id": {{request.path.id}}, "nonce": {{request.query.nonce}}, "dice": {{random(1, 1000000)}}, "kept": {{data.orders[request.path.id]}}}' },
};
const scripted = {
  method: 'POST', path: '/scripted',
  handler: { script: `
    const n = ($func.mock.find('counters', 'all') ?? 0) + 1;
    $func.mock.put('counters', 'all', n);
    $func.sbx.webhook.emit('order.made', {nonce: $req.query.nonce});
    $func.sbx.webhook.emit('order.counted', {nonce: $req.query.nonce + '-counted', n});
    $resp.status = 201;
    $resp.body = {n, nonce: $req.query.nonce, dice: Math.random()};` },
};
const document = JSON.stringify({
  openapi: '3.0.0', info: { title: 'imported', version: '1' },
  paths: { '/imported': { get: { operationId: 'get', responses: { 200: { description: 'ok', content: { 'application/json': { example: { imported: true } } } } } } } },
});

export class Load {
  constructor({ ledger, random, receivers, clients = 10 }) {
    Object.assign(this, { ledger, receivers });
    this.number = 0;
    this.run = Math.floor(random.next() * 0xffffffff).toString(36);
    this.running = false;
    this.active = 0;
    this.again = []; // emits with a key that nobody answered
    this.underWay = new Map(); // nonce -> what is asked
    this.url = undefined;
    this.clients = [...Array(clients)].map((_, n) => this.client(n, random.fork()));
  }

  start(url) {
    this.url = url;
    this.running = true;
  }

  /// Nothing new is sent. What is under way ends by itself when the server does; then every answer that came is in the ledger.
  async stop() {
    this.running = false;
    await until('every call has ended', () => this.active === 0, 30_000);
  }

  async client(number, random) {
    for (;;) {
      if (this.ended) return;
      if (!this.running) {
        await pause(5);
        continue;
      }
      ++this.active;
      try {
        await this.step(number, random);
      } catch (error) {
        if (!error.code && !/cut off|no answer|socket hang up/.test(error.message)) throw error;
        await pause(2);
      } finally {
        --this.active;
      }
      await pause(random.between(0, 12));
    }
  }

  async finish() {
    this.ended = true;
    await Promise.all(this.clients);
  }

  nonce() {
    return `n-${this.run}-${++this.number}`;
  }

  /// Sends; `acknowledged` is called on a 2xx. A 503 changed nothing unless it says `abandoned`.
  async send(method, path, body, nonce, acknowledged, { mock = false, key, refused = () => {} } = {}) {
    const headers = { 'x-correlation-id': nonce };
    if (key) headers['idempotency-key'] = key;
    if (!mock) headers.authorization = `Bearer ${adminKey}`;
    let answer;
    this.underWay.set(nonce, `${method} ${path}`);
    try {
      answer = await request(this.url, method, path, { headers, body, timeout: 20_000 });
    } catch (error) {
      if (/no answer/.test(error.message)) this.ledger.trouble.push(`${method} ${path}: no answer in 20 s`);
      ++this.ledger.counts.unknown;
      throw error;
    } finally {
      this.underWay.delete(nonce);
    }
    if (answer.status < 300) {
      ++this.ledger.counts.acknowledged;
      acknowledged(answer);
    } else {
      ++this.ledger.counts.refused;
      const abandoned = answer.status === 503 && /abandoned/.test(answer.text);
      if (!abandoned) refused(answer);
      if (answer.status >= 500 && answer.status !== 503) this.ledger.trouble.push(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 300)}`);
    }
    return answer;
  }

  book(random) {
    const books = [...this.ledger.sandboxes.values()].filter((b) => !b.deleted && b.ready);
    return books.length === 0 ? undefined : random.one(books);
  }

  async step(client, random) {
    if (this.again.length > 0) return this.emitOnce(this.again.shift());
    const book = this.book(random);
    if (!book || (this.ledger.sandboxes.size < 8 && random.next() < 0.02)) return this.createSandbox(random);
    const dice = random.next();
    if (dice < 0.2) return this.serve(book, random);
    if (dice < 0.3) return this.script(book);
    if (dice < 0.5) return this.put(book, client, random);
    if (dice < 0.75) return this.emit(book, random);
    if (dice < 0.82) return this.env(book, random);
    if (dice < 0.88) return this.clock(book, random);
    if (dice < 0.92) return this.resend(book, random);
    if (dice < 0.94) return this.define(book, random);
    if (dice < 0.96) return this.change(book, random);
    if (dice < 0.97) return this.recover(book, random);
    if (dice < 0.98) return this.importDocument(book);
    return this.look(book, random);
  }

  async createSandbox(random) {
    const nonce = this.nonce();
    let book;
    await this.send('POST', '/sandboxes', { name: nonce, uid: nonce }, nonce, (answer) => {
      book = this.ledger.open(answer.json.id);
      book.owe(nonce, 'sandbox.created');
    });
    if (!book) return;
    try {
      for (const kind of ['healthy', 'flaky', 'broken']) {
        const made = this.nonce();
        const path = `/${kind}/${book.id}`;
        const more = kind === 'broken' ? { retrySchedule: [5, 60] } : {};
        await this.send('POST', `/api/v1/app/${book.id}/endpoint`, { url: this.receivers.at(path, this.receivers.behaviour(kind, random)), ...more }, made, (answer) => {
          book.owe(made, 'destination.created');
          book.endpoints.push({ id: answer.json.id, path, kind });
        });
      }
      const made = this.nonce();
      await this.send('POST', `/sandboxes/${book.id}/endpoints`, template, made, () => book.owe(made, 'endpoint.put'));
      const handler = this.nonce();
      await this.send('POST', `/sandboxes/${book.id}/endpoints`, scripted, handler, () => book.owe(handler, 'endpoint.put'));
    } finally {
      book.ready = true; // with the endpoints it got before a kill
    }
  }

  serve(book, random) {
    const nonce = this.nonce();
    const path = random.next() < 0.9 ? `/orders/${random.between(1, 20)}?nonce=${nonce}` : `/nothing/${nonce}`;
    return this.send('POST', `/s/${book.id}${path}`, { nonce }, nonce, () => {}, { mock: true }).then((answer) => {
      const id = answer.headers['x-request-id'];
      if (!id) return;
      // A 404 of the mock is an answer of the sandbox, and recorded like any other.
      book.owe(nonce, 'request.served', (event) => event.entities.includes(id));
      if (answer.status === 201 && answer.json?.nonce !== nonce) this.ledger.trouble.push(`a mock answer has another request's nonce: ${answer.text}`);
      book.requests.push(id);
    });
  }

  /// Counts and emits: the answer must come after both are durable, and no two answers have the same number.
  script(book) {
    const nonce = this.nonce();
    return this.send('POST', `/s/${book.id}/scripted?nonce=${nonce}`, { nonce }, nonce, () => {}, { mock: true }).then((answer) => {
      if (answer.status !== 201) return;
      ++this.ledger.counts.scripted;
      book.owe(nonce, 'message.created', (event, payload) => payload.includes(nonce));
      const { n } = answer.json;
      if (answer.json.nonce !== nonce) this.ledger.trouble.push(`a script answered with another request's nonce: ${answer.text}`);
      if (book.counted.has(n)) this.ledger.trouble.push(`${book.id}: two requests counted ${n}`);
      book.counted.add(n);
      book.requests.push(answer.headers['x-request-id']);
    });
  }

  put(book, client, random) {
    const nonce = this.nonce();
    const key = `${client}-${random.between(1, 10)}`; // each client has its own keys, so their order is known
    book.writing(key, nonce);
    const value = { nonce, filler: 'x'.repeat(random.next() < 0.02 ? 100_000 : random.between(0, 500)) };
    return this.send('PUT', `/sandboxes/${book.id}/data/orders/${key}`, value, nonce, () => {
      book.written(key, nonce);
      book.owe(nonce, 'data.put', (event, payload) => payload.includes(nonce));
    }, { refused: () => book.refusedWrite(key, nonce) });
  }

  emit(book, random) {
    const nonce = this.nonce();
    const filler = 'y'.repeat(random.next() < 0.02 ? 50_000 : random.between(0, 300));
    const body = { eventType: 'order.made', payload: { nonce, filler }, ...(random.next() < 0.3 ? { eventId: nonce } : {}) };
    return this.emitOnce({ book, nonce, body, key: random.next() < 0.5 ? nonce : undefined });
  }

  /// With a key it is asked until it is answered, after a kill too; that it is not sent twice for it, the ledger sees by the nonce.
  async emitOnce(what) {
    const { book, nonce, body, key } = what;
    let answered = false;
    const first = !what.asked; // later on the verifier may have read past the event
    what.asked = true;
    try {
      const answer = await this.send('POST', `/api/v1/app/${book.id}/msg`, body, nonce, ({ json }) => {
        book.messages.set(json.id, json.destinations.length);
        if (first) book.owe(nonce, 'message.created', (event, payload) => event.entities.includes(json.id) && payload.includes(nonce));
      }, { key });
      answered = answer.status < 500 && answer.status !== 409; // 409: the server still works on what it was asked before
      if (answer.headers['idempotent-replayed']) ++this.ledger.counts.replayed;
    } finally {
      if (key && !answered) this.again.push(what);
    }
  }

  env(book, random) {
    const nonce = this.nonce();
    return this.send('PUT', `/sandboxes/${book.id}/env/E${random.between(1, 5)}`, { value: nonce }, nonce, () => book.owe(nonce, 'env.put', (event, payload) => payload.includes(nonce)));
  }

  clock(book, random) {
    const nonce = this.nonce();
    const dice = random.next();
    const go = (action, body) => this.send('POST', `/sandboxes/${book.id}/clock/${action}`, body, nonce, () => {});
    if (dice < 0.6) return this.send('POST', `/sandboxes/${book.id}/clock/advance`, { by: random.between(1, 4000) }, nonce, () => book.owe(nonce, 'clock.advance_started'));
    if (dice < 0.75) return go('freeze');
    if (dice < 0.95) return go('resume');
    return go('reset');
  }

  /// Every clock stands, and every sandbox gets a message: it is due, though no time passes.
  async emitFrozen(random) {
    for (const book of this.ledger.sandboxes.values()) {
      if (book.endpoints.length === 0) continue;
      await this.send('POST', `/sandboxes/${book.id}/clock/freeze`, undefined, this.nonce(), () => {});
      await this.emit(book, random);
    }
  }

  async resumeAll() {
    for (const book of this.ledger.sandboxes.values()) await this.send('POST', `/sandboxes/${book.id}/clock/resume`, undefined, this.nonce(), () => {});
  }

  resend(book, random) {
    if (book.messages.size === 0 || book.endpoints.length === 0) return undefined;
    const id = random.one([...book.messages.keys()].slice(-200));
    const nonce = this.nonce();
    return this.send('POST', `/api/v1/app/${book.id}/msg/${id}/endpoint/${random.one(book.endpoints).id}/resend`, {}, nonce, () => book.owe(nonce, 'resend.requested'));
  }

  define(book) {
    const nonce = this.nonce();
    return this.send('POST', `/sandboxes/${book.id}/endpoints`, { method: 'GET', path: `/made/${nonce}`, response: { body: { nonce } } }, nonce, () =>
      book.owe(nonce, 'endpoint.put', (event, payload) => payload.includes(nonce)));
  }

  change(book, random) {
    if (book.endpoints.length === 0) return undefined;
    const nonce = this.nonce();
    return this.send('PATCH', `/api/v1/app/${book.id}/endpoint/${random.one(book.endpoints).id}`, { description: nonce }, nonce, () => book.owe(nonce, 'destination.updated'));
  }

  recover(book, random) {
    if (book.endpoints.length === 0) return undefined;
    const nonce = this.nonce();
    const since = new Date(Date.now() - 60_000).toISOString();
    return this.send('POST', `/api/v1/app/${book.id}/endpoint/${random.one(book.endpoints).id}/recover`, { since }, nonce, () => book.owe(nonce, 'recovery.started'));
  }

  importDocument(book) {
    const nonce = this.nonce();
    return this.send('PUT', `/sandboxes/${book.id}/openapi`, document, nonce, () => {});
  }

  /// Reading at the same time: a value that was acknowledged is what is read.
  async look(book, random) {
    const keys = [...book.values.keys()];
    if (keys.length === 0) return;
    const key = random.one(keys);
    const before = { ...book.values.get(key), possible: [...book.values.get(key).possible] };
    const answer = await this.send('GET', `/sandboxes/${book.id}/data/orders/${key}`, undefined, this.nonce(), () => --this.ledger.counts.acknowledged);
    const after = book.values.get(key);
    const allowed = new Set([before.certain, ...before.possible, after.certain, ...after.possible]);
    const got = answer.status === 404 ? undefined : answer.json?.nonce;
    if (answer.status !== 503 && !allowed.has(got)) this.ledger.trouble.push(`data ${key} of ${book.id} is ${got}, which is none of ${[...allowed]}`);
  }
}
