/**
 * What a chart draws: one x and several y that grow together. Kept as doubles that double in capacity, so that a run of
 * tens of thousands of steps costs no garbage, and thinned to what the screen can show only when drawn.
 */
export class Columns {
  length = 0;
  private x = new Float64Array(256);
  private ys: Float64Array[];

  constructor(readonly names: readonly string[]) {
    this.ys = names.map(() => new Float64Array(256));
  }

  /** Appends a row; a missing value is NaN. A row at or before the last x rewinds to it, as a resumed run does. */
  push(x: number, values: readonly number[]): void {
    while (this.length > 0 && this.x[this.length - 1] >= x) this.length--;
    if (this.length === this.x.length) {
      this.x = grown(this.x);
      this.ys = this.ys.map(grown);
    }
    this.x[this.length] = x;
    for (let k = 0; k < this.ys.length; k++) this.ys[k][this.length] = values[k] ?? Number.NaN;
    this.length++;
  }

  clear(): void {
    this.length = 0;
  }

  /** What is there now; what is pushed later does not reach it. */
  copy(): Columns {
    const made = new Columns(this.names);
    made.x = this.x.slice();
    made.ys = this.ys.map((y) => y.slice());
    made.length = this.length;
    return made;
  }

  xs(): Float64Array {
    return this.x.subarray(0, this.length);
  }

  column(name: string): Float64Array {
    const k = this.names.indexOf(name);
    if (k < 0) throw new Error(`No column named ${name}; there are ${this.names.join(', ')}.`);
    return this.ys[k].subarray(0, this.length);
  }

  /** The newest value of a column that is a number, or null. */
  last(name: string): number | null {
    return this.at(name, Number.POSITIVE_INFINITY)?.value ?? null;
  }

  /** What a column was last measured to be at or before x, and where; null where it was not measured by then. */
  at(name: string, x: number): { x: number; value: number } | null {
    const y = this.column(name);
    for (let i = this.indexAt(x); i >= 0; i--) if (!Number.isNaN(y[i])) return { x: this.x[i], value: y[i] };
    return null;
  }

  /** As `at`; where it was not measured by then, what it was first measured to be. Null where it never was. */
  nearest(name: string, x: number): { x: number; value: number } | null {
    const found = this.at(name, x);
    if (found !== null) return found;
    const first = this.column(name).findIndex((value) => !Number.isNaN(value));
    return first < 0 ? null : { x: this.x[first], value: this.column(name)[first] };
  }

  /** The row of the last x at or before the one given; −1 where all come after it. */
  indexAt(x: number): number {
    let [low, high] = [-1, this.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.x[middle] <= x) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** What charts draw of a run. */
export interface RunColumns {
  loss: Columns;
  popo: Columns;
  heldout: Columns;
}

function grown(from: Float64Array): Float64Array<ArrayBuffer> {
  const to = new Float64Array(from.length * 2);
  to.set(from);
  return to;
}

/**
 * Exponential moving average with its start corrected (as Adam does), so that the curve begins at the first value.
 * NaN stays NaN and is skipped. `rate` in (0, 1]: the weight of the newest value.
 */
export function smoothed(y: Float64Array, rate: number): Float64Array {
  const out = new Float64Array(y.length);
  let sum = 0;
  let weight = 0;
  for (let i = 0; i < y.length; i++) {
    if (Number.isNaN(y[i])) {
      out[i] = Number.NaN;
      continue;
    }
    sum = (1 - rate) * sum + rate * y[i];
    weight = (1 - rate) * weight + rate;
    out[i] = sum / weight;
  }
  return out;
}

/** As `smoothed` with `rate` for each x: for values that are means of the stretches between their xs, which are alike. */
export function smoothedMeans(x: Float64Array, y: Float64Array, rate: number): Float64Array {
  const stretch = x.length < 2 ? 1 : (x[x.length - 1] - x[0]) / (x.length - 1);
  return smoothed(y, 1 - (1 - rate) ** stretch);
}

/**
 * At most `2 · buckets` points that keep every spike: each bucket shows its lowest and highest value, in the order in
 * which they came. All columns share the thinned x, so a chart stays aligned. NaN becomes null (a gap).
 */
export function thinned(
  x: Float64Array,
  ys: readonly Float64Array[],
  buckets: number,
): [number[], ...(number | null)[][]] {
  const n = x.length;
  if (n <= buckets * 2) {
    return [Array.from(x), ...ys.map((y) => Array.from(y, (v) => (Number.isNaN(v) ? null : v)))];
  }
  const xs: number[] = [];
  const out: (number | null)[][] = ys.map(() => []);
  for (let b = 0; b < buckets; b++) {
    const from = Math.floor((b * n) / buckets);
    const to = Math.floor(((b + 1) * n) / buckets);
    xs.push(x[from], x[to - 1]);
    for (let k = 0; k < ys.length; k++) {
      let low = -1;
      let high = -1;
      for (let i = from; i < to; i++) {
        const v = ys[k][i];
        if (Number.isNaN(v)) continue;
        if (low < 0 || v < ys[k][low]) low = i;
        if (high < 0 || v > ys[k][high]) high = i;
      }
      if (low < 0) out[k].push(null, null);
      else out[k].push(ys[k][Math.min(low, high)], ys[k][Math.max(low, high)]);
    }
  }
  return [xs, ...out];
}
