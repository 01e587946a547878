// A small seeded generator (mulberry32), so that a run's choices can be repeated.
export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  /// In [0, 1).
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /// A whole number, both ends included.
  between(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  one(list) {
    return list[this.between(0, list.length - 1)];
  }

  /// Another generator whose stream depends on this one's seed only.
  fork() {
    return new Random(Math.floor(this.next() * 4294967296));
  }
}
