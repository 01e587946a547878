// Starts, stops and kills a real Hourglass, as a user would: the binary, a folder, a port.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pause, request } from './http.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const binary = process.env.HOURGLASS_BIN ?? path.join(root, 'build/release/hourglass');
export const adminKey = 'hg_admin_for_tests_0123456789abcdef';

export function freshFolder(name) {
  return mkdtempSync(path.join(os.tmpdir(), `hourglass-${name}-`));
}

export function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true });
}

// A harness that dies leaves no server behind.
const alive = new Set();
process.on('exit', () => alive.forEach((child) => child.kill('SIGKILL')));

export class Server {
  /// `prefix` is put before the command (`prlimit …`). Port 0: the server takes a free one and says which.
  constructor({ data, port = 0, args = [], env = {}, prefix = [] }) {
    this.url = undefined;
    this.data = data;
    this.key = adminKey;
    this.log = '';
    const [program, ...rest] = [...prefix, binary, 'serve', '--data', data, '--listen', `127.0.0.1:${port}`, '--egress-allow', '127.0.0.0/8', ...args];
    this.process = spawn(program, rest, { env: { ...process.env, HOURGLASS_ADMIN_KEY: adminKey, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    alive.add(this.process);
    this.process.on('close', () => alive.delete(this.process));
    const keep = (chunk) => (this.log = (this.log + chunk).slice(-64 * 1024));
    this.process.stderr.on('data', keep);
    this.process.stdout.on('data', (chunk) => {
      keep(chunk);
      this.url ??= /listening on (http:\S+)\n/.exec(this.log)?.[1];
    });
    // `close` and not `exit`: by then all it said has been read.
    this.ended = new Promise((resolve) => {
      this.process.on('error', (error) => resolve((this.exit = { code: null, signal: null, error })));
      this.process.on('close', (code, signal) => resolve((this.exit = { code, signal })));
    });
  }

  /// Starts one and waits until it is ready; fails with its output when it ends before that.
  static async start(options = {}) {
    const server = new Server({ data: freshFolder('data'), ...options });
    await server.ready(options.patience);
    return server;
  }

  async ready(patience = 30_000) {
    const end = Date.now() + patience;
    while (!this.exit) {
      const answer = this.url && (await request(this.url, 'GET', '/readyz', { timeout: 2_000, fresh: true }).catch(() => undefined));
      if (answer?.status === 200) return;
      if (Date.now() > end) {
        this.process.kill('SIGKILL');
        throw new Error(`not ready after ${patience} ms:\n${this.log}`);
      }
      await pause(10);
    }
    throw new Error(`the server ended (${JSON.stringify(this.exit)}; ${this.exit.error ?? ''}):\n${this.log}`);
  }

  kill() {
    this.process.kill('SIGKILL');
    return this.ended;
  }

  /// Orderly; resolves with { code, signal }.
  async stop(patience = 30_000) {
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), patience);
    const exit = await this.ended;
    clearTimeout(timer);
    return exit;
  }

  /// A call of the control plane with the admin's key; `key: null` sends none.
  call(method, where, body, { key = adminKey, headers = {}, ...rest } = {}) {
    const authorization = key === null ? {} : { authorization: `Bearer ${key}` };
    return request(this.url, method, where, { headers: { ...authorization, ...headers }, body, ...rest });
  }

  /// The same, which must succeed; resolves with the JSON of the answer.
  async ask(method, where, body, options) {
    const answer = await this.call(method, where, body, options);
    if (answer.status >= 300) throw new Error(`${method} ${where}: ${answer.status} ${answer.text.slice(0, 2000)}`);
    return answer.json;
  }

  /// A request to a sandbox's own API.
  mock(sandbox, method, where, options) {
    return request(this.url, method, `/s/${sandbox}${where}`, options);
  }

  /// Moves the sandbox's clock and waits until it has arrived.
  async advance(sandbox, by) {
    const answer = await this.call('POST', `/sandboxes/${sandbox}/clock/advance`, { by }, { headers: { prefer: 'wait=60' }, timeout: 90_000 });
    if (answer.status !== 200) throw new Error(`the clock did not arrive: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  /// Every event of a sandbox, oldest first.
  async history(sandbox, filter = '') {
    const out = [];
    let cursor = '';
    do {
      const page = await this.ask('GET', `/sandboxes/${sandbox}/history?order=asc&limit=250${filter}${cursor}`);
      out.push(...page.data);
      cursor = page.next_cursor ? `&cursor=${encodeURIComponent(page.next_cursor)}` : '';
    } while (cursor);
    return out;
  }
}
