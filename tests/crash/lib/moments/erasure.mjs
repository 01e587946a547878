// Kills while payloads are erased: some are asked for and have no answer yet.
import { Round } from './round.mjs';

const count = 60;

export class Erasure extends Round {
  async begin(server) {
    await this.open(server);
    await this.endpoint(server, 'had', () => ({ status: 200 }));
    for (let n = 0; n < count; n += 20) await Promise.all([...Array(20)].map(() => this.emit(server, 'erased', { secret: `secret-${this.number}` })));
    await this.settled(server);
    this.gone = new Set(); // acknowledged
    this.requested = new Set();
  }

  erase(server, id) {
    this.requested.add(id);
    return server.call('DELETE', `/api/v1/app/${this.sandbox}/msg/${id}/content`).then((answer) => {
      if (answer.status === 204) {
        this.gone.add(id);
        this.erased?.();
      } else this.trouble.push(`erasing: ${answer.status} ${answer.text.slice(0, 200)}`);
    });
  }

  async moment(server) {
    const ids = [...this.asked.values()].map((w) => w.id).slice(0, count / 2);
    this.clients = Promise.all([...Array(4)].map(async () => {
      while (ids.length > 0) await this.erase(server, ids.pop()).catch(() => (ids.length = 0));
    }));
    const due = this.random.between(0, count / 3);
    await new Promise((resolve, reject) => {
      this.erased = () => this.gone.size >= due && setImmediate(resolve); // the next ones have been written by then
      this.clients.then(() => reject(new Error('all was erased before the kill')), reject);
      this.erased();
    });
  }

  fell(log) {
    const erased = new Set(log.of('content.erased').flatMap((e) => e.payload.items.map((i) => i.id)));
    const open = [...this.requested].filter((id) => !this.gone.has(id));
    if (open.length === 0) return undefined;
    return open.some((id) => erased.has(id)) ? 'it stood in the log and was not answered' : 'it did not stand in the log';
  }

  async after(server) {
    await this.clients;
    this.before = new Set(this.gone);
    this.kept = new Map(); // what the API shows after the start
    for (const { id } of this.asked.values()) this.kept.set(id, (await server.ask('GET', `/api/v1/app/${this.sandbox}/msg/${id}`)).payload);
    for (const id of this.requested) if (!this.gone.has(id)) await this.erase(server, id); // asking again does no harm
  }

  check(log) {
    const wrong = [...this.trouble, ...log.wrong];
    const named = new Set(log.of('content.erased').flatMap((e) => e.payload.items.map((i) => i.id)));
    for (const { payload, erased } of log.of('message.created')) {
      const { nonce } = this.asked.get(payload.body?.nonce) ?? [...this.asked.values()].find((w) => w.id === payload.id);
      const shown = this.kept.get(payload.id);
      if (Boolean(erased) !== named.has(payload.id)) wrong.push(`${nonce}: what the log holds and what it says do not agree`);
      if (this.before.has(payload.id) && shown?.expired !== true) wrong.push(`${nonce} was erased, and shows ${JSON.stringify(shown)}`);
      if (!this.requested.has(payload.id) && shown?.nonce !== nonce) wrong.push(`${nonce} shows ${JSON.stringify(shown)}, and nobody asked to erase it`);
      if (this.requested.has(payload.id) && !erased) wrong.push(`${nonce} was asked for again, and is still there`);
      if (erased && payload.body?.nonce) wrong.push(`${nonce} was erased, and its payload still stands in the log`);
    }
    return wrong;
  }
}
