/**
 * The GPU side of a POPO decision: buffers and dispatches of `shaders/reward_weighting.wgsl`,
 * `shaders/directional_influence.wgsl`, `shaders/gradient_alignment.wgsl` and `shaders/baselines.wgsl`. Options live in
 * uniform buffers, so a compiled plan is replayed with other settings without being built again. Buffers belong to the
 * caller's table.
 */
import baselinesCode from '../../shaders/baselines.wgsl?raw';
import directionalCode from '../../shaders/directional_influence.wgsl?raw';
import alignmentCode from '../../shaders/gradient_alignment.wgsl?raw';
import weightingCode from '../../shaders/reward_weighting.wgsl?raw';
import type { BufferTable } from '../gpu/bufferTable';
import type { Gpu } from '../gpu/device';
import type { Binding, Plan } from '../gpu/plan';
import type { Aggregation, ScaleRewards } from './advantages';
import { aggregationOf, type PolicyOptions } from './options';
import type { InfluencePrompts, Measurement } from './policy';
import { ruleOf } from './rules';
import { KEEP, usesGradients } from './rules/rule';

/** `array<f32, MAX_REWARDS>` of reward_weighting.wgsl. */
export const MAX_REWARDS = 8;
/** Most rollouts per prompt that directional_influence.wgsl takes: one thread each. */
const MAX_GROUP = 64;
/** Floats per workgroup of gradient_alignment.wgsl and directional_influence.wgsl. */
const TILE = 1024;
/**
 * ‖h u‖ / ‖θ‖ of the difference quotient: small enough for its curvature to stay below 1 %, large enough for the change
 * of a log-probability to stand out of f32's rounding (test/popo/compiledStep.gpu.test.ts).
 */
const RELATIVE_STEP = 5e-5;

const AGGREGATION = {
  sum_then_normalize: 0,
  normalize_then_sum: 1,
  sum_of_advantages: 2,
  multiply_then_normalize: 3,
} satisfies Record<Aggregation, number>;
const SCALE = { group: 0, batch: 1, none: 2 } satisfies Record<ScaleRewards, number>;

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
  'weighting' | 'etaOverMu' | 'scaleRewards' | 'aggregation' | 'objectiveMaxNorm' | 'minWeight'
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
    this.#options = uniform(table, 'weighting options', 48);
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
    const lacksGradients = usesGradients(rule) && measured.weighs === null;
    const data = new ArrayBuffer(48);
    new Uint32Array(data).set([
      groups,
      groupSize,
      numRewards,
      this.#stride,
      lacksGradients ? KEEP : rule.kernel,
      AGGREGATION[aggregationOf(options)],
      SCALE[options.scaleRewards],
      measured.weighs === 'influence' ? 2 : measured.weighs === 'gram' ? 1 : 0,
    ]);
    new Float32Array(data).set([options.etaOverMu, options.objectiveMaxNorm, options.minWeight], 8);
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
      code: weightingCode,
      entryPoint: 'objective_advantages',
      bindings: [this.#options, this.rewards, this.#advantages],
      workgroups: [this.#shape.numRewards],
    });
  }

  /** Adds Σ_k A_k, whose gradient is the direction of a directional influence. */
  addDirectionAdvantages(plan: Plan): void {
    plan.add({
      label: 'direction_advantages',
      code: weightingCode,
      entryPoint: 'direction_advantages',
      bindings: [this.#options, null, this.#advantages],
      workgroups: [1],
    });
  }

  /** Adds the step from w(t−1) to w(t) and the advantages of the sum; after everything is measured. */
  addWeigh(plan: Plan): void {
    plan.add({
      label: 'weigh',
      code: weightingCode,
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

/** The influence of every reward from one direction: see directional_influence.wgsl. */
export class DirectionalInfluence {
  /** f32 [poolSize], θ + h u after `addDisplacement`. */
  readonly displaced: GPUBuffer;
  readonly #options: GPUBuffer;
  readonly #partials: GPUBuffer;
  readonly #step: GPUBuffer;
  readonly #change: GPUBuffer;
  readonly #gpu: Gpu;

  constructor(
    table: BufferTable,
    readonly shape: WeightingShape & {
      slopes: InfluencePrompts['slopes'];
      /** Of a packed row, in tokens. */
      length: number;
      /** Floats of a pool, and the part of it over which the influence is taken. */
      poolSize: number;
      scope: { from: number; to: number };
      /** Floats from one vector of advantages to the next. */
      stride: number;
    },
  ) {
    const { groups, groupSize, poolSize } = shape;
    if (groupSize > MAX_GROUP)
      throw new Error(`The GPU takes groups of 1 to ${MAX_GROUP}, not ${groupSize}.`);
    this.#gpu = table.gpu;
    this.#options = uniform(table, 'influence options', 48);
    this.displaced = table.floats('displaced parameters', poolSize);
    this.#partials = table.floats('influence partials', 2 * this.#tiles);
    this.#step = table.floats('influence step', 1);
    this.#change = table.floats('logp changes', groups * groupSize);
  }

  get #tiles(): number {
    const { from, to } = this.shape.scope;
    return Math.ceil((to - from) / TILE);
  }

  /** Takes effect with the next submit. `correction` is `influenceCorrection`'s. */
  configure(correction: number): void {
    const { slopes, groupSize, length, poolSize, scope, stride } = this.shape;
    const data = new ArrayBuffer(48);
    new Uint32Array(data).set([
      poolSize,
      scope.from,
      scope.to,
      this.#tiles,
      slopes.from,
      slopes.to - slopes.from,
      groupSize,
      length,
      stride,
    ]);
    new Float32Array(data).set([RELATIVE_STEP, correction], 9);
    this.#gpu.device.queue.writeBuffer(this.#options, 0, data);
  }

  /** Adds θ + h u into `displaced`, from pools of θ and u. */
  addDisplacement(plan: Plan, parameters: GPUBuffer, direction: GPUBuffer): void {
    const bindings = [this.#options, parameters, direction, this.displaced, this.#partials, this.#step];
    const only = (...used: number[]) => bindings.map((binding, at) => (used.includes(at) ? binding : null));
    const add = (entryPoint: string, workgroups: number, used: (GPUBuffer | null)[]) =>
      plan.add({
        label: entryPoint,
        code: directionalCode,
        entryPoint,
        bindings: used,
        workgroups: [workgroups],
      });
    add('squares', this.#tiles, only(0, 1, 2, 4));
    add('step_size', 1, only(0, 4, 5));
    add('displace', Math.min(1024, Math.ceil(this.shape.poolSize / 64)), only(0, 1, 2, 3, 5));
  }

  /** Adds I_i of every reward into `influence`, from the scores of packed rows at θ and at `displaced`. */
  addInfluences(
    plan: Plan,
    o: {
      /** [P·T] at θ */
      before: GPUBuffer;
      /** At `displaced`, of the slopes' prompts alone. */
      after: GPUBuffer;
      /** [P·T] of (weight, index of its completion) */
      weights: GPUBuffer;
      /** [≥ K, stride] */
      advantages: GPUBuffer;
      influence: GPUBuffer;
    },
  ): void {
    const { slopes, numRewards } = this.shape;
    const none = [null, null, null, null];
    plan.add({
      label: 'changes',
      code: directionalCode,
      entryPoint: 'changes',
      bindings: [this.#options, ...none, null, o.before, o.after, o.weights, this.#change],
      workgroups: [slopes.to - slopes.from],
    });
    plan.add({
      label: 'influences',
      code: directionalCode,
      entryPoint: 'influences',
      bindings: [
        this.#options,
        ...none,
        this.#step,
        null,
        null,
        null,
        this.#change,
        o.advantages,
        o.influence,
      ],
      workgroups: [numRewards],
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
