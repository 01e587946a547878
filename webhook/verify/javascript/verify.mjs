// Verifies webhooks of Standard Webhooks: v1 (HMAC-SHA256) and v1a (Ed25519). Node.js 18 or newer, no dependencies.
//
//   import { verify } from './verify.mjs';
//   const { id } = verify({ keys: ['whpk_…'], headers: request.headers, body: rawBytes }); // throws VerificationError
import { createHmac, createPublicKey, timingSafeEqual, verify as verifySignature } from 'node:crypto';

const mostSignatures = 64; // each costs a hash of the body

/// `reason`: missing_header, bad_timestamp, too_old, too_new, no_match, bad_key.
export class VerificationError extends Error {
  constructor(reason, message) {
    super(message);
    this.name = 'VerificationError';
    this.reason = reason;
  }
}

function fromBase64(text, size) {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return size === undefined || bytes.length === size ? bytes : undefined;
}

function publicKey(x) {
  return { scheme: 'v1a', key: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }) };
}

/// `whsec_…`, bare base64 of a symmetric secret, `whpk_…`, or an Ed25519 JSON Web Key.
function readKey(key) {
  if (key && typeof key === 'object') {
    if (key.kty === 'OKP' && key.crv === 'Ed25519' && typeof key.x === 'string' && Buffer.from(key.x, 'base64url').length === 32) return publicKey(key.x);
    throw new VerificationError('bad_key', 'the key is not an Ed25519 JSON Web Key');
  }
  const text = String(key);
  if (text.startsWith('whsk_')) throw new VerificationError('bad_key', 'this is a private key: a receiver needs the public one, whpk_…');
  if (text.startsWith('whpk_')) {
    const bytes = fromBase64(text.slice(5), 32);
    if (!bytes) throw new VerificationError('bad_key', 'the key is not whpk_ and base64 of 32 bytes');
    return publicKey(bytes.toString('base64url'));
  }
  const secret = fromBase64(text.startsWith('whsec_') ? text.slice(6) : text);
  if (!secret || secret.length < 24) throw new VerificationError('bad_key', 'the key is not whsec_ and base64 of at least 24 bytes');
  return { scheme: 'v1', key: secret };
}

function header(headers, name) {
  if (typeof headers.get === 'function') return headers.get(name) ?? '';
  const found = Object.keys(headers).find((key) => key.toLowerCase() === name);
  const value = found === undefined ? '' : headers[found];
  return Array.isArray(value) ? value.join(' ') : String(value ?? '');
}

function readHeaders(headers) {
  for (const prefix of ['webhook-', 'svix-']) {
    const [id, timestamp, signature] = ['id', 'timestamp', 'signature'].map((name) => header(headers, prefix + name));
    if (id && timestamp && signature) return { id, timestamp, signature };
  }
  throw new VerificationError('missing_header', 'one of webhook-id, webhook-timestamp and webhook-signature is missing');
}

function holds({ scheme, key }, claim, content) {
  const comma = claim.indexOf(',');
  if (comma < 0 || claim.slice(0, comma) !== scheme) return false;
  const signature = fromBase64(claim.slice(comma + 1), scheme === 'v1' ? 32 : 64);
  if (!signature) return false;
  return scheme === 'v1' ? timingSafeEqual(createHmac('sha256', key).update(content).digest(), signature) : verifySignature(null, content, key, signature);
}

/// `keys`: one or several; `body`: the bytes as they came (Buffer, Uint8Array or string); `tolerance` in seconds; `now` in Unix seconds.
/// Returns { id, timestamp, scheme }; throws VerificationError.
export function verify({ keys, headers, body, tolerance = 300, now = Math.floor(Date.now() / 1000) }) {
  const all = (Array.isArray(keys) ? keys : [keys]).map(readKey);
  const { id, timestamp, signature } = readHeaders(headers);
  if (!/^\d{1,12}$/.test(timestamp)) throw new VerificationError('bad_timestamp', 'webhook-timestamp is not a number of Unix seconds');
  if (Number(timestamp) < now - tolerance) throw new VerificationError('too_old', 'the webhook is too old');
  if (Number(timestamp) > now + tolerance) throw new VerificationError('too_new', 'the webhook is from the future');
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), typeof body === 'string' ? Buffer.from(body) : body]);
  for (const claim of signature.split(' ').slice(0, mostSignatures))
    for (const key of all) if (holds(key, claim, content)) return { id, timestamp: Number(timestamp), scheme: key.scheme };
  throw new VerificationError('no_match', 'no signature matches');
}
