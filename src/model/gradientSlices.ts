/**
 * Where weight gradients are summed. A product over many rows is cut into slices, one after another of which is added up
 * (reduce_slices.wgsl), and slices of the whole pool at once would be many times the weights. So the pool's matrices are taken in
 * parts, last one first, as the backward list comes to them: all parts share the slices. The embedding comes in as many as the vocabulary
 * does, last one first, too. How many slices there are goes by the rows alone, so that parts change no bit.
 */
import type { BufferTable } from '../gpu/bufferTable';
import * as kernels from '../gpu/kernels';
import { type Binding, type Plan, windowOf } from '../gpu/plan';
import type { PoolRange } from './parameters';
import { type SlicePlan, sliceBytes } from './plans';

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
      gradient: windowOf(o.gradient, o.from - this.#start, size),
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
