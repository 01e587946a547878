// Kills while deleted sandboxes are pruned: some are gone, some are going, some have only been asked for.
import { until } from '../../../interop/lib/http.mjs';
import { Round } from './round.mjs';

const count = 12;

export class Prune extends Round {
  async begin(server) {
    await this.open(server);
    await this.endpoint(server, 'had', () => ({ status: 200 }));
    for (let n = 0; n < 10; ++n) await this.emit(server, 'kept');
    await this.settled(server);
    this.gone = new Map(); // id -> what the preview said: how many events, and the last link
    for (let n = 0; n < count; ++n) {
      const { id } = await server.ask('POST', '/sandboxes', { name: `pruned ${this.number}` });
      for (let i = 0; i < 40; ++i) await server.ask('PUT', `/sandboxes/${id}/data/things/${i}`, { text: `${i} `.repeat(200) });
      await server.ask('DELETE', `/sandboxes/${id}`);
      this.gone.set(id, await server.ask('GET', `/sandboxes/${id}/prune`));
    }
    this.wanted = new Set(); // acknowledged
    this.seen = new Set(); // said to be pruned before the kill
  }

  async prune(server, id) {
    const answer = await server.call('POST', `/sandboxes/${id}/prune`);
    if (answer.status === 202 || answer.status === 200) this.wanted.add(id);
    else this.trouble.push(`pruning: ${answer.status} ${answer.text.slice(0, 200)}`);
    if (answer.status === 200) this.seen.add(id);
  }

  async moment(server) {
    for (const id of this.gone.keys()) await this.prune(server, id);
    await new Promise((resolve) => setTimeout(resolve, this.random.between(0, 1_500)));
  }

  fell() {
    return this.seen.size === this.wanted.size ? undefined : 'some of those that were asked for were not gone';
  }

  async after(server) {
    for (const id of this.wanted)
      await until(`${id} is pruned`, async () => (await server.ask('GET', `/sandboxes/${id}/prune`)).status === 'pruned', 60_000);
    this.said = await server.ask('GET', '/pruned-sandboxes?limit=250&verify=true');
  }

  check(log) {
    const wrong = this.always(log);
    if (this.said.unexplained_places !== 0) wrong.push(`${this.said.unexplained_places} places of the log are empty without a word`);
    for (const [id, { events, last_link: link }] of this.gone) {
      const records = this.said.data.filter((r) => r.sandbox_id === id);
      if (records.length !== 1) wrong.push(`${id} is said ${records.length} times to be gone`);
      else if (records[0].events !== events || records[0].places !== events || records[0].last_link !== link)
        wrong.push(`${id} had ${events} events up to ${link}, and the log says ${JSON.stringify(records[0])}`);
    }
    return wrong;
  }
}
