/** The influence of every reward from one direction, in two parts: before and after the scores at the displaced weights. */
import directionalInfluenceCode from '../../../shaders/directional_influence.wgsl?raw';
import type { BufferTable } from '../../gpu/bufferTable';
import type { Gpu } from '../../gpu/device';
import { withHalves } from '../../gpu/kernels/half';
import type { Plan } from '../../gpu/plan';
import type { InfluencePrompts } from '../policy';
import type { WeightingShape } from './rewardWeighting';

/** Most rollouts per prompt that directional_influence.wgsl takes: one thread each. */
const MAX_GROUP = 64;
const code = withHalves(directionalInfluenceCode);
/** Floats per workgroup. */
const TILE = 1024;
/**
 * ‖h u‖ / ‖θ‖ of the difference quotient: small enough for its curvature to stay below 1 %, large enough for the change
 * of a log-probability to stand out of f32's rounding (test/popo/compiledUpdate.gpu.test.ts).
 */
const RELATIVE_STEP = 5e-5;

/** The influence of every reward from one direction: see directional_influence.wgsl. */
export class DirectionalInfluence {
  /** f32 [poolSize], θ + h u after `addDisplacement`; nobody else may use it until the scores at it are taken. */
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
    displaced = table.floats('displaced parameters', shape.poolSize),
  ) {
    const { groups, groupSize } = shape;
    if (groupSize > MAX_GROUP)
      throw new Error(`The GPU takes groups of 1 to ${MAX_GROUP}, not ${groupSize}.`);
    this.#gpu = table.gpu;
    this.#options = table.uniform('influence options', 48);
    this.displaced = displaced;
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

  /** Adds θ + h u into `displaced`, from pools of θ and u; so many of θ's first floats are rounded to f16 before. */
  addDisplacement(plan: Plan, parameters: GPUBuffer, direction: GPUBuffer, rounded: number): void {
    const bindings = [this.#options, parameters, direction, this.displaced, this.#partials, this.#step];
    const only = (...used: number[]) => bindings.map((binding, at) => (used.includes(at) ? binding : null));
    const add = (entryPoint: string, workgroups: number, used: (GPUBuffer | null)[]) =>
      plan.add({
        label: entryPoint,
        code,
        entryPoint,
        constants: { ROUNDED: rounded },
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
      code,
      entryPoint: 'changes',
      constants: { ROUNDED: 0 },
      bindings: [this.#options, ...none, null, o.before, o.after, o.weights, this.#change],
      workgroups: [slopes.to - slopes.from],
    });
    plan.add({
      label: 'influences',
      code,
      entryPoint: 'influences',
      constants: { ROUNDED: 0 },
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
