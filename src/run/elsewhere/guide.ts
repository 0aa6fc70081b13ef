/** The folder's README.md: the one command, and in honest words what is the same elsewhere and what is not. */
import { aggregationOf, policyOptions } from '../../popo/options';
import { ruleOf } from '../../popo/rules';
import { usesGradients } from '../../popo/rules/rule';
import type { RunConfig } from '../config';
import type { BatchPlan } from './grpoConfig';
import type { ElsewhereRows } from './rows';

export interface GuideFacts {
  config: RunConfig;
  rows: ElsewhereRows;
  /** Tokens. */
  promptLength: number;
  completionLength: number;
}

const FILES = `| file | what it holds |
| --- | --- |
| \`model/\` | the model after SFT: where alignment begins, and the reference of the KL term |
| \`train.jsonl\` | the prompts, in the order of the run, with \`sample_id\`, \`target_item\` and \`user_row\` |
| \`sft.jsonl\` | the prompts and completions that SFT learnt from |
| \`rewards.py\`, \`tables/\` | the run's rewards, and what they look up |`;

function leftOut({ leftOut }: ElsewhereRows): string[] {
  const parts = [
    ...(leftOut.prompts > 0 ? [`${leftOut.prompts} prompts`] : []),
    ...(leftOut.taught > 0 ? [`${leftOut.taught} rows of SFT`] : []),
  ];
  if (parts.length === 0) return [];
  return [
    `- ${parts.join(' and ')} are left out: their text reads as other tokens than the run's (a title cut within a word, say).`,
  ];
}

/** What the trainer here does not do as the run does. */
function rulesApart({ popo }: RunConfig): string[] {
  const rule = ruleOf(popo.weighting);
  const found: string[] = [];
  if (rule.needs === 'influence' && popo.influence !== 'batch')
    found.push(
      `- The run measures influence by \`${popo.influence}\`. Here it is measured by \`batch\`, which counts sampling noise as influence.`,
    );
  if (rule.needs === 'influence' && popo.influence_prompts > 0)
    found.push(
      `- The run measures influence on ${popo.influence_prompts} prompts. Here it is measured on all.`,
    );
  if (usesGradients(rule))
    found.push(
      `- \`${popo.weighting}\` compares the gradients of the single rewards. They must be whole on each device: one GPU, DDP, or ZeRO 0 to 2. ` +
        'With FSDP or ZeRO 3 the trainer says so and stops; `"weighting": "popo-light"` in `popo.json` works everywhere.',
      "- TRL logs `reward` under the weights before the step's change; `reward_weights/…` are those after it.",
    );
  return found;
}

export function trlGuide({ config, rows }: GuideFacts, plan: BatchPlan): string {
  const { popo } = config;
  return `# A run of taiji-lab, to go on with in TRL

    pip install "trl>=1.10" accelerate
    accelerate launch --num_processes ${plan.processes} popo_trainer.py --config grpo.yaml

The aligned model comes to lie in \`aligned/\`. Options on the command line go before those of the file, as \`--learning_rate 2e-5\`.
For DeepSpeed, add \`--use_deepspeed --zero_stage 2\` behind \`launch\`. For vLLM, install it and add \`--use_vllm true\`.

${FILES}
| \`grpo.yaml\` | the run's options, in the words of TRL's \`GRPOConfig\` |
| \`popo_trainer.py\`, \`popo_rules.py\`, \`popo.json\` | the weighting of the rewards, \`${popo.weighting}\` |

## What is the same

- The start: the weights after SFT, to the bit, and the tokens of every prompt.
- The rewards: \`rewards.py\` gives those of the app to within 0.000001. An answer that does not parse, or names no item, gets 0.0.
- The arithmetic of GRPO: clipping, the KL term, advantages, the mean over tokens, the rule that weighs the rewards.
- The order of the prompts, for one epoch.

## What is not

- The answers: they are sampled by other code, with other random numbers. So no two runs agree in their numbers.
- The bits: other kernels round differently. On GPUs you may want \`bf16: true\`, which the run does not use.
- The learning rate: transformers begins its warm-up at 0, so the schedule is one update late.
- The weights of the rewards are not in TRL's checkpoints: a training that is resumed begins again at \`reward_weights\`.
${[...rulesApart(config), ...leftOut(rows)].map((line) => `${line}\n`).join('')}
TRL decodes completions without special tokens. That is why \`<think>\`, \`</think>\`, \`<answer>\`, \`</answer>\` and \`<sep>\` are ordinary tokens in
\`model/tokenizer.json\`: otherwise no tag would reach a reward. \`</answer>\` ends a sequence, so transformers drops it from the text all the same.
The rewards therefore read the token ids that TRL hands over, and the text only where there are none.
`;
}

export function verlGuide({ config, rows, promptLength, completionLength }: GuideFacts): string {
  const { popo } = config;
  const options = policyOptions(popo, completionLength);
  const isFixed =
    ruleOf(popo.weighting).needs === 'nothing' && aggregationOf(options) === 'sum_then_normalize';
  return `# A run of taiji-lab, to go on with in verl

verl reads Parquet, and knows one reward. From this folder:

    python -c "from datasets import load_dataset as load; load('json', data_files='train.jsonl', split='train').to_parquet('train.parquet')"
    python -m verl.trainer.main_ppo algorithm.adv_estimator=grpo data.train_files=train.parquet data.val_files=train.parquet \\
      data.train_batch_size=${popo.prompts_per_step} data.max_prompt_length=${promptLength} data.max_response_length=${completionLength} data.shuffle=False \\
      actor_rollout_ref.model.path=model actor_rollout_ref.rollout.n=${popo.num_generations} actor_rollout_ref.rollout.temperature=${popo.temperature} \\
      actor_rollout_ref.actor.optim.lr=${popo.learning_rate} actor_rollout_ref.actor.use_kl_loss=True actor_rollout_ref.actor.kl_loss_coef=${popo.beta} \\
      actor_rollout_ref.actor.kl_loss_type=low_var_kl custom_reward_function.path=rewards.py custom_reward_function.name=compute_score

This is the data and the reward, not a tuned set-up: verl wants its own sizes of batches, and which rollout engine to take. The command follows
verl's documentation and was not run by us.

${FILES}

## What is the same

- The start: the weights after SFT, to the bit, and the tokens of every prompt. The chat template adds nothing to a prompt.
- The rewards: \`compute_score\` gives each of them, and as \`score\` their sum under the weights ${popo.reward_weights.join(', ')}.

## What is not

${isFixed ? '' : `- The weighting: verl takes one number per answer, so the weights stay where they began. \`${popo.weighting}\` goes on in TRL, by \`--to trl\`.\n`}- The answers, the order of the updates and the bits.
- The tags are found in the text: verl hands no token ids over. So that \`</answer>\` stays in it, \`generation_config.json\` alone says that it ends a sequence.
${leftOut(rows)
  .map((line) => `${line}\n`)
  .join('')}`;
}
