/**
 * Where weight gradients are summed. A product over many rows is cut into slices, one after another of which is added up
 * (reduce_slices.wgsl), and slices of the whole pool at once would be many times the weights. So the pool's matrices are taken in
 * parts, last one first, as the backward list comes to them: all parts share the slices. How many slices there are goes by the
 * rows alone, so that parts change no bit.
 */
import type { BufferTable } from '../gpu/bufferTable';
import * as kernels from '../gpu/kernels';
import type { Binding, Plan } from '../gpu/plan';
import { matricesOf, type ParameterTable, type PoolRange } from './parameters';

/** A matrix or several, with what lies between them to keep offsets aligned: nothing writes that, so it must not be added up. */
interface SlicePart extends PoolRange {
  runs: PoolRange[];
}

export interface SlicePlan {
  splits: number;
  /** Of matrices, in the order of the backward list; one part alone has the norms, too. */
  parts: SlicePart[];
  /** The norms of all layers, where they are not of a part; their gradients are added up at the end. */
  norms: PoolRange | null;
  /** Floats of a slice: the longest part. */
  stride: number;
}

/** Into how many slices the weight gradient of so many tokens is summed. */
export function splitsOf({ tokensPerSlice }: kernels.Tuning, rows: number): number {
  return Math.max(1, Math.min(16, Math.ceil(rows / tokensPerSlice)));
}

/**
 * @param bytes of all slices together, where that is enough for one matrix
 * @param trained what of the pool has a gradient: all of it, or one matrix
 */
export function planSlices(
  tuning: kernels.Tuning,
  table: ParameterTable,
  rows: number,
  { bytes, trained }: { bytes: number; trained: PoolRange },
): SlicePlan {
  const splits = splitsOf(tuning, rows);
  const { poolSize, decayedSize } = table;
  const isAll = trained.from === 0 && trained.to === poolSize;
  const most = Math.floor(bytes / 4 / splits);
  if (isAll && poolSize <= most)
    return { splits, parts: [{ ...trained, runs: [trained] }], norms: null, stride: poolSize };
  const parts: SlicePart[] = [];
  for (const matrix of matricesOf(table).reverse()) {
    if (matrix.from < trained.from || matrix.to > trained.to) continue;
    const last = parts.at(-1);
    if (last === undefined || last.to - matrix.from > most) {
      parts.push({ ...matrix, runs: [{ ...matrix }] });
      continue;
    }
    last.from = matrix.from;
    const [run] = last.runs;
    if (run.from === matrix.to) run.from = matrix.from;
    else last.runs.unshift({ ...matrix });
  }
  return {
    splits,
    parts,
    norms: isAll ? { from: decayedSize, to: poolSize } : null,
    stride: Math.max(...parts.map(({ from, to }) => to - from)),
  };
}

/** Bytes of the slices, and of those of the norms. */
export function sliceBytes({ splits, stride, norms }: SlicePlan): { matrices: number; norms: number } {
  return {
    matrices: 4 * splits * stride,
    norms: norms === null ? 0 : 4 * splits * (norms.to - norms.from),
  };
}

/** Slices on a device, and what adds them up. */
export class GradientSlices {
  private constructor(
    readonly plan: SlicePlan,
    readonly buffers: { slices: GPUBuffer; norms: GPUBuffer | null },
  ) {}

  static allocate(table: BufferTable, plan: SlicePlan): GradientSlices {
    const bytes = sliceBytes(plan);
    return new GradientSlices(plan, {
      slices: table.floats('slices', bytes.matrices / 4),
      norms: plan.norms === null ? null : table.floats('norm_slices', bytes.norms / 4),
    });
  }

  /** The first of the slices, for lists over fewer rows. */
  first(splits: number): GradientSlices {
    return new GradientSlices({ ...this.plan, splits }, this.buffers);
  }

  /**
   * The first slice of a range, to the end of the buffer: further slices lie `floats` apart. Null where it has no gradient.
   * Of matrices it must be added up before those of the next part are written.
   */
  at({ from, to }: PoolRange): { out: Binding; splits: number; slice: number } | null {
    const { parts, norms, splits, stride } = this.plan;
    const inside = (range: PoolRange) => from >= range.from && to <= range.to;
    const rest = (buffer: GPUBuffer, base: number) => {
      const offset = 4 * (from - base);
      return { buffer, offset, size: buffer.size - offset };
    };
    const part = parts.find(inside);
    if (part !== undefined) return { out: rest(this.buffers.slices, part.from), splits, slice: stride };
    if (norms === null || this.buffers.norms === null || !inside(norms)) return null;
    return { out: rest(this.buffers.norms, norms.from), splits, slice: norms.to - norms.from };
  }

  /** Adds up the part whose last matrix this is, and does nothing before. */
  addMatrix(plan: Plan, { from }: PoolRange, o: { gradient: Binding; objective: GPUBuffer }): void {
    const { parts, stride } = this.plan;
    const part = parts.find((each) => each.from === from);
    for (const run of part?.runs ?? [])
      this.#add(plan, { ...o, ...run, slices: this.buffers.slices, base: from, slice: stride });
  }

  /** Adds up the norms, at the end of a list. */
  addNorms(plan: Plan, o: { gradient: Binding; objective: GPUBuffer }): void {
    const { norms } = this.plan;
    if (norms === null || this.buffers.norms === null) return;
    this.#add(plan, {
      ...o,
      ...norms,
      slices: this.buffers.norms,
      base: norms.from,
      slice: norms.to - norms.from,
    });
  }

  #add(
    plan: Plan,
    o: PoolRange & {
      slices: GPUBuffer;
      /** Where in the pool the slices begin. */
      base: number;
      slice: number;
      gradient: Binding;
      objective: GPUBuffer;
    },
  ): void {
    const { slices, slice, objective } = o;
    const size = o.to - o.from;
    const from = 4 * (o.from - o.base);
    kernels.reduceSlices(plan, {
      slices: { buffer: slices, offset: from, size: slices.size - from },
      slice,
      gradient: window(o.gradient, o.from - this.#start, size),
      size,
      splits: this.plan.splits,
      objective,
    });
  }

  /** Where in the model's pool that of the gradient begins. */
  get #start(): number {
    const { parts } = this.plan;
    return parts[parts.length - 1].from;
  }
}

/** Floats of a pool, from `at` on. */
function window(pool: Binding, at: number, floats: number): Binding {
  const { buffer, offset } = 'buffer' in pool ? pool : { buffer: pool, offset: 0 };
  return { buffer, offset: offset + 4 * at, size: 4 * floats };
}
