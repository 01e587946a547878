// Other people's software in other languages, as clients/prepare built it.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './server.mjs';

const built = path.join(root, 'build/interop');
export const sources = path.join(root, 'tests/interop/clients');

const commands = {
  Python: ['python', path.join(built, 'python/venv/bin/python'), path.join(sources, 'python/receiver.py')],
  Go: ['go', path.join(built, 'go/receiver')],
  Rust: ['rust', path.join(built, 'rust/receiver')],
  Java: ['java', 'java', '-cp', `${path.join(built, 'java/classes')}:${path.join(built, 'java/libs/*')}`, 'Receiver'],
};
export const languages = Object.keys(commands);

/// Throws, with the end of its log, when it could not be built: who asks for it fails.
export function demand(language) {
  const [name] = commands[language] ?? [language];
  if (existsSync(path.join(built, name, '.stamp'))) return;
  const log = path.join(built, `${name}.log`);
  throw new Error(`${language} was not prepared: ${existsSync(log) ? readFileSync(log, 'utf8').slice(-4000) : 'run tests/interop/clients/prepare'}`);
}

/// Runs a program to its end; rejects with all it said when that is not 0.
export function run(program, args, { input = '', env = {}, patience = 90_000, folder } = {}) {
  return new Promise((resolve, reject) => {
    const settings = { cwd: folder, env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...env }, timeout: patience, maxBuffer: 16 * 1024 * 1024 };
    const child = execFile(program, args, settings, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stdout}${stderr}`));
      else resolve(stdout);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/// What the receiver of a language says of each delivery: 'verified', or 'refused: …' with the words of its library.
export async function outcomes(language, cases) {
  demand(language);
  const lines = cases.map(({ secret, headers, body }) => {
    const line = [secret, headers['webhook-id'], headers['webhook-timestamp'], headers['webhook-signature'], body].join('\t');
    if (/[\n\r]/.test(line) || line.split('\t').length !== 5) throw new Error(`is no line: ${line}`);
    return line;
  });
  const [, program, ...args] = commands[language];
  const said = (await run(program, args, { input: `${lines.join('\n')}\n` })).trimEnd().split('\n');
  if (said.length !== cases.length) throw new Error(`${cases.length} deliveries, but ${said.length} answers:\n${said.join('\n')}`);
  return said;
}

export const python = commands.Python[1];
export const schemathesis = path.join(built, 'schemathesis/venv/bin/st');
