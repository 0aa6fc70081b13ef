/** The run's config in TRL's words: grpo.yaml, and popo.json for what TRL has no word for. */
import { aggregationOf, policyOptions } from '../../popo/options';
import type { RunConfig } from '../config';
import { PYTHON_NAMES } from './tables';

/** How one step's rollouts are spread over machines: promptsPerStep · G = perDevice · processes · accumulation. */
export interface BatchPlan {
  processes: number;
  perDevice: number;
  accumulation: number;
}

/** Rollouts that a device takes at once; a larger model wants fewer. */
const MOST_PER_DEVICE = 64;

/** @throws Error when the rollouts cannot be shared out evenly, or TRL cannot group them */
export function batchPlan({ popo }: Pick<RunConfig, 'popo'>, processes: number): BatchPlan {
  const rollouts = popo.prompts_per_step * popo.num_generations;
  if (popo.num_generations < 2)
    throw new Error(
      'TRL compares the answers to one prompt, so it wants popo.num_generations of at least 2.',
    );
  if (!Number.isInteger(processes) || processes < 1 || rollouts % processes !== 0)
    throw new Error(
      `${rollouts} rollouts a step (${popo.prompts_per_step} prompts × ${popo.num_generations}) cannot be shared by ` +
        `${processes} processes: take a number that divides them.`,
    );
  const share = rollouts / processes;
  let perDevice = Math.min(share, MOST_PER_DEVICE);
  while (share % perDevice !== 0) perDevice--;
  return { processes, perDevice, accumulation: share / perDevice };
}

type YamlValue = number | string | boolean | number[] | Record<string, number>;

/** A field of GRPOConfig: its value here, and TRL's default where that is another. */
interface Setting {
  value: YamlValue;
  default?: YamlValue;
  why?: string;
}

/** TRL multiplies nothing and adds no advantages: popo_trainer.py does, and TRL's own is then only what it logs. */
const TRL_AGGREGATIONS = ['sum_then_normalize', 'normalize_then_sum'];

function settings(config: RunConfig, completionLength: number, plan: BatchPlan): Record<string, Setting> {
  const { popo, optimizer, seed } = config;
  const updates = popo.steps * popo.num_iterations;
  const aggregation = aggregationOf(policyOptions(popo, completionLength));
  // 0 steps leave POPO out here; elsewhere the paper's one epoch is the better start.
  const length: Record<string, Setting> =
    updates > 0
      ? { max_steps: { value: updates, default: -1 } }
      : { num_train_epochs: { value: 1, default: 3 } };
  return {
    output_dir: { value: 'aligned' },
    seed: { value: seed, default: 42 },
    ...length,
    num_generations: { value: popo.num_generations, default: 8 },
    per_device_train_batch_size: { value: plan.perDevice, default: 8 },
    gradient_accumulation_steps: { value: plan.accumulation, default: 1 },
    num_iterations: { value: popo.num_iterations, default: 1 },
    shuffle_dataset: { value: false, default: true, why: "train.jsonl is in the run's order" },
    max_completion_length: { value: completionLength, default: 512 },
    temperature: { value: popo.temperature, default: 1 },
    top_k: { value: popo.top_k, default: 0 },
    beta: { value: popo.beta, default: 0 },
    epsilon: { value: popo.epsilon, default: 0.2 },
    epsilon_high: { value: popo.epsilon_high, default: popo.epsilon },
    loss_type:
      popo.loss_type === 'bnpo'
        ? { value: 'dapo', why: "bnpo of a whole step: TRL's own bnpo averages within each micro-batch" }
        : { value: popo.loss_type, default: 'dapo' },
    scale_rewards: { value: popo.scale_rewards, default: 'group' },
    reward_weights: { value: popo.reward_weights, default: 'all 1', why: 'w(0)' },
    multi_objective_aggregation: TRL_AGGREGATIONS.includes(aggregation)
      ? { value: aggregation, default: 'sum_then_normalize' }
      : { value: 'sum_then_normalize', why: `popo_trainer.py puts ${aggregation} in its place` },
    learning_rate: { value: popo.learning_rate, default: 1e-6 },
    lr_scheduler_type: { value: 'cosine_with_min_lr', default: 'linear' },
    lr_scheduler_kwargs: { value: { min_lr_rate: 0.1 }, default: 'none' },
    warmup_steps: { value: updates > 0 ? Math.max(1, Math.round(0.05 * updates)) : 0, default: 0 },
    weight_decay: { value: optimizer.weight_decay, default: 0 },
    adam_beta1: { value: optimizer.beta1, default: 0.9 },
    adam_beta2: { value: optimizer.beta2, default: 0.999 },
    adam_epsilon: { value: optimizer.eps, default: 1e-8 },
    max_grad_norm: { value: optimizer.max_grad_norm, default: 1 },
    bf16: { value: false, default: true, why: 'the run trains in f32' },
    gradient_checkpointing: { value: false, default: true },
    logging_steps: { value: 1, default: 10 },
    report_to: { value: 'none', why: 'name a tracker to have one' },
  };
}

/** grpo.yaml */
export function grpoYaml(config: RunConfig, completionLength: number, plan: BatchPlan): string {
  const { processes, perDevice, accumulation } = plan;
  const { prompts_per_step: P, num_generations: G } = config.popo;
  const lines = Object.entries(settings(config, completionLength, plan)).map(([name, setting]) => {
    const { value, why } = setting;
    const isOther = setting.default !== undefined && yaml(setting.default) !== yaml(value);
    const notes = [...(isOther ? [`TRL: ${yaml(setting.default!)}`] : []), ...(why ? [why] : [])];
    return `${name}: ${yaml(value)}${notes.length > 0 ? `  # ${notes.join('; ')}` : ''}`;
  });
  return [
    "# The run's alignment in the words of TRL's GRPOConfig (1.10). Where TRL's default is another, it stands behind.",
    `# ${P} prompts x ${G} generations = ${perDevice} per device x ${processes} ${processes === 1 ? 'process' : 'processes'} x ${accumulation} accumulated = ${P * G} rollouts a step.`,
    '# With another number of processes, change gradient_accumulation_steps so that the product stays.',
    ...lines,
    '',
  ].join('\n');
}

/** YAML 1.1 reads 1e-8 as a text: a number wants its point. */
function yaml(value: YamlValue): string {
  if (typeof value === 'number') {
    const text = String(value);
    return text.includes('e') && !text.includes('.') ? text.replace('e', '.0e') : text;
  }
  if (Array.isArray(value)) return `[${value.map(yaml).join(', ')}]`;
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([name, part]) => `${name}: ${yaml(part)}`)
      .join(', ')}}`;
  return String(value);
}

/** What the rules of some runs are told besides. */
function ofRule(popo: RunConfig['popo'], level: number | null): Record<string, number> {
  if (popo.weighting === 'correlation')
    return { correlation_rate: popo.correlation_rate, correlation_target: popo.correlation_target };
  if (popo.weighting !== 'constraint' || level === null) return {};
  const constrained = popo.rewards.indexOf(popo.constrained);
  return { constrained, level, constraint_step: popo.constraint_step };
}

/**
 * popo.json, for popo_trainer.py and popo_rules.py.
 * @param level that `constraint` holds its reward at; null where nothing is held
 */
export function popoSettings({ popo }: RunConfig, completionLength: number, level: number | null) {
  return {
    weighting: popo.weighting,
    rewards: popo.rewards.map((name) => PYTHON_NAMES[name]),
    aggregation: aggregationOf(policyOptions(popo, completionLength)),
    scale_rewards: popo.scale_rewards,
    eta_over_mu: popo.eta_over_mu,
    min_weight: popo.min_weight,
    influence_every: popo.influence_every,
    influence_scope: popo.influence_scope,
    objective_max_norm: popo.objective_max_norm,
    ...ofRule(popo, level),
  };
}
