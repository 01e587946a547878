// Kills while secrets are rotated under deliveries: a rotation is asked for and has no answer yet.
import { createHmac, randomBytes } from 'node:crypto';
import { pause } from '../../../interop/lib/http.mjs';
import { Round } from './round.mjs';

const signature = (secret, { id, headers, body }) =>
  'v1,' + createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64')).update(`${id}.${headers['webhook-timestamp']}.${body}`).digest('base64');
const fresh = () => `whsec_${randomBytes(24).toString('base64')}`;

export class Rotation extends Round {
  async begin(server) {
    await this.open(server);
    this.secrets = [fresh()]; // in the order in which they were asked for
    this.to = await this.endpoint(server, 'rotated', () => ({ status: 200, after: this.random.between(0, 5) }), { secret: this.secrets[0] });
  }

  async moment(server) {
    let on = true;
    const clients = [...Array(3)].map(async () => {
      while (on) await this.emit(server, 'signed').catch(() => (on = false));
    });
    this.stop = () => {
      on = false;
      return Promise.all(clients);
    };
    for (let n = this.random.between(0, 7); n > 0; --n) {
      await this.rotate(server, fresh());
      await pause(this.random.between(0, 10));
    }
    this.answered = this.secrets.length;
    this.last = this.rotate(server, fresh()).then(() => (this.answered = this.secrets.length), () => {});
    await pause(this.random.next() < 0.5 ? 0 : this.random.between(0, 3));
    this.atKill = this.answered;
  }

  async rotate(server, key) {
    this.secrets.push(key);
    const answer = await server.call('POST', `/api/v1/app/${this.sandbox}/endpoint/${this.to.id}/secret/rotate`, { key, gracePeriodSeconds: 3600 });
    if (answer.status >= 300) this.trouble.push(`a rotation: ${answer.status} ${answer.text.slice(0, 200)}`);
  }

  fell(log) {
    const rotated = log.of('destination.secret_rotated').length;
    if (this.answered === this.secrets.length) return undefined; // its answer was on the wire
    return rotated === this.secrets.length - 1 ? 'it stood in the log and was not answered' : 'it did not stand in the log';
  }

  async after(server) {
    await this.stop();
    await this.last;
    const key = async () => (await server.ask('GET', `/api/v1/app/${this.sandbox}/endpoint/${this.to.id}/secret`)).key;
    this.shown = await key();
    this.since = this.receipts.length;
    await this.askAgain(server);
    await this.emit(server, 'signed');
    await this.settled(server);
    this.still = await key();
  }

  check(log) {
    const wrong = this.always(log);
    const rotated = log.of('destination.secret_rotated').length;
    const now = this.secrets[rotated];
    if (rotated < this.answered - 1 || rotated > this.secrets.length - 1) wrong.push(`${this.answered - 1} rotations were acknowledged, ${this.secrets.length - 1} asked for, ${rotated} are in the log`);
    if (this.shown !== now || this.still !== now) wrong.push(`the secret is ${this.secrets.indexOf(this.shown)}. of ${this.secrets.length}, the log says ${rotated}`);
    this.receipts.forEach((receipt, i) => {
      const signed = receipt.headers['webhook-signature'].split(' ');
      const known = this.secrets.map((secret) => signature(secret, receipt));
      // Who still has the first secret, in its overlap, verifies everything; and nobody signs with what was never asked for.
      if (!signed.includes(known[0])) wrong.push(`a delivery of ${receipt.nonce} does not verify with the secret whose overlap lasts`);
      if (signed.some((one) => !known.includes(one))) wrong.push(`a delivery of ${receipt.nonce} is signed with a secret that nobody gave`);
      if (i >= this.since && signed.length !== rotated + 1) wrong.push(`after the start ${receipt.nonce} has ${signed.length} signatures, live are ${rotated + 1} secrets`);
    });
    return wrong;
  }
}
