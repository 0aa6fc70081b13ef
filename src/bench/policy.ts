/** How fast the engine samples, and what POPO's weighting costs: whole steps, each a rollout and one update of the policy. */
import { BENCH_HYPER } from '../model/benchShape';
import { ROLLOUT, rolloutOptions } from '../model/engineSpeed';
import type { GenerateOptions } from '../model/languageModel';
import type { Transformer } from '../model/transformer';
import { median } from '../numeric/median';
import { Random, streamKey } from '../numeric/random';
import { CompiledPolicyOptimizer } from '../popo/compiledUpdate';
import { type PolicyOptions, policyOptions } from '../popo/options';
import type { PolicyBatch } from '../popo/policy';
import { rolloutBatch } from '../popo/rollouts';
import { presetConfig } from '../run/presets';
import type { BenchResult } from './core';

const { prompts: PROMPTS, generations: GENERATIONS, newTokens: NEW_TOKENS } = ROLLOUT;
const ROUNDS = 6;
/** What is held against a step with fixed weights. */
const VARIANTS = {
  fixed: { weighting: 'fixed' },
  popo: { weighting: 'popo' },
  // No step of a bench has a number that this divides: what `influenceEvery` leaves of a step that measures nothing.
  'popo, not measuring': { weighting: 'popo', influenceEvery: 1_000_000 },
  'popo, halves': { weighting: 'popo', influence: 'halves' },
  'popo, halves of half the prompts': {
    weighting: 'popo',
    influence: 'halves',
    influencePrompts: PROMPTS / 2,
  },
  'popo, halves of a quarter': { weighting: 'popo', influence: 'halves', influencePrompts: PROMPTS / 4 },
  'popo, momentum': { weighting: 'popo', influence: 'momentum' },
  mgda: { weighting: 'mgda' },
} as const satisfies Record<string, Partial<PolicyOptions>>;
type Variant = keyof typeof VARIANTS;
const NAMES = Object.keys(VARIANTS) as Variant[];

/**
 * Tokens per second of batched sampling (prompts read and completions read back), and the ratios of step times. The
 * variants take turns, and no completion ends early.
 */
export async function policyFacts(
  model: Transformer,
): Promise<Pick<BenchResult, 'rollout_tokens_per_s' | 'over_fixed'>> {
  const options = rolloutOptions(model.config);
  await model.freezeReference();
  const optimizers = new Map(NAMES.map((name) => [name, policyOptimizer(model, VARIANTS[name])]));
  const rolloutTimes: number[] = [];
  const stepTimes = new Map(NAMES.map((name) => [name, [] as number[]]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, optimizer] of optimizers) {
      const start = performance.now();
      const { completions } = await model.generate({ ...options, key: streamKey(1, 'bench', round) });
      const sampled = performance.now();
      await optimizer.update(policyBatch(options, completions, round), { ...BENCH_HYPER, step: round + 1 });
      // The first round compiles.
      if (round === 0) continue;
      stepTimes.get(name)!.push(performance.now() - start);
      rolloutTimes.push(sampled - start);
    }
  }
  for (const optimizer of optimizers.values()) optimizer.destroy();
  const tokens = PROMPTS * GENERATIONS * options.maxNewTokens;
  // The least disturbed step of each: what else a machine does only ever adds.
  const time = (name: Variant) => Math.min(...stepTimes.get(name)!);
  return {
    rollout_tokens_per_s: (1000 * tokens) / median(rolloutTimes),
    over_fixed: {
      ...Object.fromEntries(NAMES.slice(1).map((name) => [name, time(name) / time('fixed')])),
      'popo, every fourth step': (time('popo') + 3 * time('popo, not measuring')) / (4 * time('fixed')),
    },
  };
}

function policyOptimizer(model: Transformer, variant: Partial<PolicyOptions>): CompiledPolicyOptimizer {
  return new CompiledPolicyOptimizer(model, {
    ...policyOptions(presetConfig({ preset: 'small', version: 1 }).popo, NEW_TOKENS),
    ...variant,
    rewardWeights: [0.5, 0.5],
    probeEvery: 0,
  });
}

/** Random rewards: no group of them is without an advantage. */
function policyBatch(
  { prompts }: Pick<GenerateOptions, 'prompts'>,
  completions: Uint32Array[],
  step: number,
): PolicyBatch {
  const random = new Random(1, 'bench rewards', step);
  return {
    batch: rolloutBatch(prompts, completions, prompts[0].length + completions[0].length),
    groupSize: GENERATIONS,
    rewards: Float32Array.from({ length: completions.length * 2 }, () => random.uniform()),
    numRewards: 2,
    step,
    iteration: 0,
  };
}
