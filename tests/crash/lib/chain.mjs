// The hash chain of a sandbox, checked by somebody who shares no code with the server: the header is encoded again from what /history shows,
// as events/codec.cpp says, and hashed.
import { createHash } from 'node:crypto';

const kinds = {
  'sandbox.created': 1, 'sandbox.updated': 2, 'sandbox.deleted': 3,
  'endpoint.put': 10, 'endpoint.removed': 11, 'openapi.imported': 12, 'function.put': 13, 'function.removed': 14, 'credentials.put': 15, 'request.served': 20,
  'scenario.put': 25, 'scenario.removed': 26, 'scenario.applied': 27, 'chaos.put': 28, 'chaos.removed': 29,
  'data.put': 30, 'data.removed': 31, 'data.cleared': 32, 'env.put': 33, 'env.removed': 34, 'template.put': 35, 'template.removed': 36, 'data.seeded': 37, 'chaos.drawn': 38,
  'clock.set': 40, 'clock.advance_started': 41, 'clock.moved': 42, 'clock.advance_finished': 43,
  'event_type.put': 50, 'event_type.removed': 51, 'destination.created': 52, 'destination.updated': 53, 'destination.removed': 54,
  'destination.secret_rotated': 55, 'destination.disabled': 56, 'destination.recovered': 57, 'message.created': 60, 'attempt.finished': 61, 'resend.requested': 62,
  'recovery.started': 63, 'recovery.progressed': 64, 'recovery.finished': 65, 'deliveries.moved': 66, 'delivery.expired': 67, 'content.erased': 68, 'batch.formed': 71, 'dead_letters.removed': 70, 'batch.formed': 71,
  'poller.created': 80, 'poller.updated': 81, 'poller.removed': 82, 'consumer.moved': 83, 'consumer.removed': 84,
};
// Their payload is shown with the secrets masked, so its hash cannot be checked from outside.
const masked = new Set(['destination.created', 'destination.updated', 'destination.secret_rotated']);

const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/// `sbx_` and 26 Crockford digits -> 16 bytes.
function sandboxBytes(id) {
  let value = 0n;
  for (const digit of id.slice(4)) value = value * 32n + BigInt('0123456789abcdefghjkmnpqrstvwxyz'.indexOf(digit));
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
}

function varint(value) {
  const bytes = [];
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  bytes.push(value);
  return Buffer.from(bytes);
}

const fixed64 = (value) => {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(value));
  return out;
};
const string = (text) => {
  const bytes = Buffer.from(text);
  return Buffer.concat([varint(bytes.length), bytes]);
};
/// RFC 3339 with six digits -> microseconds.
const microseconds = (instant) => BigInt(Date.parse(instant.slice(0, 19) + 'Z')) * 1000n + BigInt(instant.slice(20, 26));

export function linkOf(sandbox, event) {
  const kind = kinds[event.type];
  if (kind === undefined) throw new Error(`event type ${event.type} is not known here: add its number`);
  const rest = Buffer.concat([
    varint(kind), Buffer.from([event.payload_version]), sandboxBytes(sandbox), fixed64(event.seq), fixed64(microseconds(event.wall_time)), fixed64(microseconds(event.virtual_time)),
    string(event.principal), string(event.correlation_id), fixed64(event.causation ?? 0), varint(event.entities.length), ...event.entities.map(string),
    Buffer.from(event.payload_sha256, 'hex'), Buffer.from(event.previous, 'hex'),
  ]);
  const front = Buffer.alloc(6);
  front[0] = 1;
  front[1] = 1;
  front.writeUInt32LE(rest.length + 6, 2);
  return sha256(Buffer.from([2]), front, rest);
}

/// Follows one sandbox's stream. Every `follow` must be the event after the one before.
export class Chain {
  constructor(sandbox) {
    this.sandbox = sandbox;
    this.seq = 0;
    this.link = '0'.repeat(64);
    this.wall = '';
    this.erased = new Map(); // seq -> hash of what is left, of events that lost content and are not yet named by an event that says so
  }

  /// `raw` is the payload's text as it stood in the answer. Returns what is wrong, or undefined.
  follow(event, raw) {
    if (event.seq !== this.seq + 1) return `seq ${event.seq} follows ${this.seq}`;
    if (event.previous !== this.link) return `seq ${event.seq} does not name the link before it`;
    if (event.wall_time < this.wall) return `seq ${event.seq} is earlier than the one before it`;
    if (event.erased) this.erased.set(event.seq, sha256(raw));
    else if (!masked.has(event.type) && sha256(raw) !== event.payload_sha256) return `seq ${event.seq} (${event.type}): the payload does not have the hash that is chained`;
    if (linkOf(this.sandbox, event) !== event.link) return `seq ${event.seq} (${event.type}): the link is not that of its header`;
    if (event.type === 'content.erased')
      for (const { seq, left } of event.payload.items) {
        if (this.erased.has(seq) && this.erased.get(seq) !== left) return `seq ${event.seq} names another rest of ${seq} than what is there`;
        this.erased.delete(seq);
      }
    this.seq = event.seq;
    this.link = event.link;
    this.wall = event.wall_time;
    return undefined;
  }

  /// At the end of the stream: what lost content though no event says so.
  unexplained() {
    return [...this.erased.keys()].map((seq) => `seq ${seq} lost content, and no event says so`);
  }
}

/// The texts of all `"payload":` members of the elements of `data`, in order: what is hashed are bytes, and JSON.parse loses them.
export function payloadTexts(text) {
  const out = [];
  let at = text.indexOf('[') + 1;
  const skipString = () => {
    for (++at; text[at] !== '"'; ++at) if (text[at] === '\\') ++at;
    ++at;
  };
  const skipValue = () => {
    if (text[at] === '"') return skipString();
    if (text[at] !== '{' && text[at] !== '[') {
      while (!',]}'.includes(text[at])) ++at;
      return undefined;
    }
    let depth = 0;
    do {
      if (text[at] === '"') skipString();
      else {
        if (text[at] === '{' || text[at] === '[') ++depth;
        if (text[at] === '}' || text[at] === ']') --depth;
        ++at;
      }
    } while (depth > 0);
    return undefined;
  };
  while (text[at] === '{') {
    ++at;
    for (;;) {
      const nameStart = at;
      skipString();
      const name = text.slice(nameStart + 1, at - 1);
      ++at; // the colon
      const start = at;
      skipValue();
      if (name === 'payload') out.push(text.slice(start, at));
      if (text[at++] === '}') break;
    }
    if (text[at] === ',') ++at;
  }
  return out;
}
