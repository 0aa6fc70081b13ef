/**
 * The level that the rule `constraint` holds a reward at: what the model earned when alignment began. It is measured as a step measures r̄: on
 * the prompts of training, sampled at the step's temperature. Validation users would be another thing: fine-tuning has left the model
 * better at what training asks, so that their level would leave r̄ room to fall before anything is held.
 */
import { streamKey } from '../numeric/random';
import { moments } from './advantages';
import { rewardRollouts, rollOut, type SamplingOptions, type SamplingTask } from './sampling';

/** Prompts that a level is the mean over: with rewards in [0, 1] its standard error is then at most .032. */
const LEVEL_PROMPTS = 256;

/**
 * The mean of each reward [K] over the model's sampled answers to prompts that lie evenly among the task's, in batches as a step has them. A
 * pure function of seed, model, task and options. And how many answers that took.
 * @param training.promptsPerStep P, of each batch
 */
export async function rewardLevel(
  task: SamplingTask,
  training: { seed: number; promptsPerStep: number },
  options: SamplingOptions,
): Promise<{ rewards: number[]; answers: number }> {
  const { seed, promptsPerStep: P } = training;
  const there = task.examples.length;
  const batches = Math.max(1, Math.min(Math.ceil(LEVEL_PROMPTS / P), Math.floor(there / P)));
  const K = task.sources.rewards.length;
  const paid: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const at = (index: number) => Math.floor(((batch * P + index) * there) / (batches * P));
    const indices = Array.from({ length: P }, (_, index) => at(index));
    const rollouts = await rollOut(task, options, indices, streamKey(seed, 'level', batch));
    paid.push(...rewardRollouts(task, rollouts));
  }
  const answers = paid.length / K;
  return { rewards: Array.from({ length: K }, (_, k) => moments(paid, k, answers, K).mean), answers };
}
