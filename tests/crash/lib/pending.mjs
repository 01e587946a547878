// What one sandbox owes at a moment, folded from its history alone: nobody asks the sandbox, so nobody wakes it.

const key = (message, destination) => `${message} -> ${destination}`;

export class Pending {
  constructor() {
    this.clock = { mode: 'running', offset: 0, at: 0 };
    this.deliveries = new Map(); // message -> destination: virtual microseconds of its next attempt by the schedule
    this.manual = new Map(); // message -> destination: attempts asked for by hand and not made yet
    this.recoveries = new Map(); // recovery -> destination, while it runs
  }

  take({ type, payload, virtual_time }) {
    const now = Date.parse(virtual_time) * 1000;
    if (type.startsWith('clock.')) {
      this.clock = { mode: payload.mode, offset: payload.offset_us, at: payload.at_us };
    } else if (type === 'message.created') {
      for (const destination of payload.destinations) this.deliveries.set(key(payload.id, destination), now);
    } else if (type === 'attempt.finished') {
      this.attempt(payload);
    } else if (type === 'resend.requested') {
      const what = key(payload.message, payload.destination);
      this.manual.set(what, (this.manual.get(what) ?? 0) + 1);
    } else if (type === 'deliveries.moved') {
      for (const [what, next] of this.deliveries) this.deliveries.set(what, next + payload.by_us);
    } else if (type === 'recovery.started') {
      this.recoveries.set(payload.id, payload.destination);
    } else if (type === 'recovery.progressed') {
      for (const { message } of payload.items) {
        const what = key(message, this.recoveries.get(payload.id));
        if (!this.deliveries.has(what) && !this.manual.has(what)) this.deliveries.set(what, now);
      }
    } else if (type === 'recovery.finished') {
      this.recoveries.delete(payload.id);
    }
  }

  attempt({ message, destination, follows, trigger, next_us, detached }) {
    if (detached) return;
    const what = key(message, destination);
    if (trigger === 'manual') {
      const left = (this.manual.get(what) ?? 1) - 1;
      if (left > 0) this.manual.set(what, left);
      else this.manual.delete(what);
    }
    if (follows === 'retry') this.deliveries.set(what, next_us);
    else if (follows !== 'failed') this.deliveries.delete(what);
  }

  /// What should have happened by `wall` (microseconds of the machine's clock) and has not.
  due(wall) {
    const { mode, offset, at } = this.clock;
    const now = mode === 'running' ? Math.max(wall + offset, at) : at;
    return [
      ...[...this.deliveries].filter(([, next]) => next <= now).map(([what]) => what),
      ...[...this.manual.keys()].map((what) => `${what}, by hand`),
      ...[...this.recoveries.keys()].map((id) => `the recovery ${id}`),
      ...(mode === 'advancing' ? ['the end of an advance'] : []),
    ];
  }
}
