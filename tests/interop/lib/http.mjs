// One HTTP/1.1 request, exactly as written: fetch would tidy the path and hide what a test wants to send.
import http from 'node:http';

const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

/// Resolves with { status, headers, bytes, text, json } (json is undefined when the body is none); rejects when there is no whole answer.
export function request(base, method, path, { headers = {}, body, timeout = 30_000, fresh = false } = {}) {
  const { hostname, port } = new URL(base);
  const bytes = body === undefined ? undefined : Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
  const all = { ...headers };
  if (bytes !== undefined) {
    all['content-length'] = Buffer.byteLength(bytes);
    if (typeof body !== 'string' && !Buffer.isBuffer(body) && !Object.keys(all).some((n) => n.toLowerCase() === 'content-type'))
      all['content-type'] = 'application/json';
  }
  return new Promise((resolve, reject) => {
    const call = http.request({ hostname, port, method, path, headers: all, agent: fresh ? false : agent }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        clearTimeout(timer);
        if (!answer.complete) return reject(new Error('the answer was cut off'));
        const whole = Buffer.concat(chunks);
        const text = whole.toString();
        let json;
        try {
          json = JSON.parse(text);
        } catch {
          json = undefined;
        }
        resolve({ status: answer.statusCode, headers: answer.headers, bytes: whole, text, json });
      });
    });
    const timer = setTimeout(() => call.destroy(new Error(`no answer to ${method} ${path} within ${timeout} ms`)), timeout);
    call.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    if (bytes !== undefined) call.write(bytes);
    call.end();
  });
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/// Asks `question` until it gives something truthy, which is returned; fails with `what` and the last value after `patience` ms.
export async function until(what, question, patience = 20_000) {
  const end = Date.now() + patience;
  for (let wait = 5; ; wait = Math.min(wait * 2, 200)) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${patience} ms in vain: ${what}`);
    await pause(wait);
  }
}
