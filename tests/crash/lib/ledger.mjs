// What the server has promised: every change it acknowledged, under the correlation id that the harness gave it.
export class Ledger {
  constructor() {
    this.sandboxes = new Map(); // id -> Book
    this.deliveries = new Map(); // webhook-id -> { nonces: Set, fine: Set of paths answered 2xx, seen: count }
    this.nonces = new Map(); // nonce -> Set of webhook-ids
    this.counts = { acknowledged: 0, scripted: 0, refused: 0, unknown: 0, replayed: 0 };
    this.trouble = []; // answers that must never come
  }

  open(id) {
    const book = new Book(id);
    this.sandboxes.set(id, book);
    return book;
  }

  received(path, id, nonce) {
    const entry = this.deliveries.get(id) ?? { nonces: new Set(), fine: new Set(), seen: 0 };
    entry.nonces.add(nonce);
    ++entry.seen;
    this.deliveries.set(id, entry);
    const ids = this.nonces.get(nonce) ?? new Set();
    ids.add(id);
    this.nonces.set(nonce, ids);
    return entry;
  }
}

/// One sandbox.
export class Book {
  constructor(id) {
    this.id = id;
    this.owed = new Map(); // correlation -> { type, check?: (event, payload) => boolean } that must be in the history, and is not yet seen there
    this.messages = new Map(); // message id -> number of endpoints it went to when it was acknowledged
    this.values = new Map(); // data key -> { certain, possible: [] }: last acknowledged value, and those whose fate is unknown
    this.endpoints = []; // { id, path, kind }
    this.requests = []; // request ids
    this.counted = new Set(); // numbers that scripts answered
    this.counter = 0; // how far the history has counted
    this.deleted = false;
  }

  owe(correlation, type, check) {
    this.owed.set(correlation, { type, check });
  }

  writing(key, value) {
    const now = this.values.get(key) ?? { certain: undefined, possible: [] };
    now.possible.push(value);
    this.values.set(key, now);
  }

  written(key, value) {
    this.values.set(key, { certain: value, possible: [] });
  }

  refusedWrite(key, value) {
    const now = this.values.get(key);
    now.possible = now.possible.filter((v) => v !== value);
  }
}
