/** Rewards → weights → advantages. */
import rewardWeightingCode from '../../../shaders/reward_weighting.wgsl?raw';
import type { BufferTable } from '../../gpu/bufferTable';
import type { Gpu } from '../../gpu/device';
import type { Plan } from '../../gpu/plan';
import type { Aggregation, ScaleRewards } from '../advantages';
import { aggregationOf, type PolicyOptions } from '../options';
import type { Measurement } from '../policy';
import { ruleOf } from '../rules';
import { KEEP, usesGradients } from '../rules/rule';

/** `array<f32, MAX_REWARDS>` of reward_weighting.wgsl. */
export const MAX_REWARDS = 8;

const AGGREGATION = {
  sum_then_normalize: 0,
  normalize_then_sum: 1,
  sum_of_advantages: 2,
  multiply_then_normalize: 3,
} satisfies Record<Aggregation, number>;
const SCALE = { group: 0, batch: 1, none: 2 } satisfies Record<ScaleRewards, number>;

/** `Options` of the shader. */
const OPTIONS_BYTES = 64;

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
  | 'weighting'
  | 'etaOverMu'
  | 'scaleRewards'
  | 'aggregation'
  | 'objectiveMaxNorm'
  | 'minWeight'
  | 'correlationRate'
  | 'correlationTarget'
  | 'constraint'
>;

/** What `weigh` leaves in the statistics buffer; all [K]. */
export interface WeightingStatistics {
  weightsBefore: number[];
  weightsAfter: number[];
  /** 0 unless the weights moved by it. */
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
  /** [K, K] f32, ⟨g_i, g_j⟩, where it is measured. */
  readonly gram: GPUBuffer;
  /** [K] f32, where it is measured directly. */
  readonly influence: GPUBuffer;
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
    this.#options = table.uniform('weighting options', OPTIONS_BYTES);
    this.rewards = table.floats('rewards', rows * numRewards);
    this.#advantages = table.floats('advantages', (numRewards + 2) * this.#stride);
    this.gram = table.floats('gram', numRewards * numRewards);
    this.influence = table.floats('influence', numRewards);
    this.weights = table.floats('reward weights', numRewards);
    this.statistics = table.floats('reward statistics', 5 * numRewards);
  }

  /** Takes effect with the next submit. */
  configure(options: WeightingOptions, measured: Measurement): void {
    const { groups, groupSize, numRewards } = this.#shape;
    const rule = ruleOf(options.weighting);
    const { reward, level, step } = options.constraint;
    const lacks =
      (usesGradients(rule) && measured.weighs === null) || (rule.needs === 'level' && level === null);
    const data = new ArrayBuffer(OPTIONS_BYTES);
    new Uint32Array(data).set([
      groups,
      groupSize,
      numRewards,
      this.#stride,
      lacks ? KEEP : rule.kernel,
      AGGREGATION[aggregationOf(options)],
      SCALE[options.scaleRewards],
      measured.weighs === 'influence' ? 2 : measured.weighs === 'gram' ? 1 : 0,
    ]);
    new Float32Array(data).set([options.etaOverMu, options.objectiveMaxNorm, options.minWeight], 8);
    new Uint32Array(data)[11] = reward;
    new Float32Array(data).set([options.correlationRate, options.correlationTarget, level ?? 0, step], 12);
    this.#gpu.device.queue.writeBuffer(this.#options, 0, data);
  }

  /** Floats from one vector of advantages to the next. */
  get stride(): number {
    return this.#stride;
  }

  /** [P·G] f32: the advantages of reward k alone; for k = K those of the weighted sum, for k = K + 1 of the direction. */
  advantagesOf(k: number): { buffer: GPUBuffer; offset: number; size: number } {
    const { groups, groupSize } = this.#shape;
    return { buffer: this.#advantages, offset: k * this.#stride * 4, size: groups * groupSize * 4 };
  }

  /** All of them, [K + 2, stride]. */
  get advantages(): GPUBuffer {
    return this.#advantages;
  }

  /** Adds A_k of each reward alone, from `rewards`. */
  addObjectiveAdvantages(plan: Plan): void {
    plan.add({
      label: 'objective_advantages',
      code: rewardWeightingCode,
      entryPoint: 'objective_advantages',
      bindings: [this.#options, this.rewards, this.#advantages],
      workgroups: [this.#shape.numRewards],
    });
  }

  /** Adds Σ_k A_k, whose gradient is the direction of a directional influence. */
  addDirectionAdvantages(plan: Plan): void {
    plan.add({
      label: 'direction_advantages',
      code: rewardWeightingCode,
      entryPoint: 'direction_advantages',
      bindings: [this.#options, null, this.#advantages],
      workgroups: [1],
    });
  }

  /** Adds the step from w(t−1) to w(t) and the advantages of the sum; after everything is measured. */
  addWeigh(plan: Plan): void {
    plan.add({
      label: 'weigh',
      code: rewardWeightingCode,
      entryPoint: 'weigh',
      bindings: [
        this.#options,
        this.rewards,
        this.#advantages,
        this.gram,
        this.weights,
        this.statistics,
        this.influence,
      ],
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
