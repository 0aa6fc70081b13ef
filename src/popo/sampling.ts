/** Answers that the policy samples, and what they are paid. */
import { type Dataset, type Example, targetItem } from '../data/dataset';
import type { LanguageModel } from '../model/languageModel';
import type { streamKey } from '../numeric/random';
import type { PolicyOptions, RolloutOptions } from './options';
import { type RewardSources, scoreCompletions } from './rewards';
import type { ParsedAnswer } from './rewards/reward';

/** One completion of a step. */
export interface Rollout {
  /** Index into the task's examples. */
  example: number;
  prompt: number[];
  completion: Uint32Array;
  /** ln P of each of its tokens when it was sampled, by the model before the temperature. */
  logps: Float32Array;
  parsed: ParsedAnswer;
  /** [K] */
  rewards: number[];
}

/** Who answers what, and who pays. */
export interface SamplingTask {
  model: Pick<LanguageModel, 'generate'>;
  dataset: Dataset;
  /** Row i of the reward table is `examples[i]`. */
  examples: readonly Example[];
  format: {
    prompt(example: Example): number[];
    parse(completion: ArrayLike<number>): ParsedAnswer;
  };
  /** The token that ends a completion. */
  eosToken: number;
  sources: RewardSources;
}

export type SamplingOptions = Pick<PolicyOptions, 'temperature' | 'maxCompletionLength'> &
  Pick<RolloutOptions, 'numGenerations' | 'topK'>;

/** @param indices [P], of the examples that give the prompts */
export async function rollOut(
  task: SamplingTask,
  options: SamplingOptions,
  indices: readonly number[],
  key: ReturnType<typeof streamKey>,
): Promise<Rollout[]> {
  const { examples, format } = task;
  const prompts = indices.map((index) => format.prompt(examples[index]));
  const { completions, logps } = await task.model.generate({
    prompts,
    numGenerations: options.numGenerations,
    maxNewTokens: options.maxCompletionLength,
    temperature: options.temperature,
    topK: options.topK,
    eosToken: task.eosToken,
    key,
  });
  return completions.map((completion, row) => {
    const prompt = Math.floor(row / options.numGenerations);
    return {
      example: indices[prompt],
      prompt: prompts[prompt],
      completion,
      logps: logps[row],
      parsed: format.parse(completion),
      rewards: [],
    };
  });
}

/** Scores every rollout; fills in its `rewards` and returns them all, [P·G, K]. */
export function rewardRollouts(
  task: Pick<SamplingTask, 'dataset' | 'examples' | 'sources'>,
  rollouts: Rollout[],
): Float32Array {
  const rewards = scoreCompletions(
    rollouts.map(({ parsed, example }) => ({
      parsed,
      example,
      target: targetItem(task.dataset, task.examples[example]),
    })),
    task.sources,
  );
  const K = task.sources.rewards.length;
  rollouts.forEach((rollout, row) => {
    rollout.rewards = Array.from(rewards.subarray(row * K, (row + 1) * K));
  });
  return rewards;
}
