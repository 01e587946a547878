// The other end of the webhooks; it outlives every kill and remembers what it got.
import { Receiver, answers } from '../../interop/lib/receiver.mjs';

export class Receivers {
  static async start(ledger) {
    const out = new Receivers();
    out.ledger = ledger;
    out.http = await Receiver.start();
    out.http.keep = false;
    out.http.onDelivery = (delivery) => {
      let nonce;
      try {
        nonce = JSON.parse(delivery.body).nonce;
      } catch {
        ledger.trouble.push(`${delivery.path} got a body that is not what was sent: ${delivery.body.slice(0, 100)}`);
        return;
      }
      delivery.entry = ledger.received(delivery.path, delivery.headers['webhook-id'], nonce);
    };
    return out;
  }

  at(path, behaviour) {
    return this.http.at(path, behaviour);
  }

  behaviour(kind, random) {
    const fine = (request, response) => {
      const entry = this.ledger.deliveries.get(request.headers['webhook-id']);
      entry?.fine.add(request.url); // before the answer leaves: what the server records as delivered was delivered
      response.writeHead(200).end('ok');
    };
    if (kind === 'healthy') return fine;
    if (kind === 'broken') return answers.status(500, {}, 'always');
    const own = random.fork();
    return (request, response) => {
      const dice = own.next();
      if (dice < 0.5) return fine(request, response);
      if (dice < 0.7) return answers.status(503, { 'retry-after': '2' })(request, response);
      if (dice < 0.8) return answers.reset(request, response);
      if (dice < 0.9) return setTimeout(() => fine(request, response), own.between(10, 400));
      return answers.cutOff(request, response);
    };
  }

  stop() {
    return this.http.stop();
  }
}
