// Somebody who gets webhooks: keeps each one as it came, and answers as the test wants.
import http from 'node:http';
import { until } from './http.mjs';

export const answers = {
  ok: (request, response) => response.writeHead(204).end(),
  status: (code, headers = {}, body = '') => (request, response) => response.writeHead(code, headers).end(body),
  /// Reads the request and never says anything.
  hang: () => {},
  /// Closes the connection with a TCP reset instead of an answer.
  reset: (request) => request.socket.resetAndDestroy(),
  /// The head and a byte now and then: 200 that does not end in time.
  dribble: (request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    const timer = setInterval(() => response.write('.'), 200);
    response.on('close', () => clearInterval(timer));
  },
  /// 200, and bytes as fast as they are taken, without end.
  flood: (request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(16_384)));
    };
    response.on('drain', more);
    more();
  },
  /// A whole 200, after a while.
  slow: (ms) => (request, response) => setTimeout(() => response.destroyed || response.writeHead(200).end('late'), ms),
  garbage: (request) => request.socket.end('this is not HTTP\r\n\r\n'),
  /// Says ten bytes and closes after three.
  cutOff: (request, response) => {
    response.writeHead(200, { 'content-length': 10 });
    response.write('abc', () => request.socket.destroy());
  },
};

export class Receiver {
  static async start() {
    const receiver = new Receiver();
    receiver.server.listen(0, '127.0.0.1');
    await new Promise((resolve, reject) => receiver.server.on('listening', resolve).on('error', reject));
    receiver.base = `http://127.0.0.1:${receiver.server.address().port}`;
    return receiver;
  }

  constructor() {
    this.deliveries = []; // { path, headers, body, at }
    this.behaviours = new Map(); // path -> answer, or a list of them: one each, the last for all that follow
    this.onDelivery = () => {};
    this.keep = true; // false: `onDelivery` takes care of them
    this.server = http.createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
      const chunks = [];
      request.on('error', () => {});
      response.on('error', () => {});
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        const delivery = { path: request.url, method: request.method, headers: request.headers, body: Buffer.concat(chunks).toString(), at: Date.now() };
        if (this.keep) this.deliveries.push(delivery);
        this.onDelivery(delivery);
        this.answer(request.url)(request, response, delivery);
      });
    });
  }

  answer(path) {
    const behaviour = this.behaviours.get(path) ?? answers.ok;
    if (!Array.isArray(behaviour)) return behaviour;
    return behaviour.length > 1 ? behaviour.shift() : behaviour[0];
  }

  /// The URL of `path`, from now on answered by `behaviour`.
  at(path, behaviour = answers.ok) {
    this.behaviours.set(path, behaviour);
    return this.base + path;
  }

  to(path) {
    return this.deliveries.filter((d) => d.path === path);
  }

  /// Waits until `path` has got `count` deliveries, and gives them.
  waitFor(path, count = 1, patience = 20_000) {
    return until(`${count} deliveries to ${path}, got ${this.to(path).length}`, () => this.to(path).length >= count && this.to(path), patience);
  }

  stop() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    return closed;
  }
}
