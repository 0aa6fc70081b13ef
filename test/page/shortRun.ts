/** A run with every stage in it, so short that two CPU cores take it through in about a minute, on SwiftShader. */
import { parseConfig, type RunConfig } from '../../src/run/config';
import { applyDiff, type ConfigDiff } from '../../src/run/diff';
import { v1 } from '../v1';

const SHORT: ConfigDiff = {
  'data.num_users': 300,
  'data.num_heldout_users': 40,
  'warmup.steps': 24,
  'rupr.prompts': 60,
  'orft.scorer_steps': 6,
  'sft.steps': 16,
  'ranker.steps': 20,
  'encoder.steps': 10,
  'popo.steps': 3,
  'popo.prompts_per_step': 4,
  'evaluate.users': 16,
  'evaluate.curve_users': 8,
  'evaluate.curve_every': 2,
  'ranking.users': 20,
  'ranking.steps': 8,
  'ranking.tuning_steps': 4,
};

export function shortRun(diff: ConfigDiff = {}): RunConfig {
  return parseConfig(applyDiff(v1('tiny'), { ...SHORT, ...diff }));
}
