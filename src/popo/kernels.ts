/**
 * The GPU side of a POPO decision: buffers and dispatches of `shaders/reward_weighting.wgsl`,
 * `shaders/gradient_alignment.wgsl` and `shaders/baselines.wgsl`. Options live in uniform buffers, so a compiled plan
 * is replayed with other settings without being built again. Buffers belong to the caller's table.
 */
import baselinesCode from '../../shaders/baselines.wgsl?raw';
import alignmentCode from '../../shaders/gradient_alignment.wgsl?raw';
import weightingCode from '../../shaders/reward_weighting.wgsl?raw';
import type { Gpu } from '../gpu/device';
import type { Binding, Plan } from '../gpu/plan';
import type { BufferTable } from '../model/forward';
import type { PolicyOptions } from './options';

/** `array<f32, MAX_REWARDS>` of reward_weighting.wgsl. */
export const MAX_REWARDS = 8;
/** Products per workgroup of gradient_alignment.wgsl. */
const TILE = 1024;

const WEIGHTING = { fixed: 0, popo: 1, 'popo-light': 2 };
const AGGREGATION = { sum_then_normalize: 0, normalize_then_sum: 1 };
const SCALE = { group: 0, batch: 1, none: 2 };

function uniform(table: BufferTable, name: string, bytes: number): GPUBuffer {
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  return table.add(table.gpu.createBuffer(`${table.label}/${name}`, bytes, usage));
}

export interface WeightingShape {
  /** P */
  groups: number;
  /** G */
  groupSize: number;
  /** K, at most `MAX_REWARDS` */
  numRewards: number;
}

export type WeightingOptions = Pick<
  PolicyOptions,
  'weighting' | 'eta_over_mu' | 'scale_rewards' | 'multi_objective_aggregation'
>;

/** What `weigh` leaves in the statistics buffer; all [K]. */
export interface WeightingStatistics {
  weightsBefore: number[];
  weightsAfter: number[];
  /** 0 unless the weighting is `popo`. */
  influence: number[];
  /** Of max(r, 0), averaged over groups. */
  mean: number[];
  std: number[];
}

/** Rewards → weights → advantages on the GPU, for one shape. Holds w as its state between steps. */
export class RewardWeighting {
  /** [P·G, K] f32, to be written before each step. */
  readonly rewards: GPUBuffer;
  /** [K] f32, w(t−1) before `weigh` and w(t) after it. */
  readonly weights: GPUBuffer;
  /** [K, K] f32, ⟨g_i, g_j⟩; read by `weigh` when the weighting is `popo`. */
  readonly gram: GPUBuffer;
  /** [5, K] f32; see `readStatistics`. */
  readonly statistics: GPUBuffer;
  readonly #gpu: Gpu;
  readonly #shape: WeightingShape;
  readonly #options: GPUBuffer;
  readonly #advantages: GPUBuffer;
  readonly #stride: number;

  constructor(table: BufferTable, shape: WeightingShape) {
    const { groups, groupSize, numRewards } = shape;
    if (numRewards < 1 || numRewards > MAX_REWARDS) {
      throw new Error(`The GPU weighs 1 to ${MAX_REWARDS} rewards, not ${numRewards}.`);
    }
    this.#gpu = table.gpu;
    this.#shape = shape;
    const rows = groups * groupSize;
    // Rows of `advantages` are bound on their own: their offsets are multiples of 256 bytes.
    this.#stride = Math.ceil(rows / 64) * 64;
    this.#options = uniform(table, 'weighting options', 32);
    this.rewards = table.floats('rewards', rows * numRewards);
    this.#advantages = table.floats('advantages', (numRewards + 1) * this.#stride);
    this.gram = table.floats('gram', numRewards * numRewards);
    this.weights = table.floats('reward weights', numRewards);
    this.statistics = table.floats('reward statistics', 5 * numRewards);
  }

  /** Takes effect with the next submit. */
  configure(options: WeightingOptions): void {
    const { groups, groupSize, numRewards } = this.#shape;
    const data = new ArrayBuffer(32);
    new Uint32Array(data).set([
      groups,
      groupSize,
      numRewards,
      this.#stride,
      WEIGHTING[options.weighting],
      AGGREGATION[options.multi_objective_aggregation],
      SCALE[options.scale_rewards],
    ]);
    new Float32Array(data)[7] = options.eta_over_mu;
    this.#gpu.device.queue.writeBuffer(this.#options, 0, data);
  }

  /** [P·G] f32: the advantages of reward k alone, or, for k = K, those of the weighted sum. */
  advantagesOf(k: number): { buffer: GPUBuffer; offset: number; size: number } {
    const { groups, groupSize } = this.#shape;
    return { buffer: this.#advantages, offset: k * this.#stride * 4, size: groups * groupSize * 4 };
  }

  /** Adds A_k of each reward alone, from `rewards`; for the gradient probes. */
  addObjectiveAdvantages(plan: Plan): void {
    plan.add({
      label: 'objective_advantages',
      code: weightingCode,
      entryPoint: 'objective_advantages',
      bindings: [this.#options, this.rewards, this.#advantages],
      workgroups: [this.#shape.numRewards],
    });
  }

  /** Adds the step from w(t−1) to w(t) and the advantages of the sum; after `gram` is complete. */
  addWeigh(plan: Plan): void {
    plan.add({
      label: 'weigh',
      code: weightingCode,
      entryPoint: 'weigh',
      bindings: [this.#options, this.rewards, this.#advantages, this.gram, this.weights, this.statistics],
      workgroups: [1],
    });
  }

  /** Takes the statistics buffer's content apart. */
  readStatistics(values: Float32Array): WeightingStatistics {
    const row = (index: number) => {
      const { numRewards } = this.#shape;
      return Array.from(values.subarray(index * numRewards, (index + 1) * numRewards));
    };
    return { weightsBefore: row(0), weightsAfter: row(1), influence: row(2), mean: row(3), std: row(4) };
  }
}

/** The Gram matrix of K gradients lying one behind the other in one buffer. */
export class GradientAlignment {
  readonly #options: GPUBuffer;
  readonly #partials: GPUBuffer;
  readonly #tiles: number;
  readonly #numGradients: number;
  readonly #gradients: Binding;
  readonly #gram: GPUBuffer;

  /**
   * @param gradients [K, stride] f32, of which the first `count` floats of each row are the gradient
   * @param gram [K, K] f32, written
   */
  constructor(
    table: BufferTable,
    shape: { count: number; stride: number; numGradients: number },
    gradients: Binding,
    gram: GPUBuffer,
  ) {
    const { count, stride, numGradients } = shape;
    this.#gradients = gradients;
    this.#gram = gram;
    this.#numGradients = numGradients;
    this.#tiles = Math.ceil(count / TILE);
    this.#options = uniform(table, 'alignment options', 16);
    this.#partials = table.floats('alignment partials', this.#pairs * this.#tiles);
    table.gpu.device.queue.writeBuffer(
      this.#options,
      0,
      Uint32Array.of(count, stride, numGradients, this.#tiles),
    );
  }

  get #pairs(): number {
    return (this.#numGradients * (this.#numGradients + 1)) / 2;
  }

  /** Adds both levels of the reduction. */
  add(plan: Plan): void {
    plan.add({
      label: 'tile_products',
      code: alignmentCode,
      entryPoint: 'tile_products',
      bindings: [this.#options, this.#gradients, this.#partials],
      workgroups: [this.#tiles, this.#pairs],
    });
    plan.add({
      label: 'gram_matrix',
      code: alignmentCode,
      entryPoint: 'gram_matrix',
      bindings: [this.#options, null, this.#partials, this.#gram],
      workgroups: [this.#pairs],
    });
  }
}

/** Adds the copy of logps into one half of the baselines (TrainingStep's): the old policy's or the reference's. */
export function keepBaselines(
  plan: Plan,
  half: 'old' | 'reference',
  o: { scores: Binding; baselines: Binding; rows: number },
): void {
  plan.add({
    label: `keep_${half}`,
    code: baselinesCode,
    entryPoint: `keep_${half}`,
    bindings: [o.scores, o.baselines],
    workgroups: [Math.ceil(o.rows / 64)],
  });
}
