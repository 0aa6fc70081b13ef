/**
 * Counter-based random numbers: Threefry-2x32 with 20 rounds (Salmon et al., "Parallel Random Numbers: As Easy as
 * 1, 2, 3", SC 2011). A draw is a pure function of (key, counter), so any draw can be repeated without replaying the
 * ones before it: a run resumes from (seed, purpose, step, index) alone. `shaders/sample.wgsl` is the GPU twin.
 */

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];
const PARITY = 0x1bd11bda;

/** One Threefry block: two 32-bit words out of a 64-bit key and a 64-bit counter. */
export function threefry(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const keys = [key0 >>> 0, key1 >>> 0, (key0 ^ key1 ^ PARITY) >>> 0];
  let x0 = (counter0 + keys[0]) >>> 0;
  let x1 = (counter1 + keys[1]) >>> 0;
  for (let round = 0; round < 20; round++) {
    const rotation = ROTATIONS[round & 7];
    x0 = (x0 + x1) >>> 0;
    x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) >>> 0;
    x1 = (x1 ^ x0) >>> 0;
    if ((round & 3) === 3) {
      const injection = (round >> 2) + 1;
      x0 = (x0 + keys[injection % 3]) >>> 0;
      x1 = (x1 + keys[(injection + 1) % 3] + injection) >>> 0;
    }
  }
  return [x0, x1];
}

/** The 24 high bits of a word as a float in [0, 1): exactly representable in f32, hence the same on every device. */
export function toUnit(word: number): number {
  return (word >>> 8) / 0x1000000;
}

/** 32-bit FNV-1a of a string's UTF-16 code units; names a purpose in a key. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    hash = Math.imul(hash ^ (code & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (code >>> 8), 0x01000193);
  }
  return hash >>> 0;
}

/** The key of the stream (seed, purpose, indices…): equal arguments give equal streams, others independent ones. */
export function streamKey(seed: number, purpose: string, ...indices: number[]): [number, number] {
  let key = threefry(seed >>> 0, 0, fnv1a(purpose), 0);
  for (const index of indices) key = threefry(key[0], key[1], index >>> 0, 1);
  return key;
}

/** A sequential stream of draws from one key. */
export class Random {
  readonly #key: [number, number];
  #counter = 0;
  #spare: number | null = null;

  /** @param indices integers that tell streams of one purpose apart (step, example, sample…) */
  constructor(seed: number, purpose: string, ...indices: number[]) {
    this.#key = streamKey(seed, purpose, ...indices);
  }

  /** Uniform 32-bit word. */
  word(): number {
    if (this.#spare !== null) {
      const word = this.#spare;
      this.#spare = null;
      return word;
    }
    const [first, second] = threefry(this.#key[0], this.#key[1], this.#counter++, 0);
    this.#spare = second;
    return first;
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return toUnit(this.word());
  }

  /** Uniform integer in [0, n). */
  int(n: number): number {
    return Math.floor(((this.word() >>> 0) / 0x100000000) * n);
  }

  /** True with probability p. */
  chance(p: number): boolean {
    return this.uniform() < p;
  }

  /** Standard normal (Box–Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** An element of `values`, uniformly. */
  pick<T>(values: readonly T[]): T {
    return values[this.int(values.length)];
  }

  /** An index drawn with probability proportional to `weights` (non-negative, not all zero). */
  categorical(weights: ArrayLike<number>): number {
    let total = 0;
    for (let i = 0; i < weights.length; i++) total += weights[i];
    let rest = this.uniform() * total;
    for (let i = 0; i < weights.length; i++) {
      rest -= weights[i];
      if (rest < 0) return i;
    }
    return weights.length - 1;
  }

  /** Shuffles in place (Fisher–Yates) and returns its argument. */
  shuffle<T extends { length: number; [i: number]: unknown }>(values: T): T {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const held = values[i];
      values[i] = values[j];
      values[j] = held;
    }
    return values;
  }
}
