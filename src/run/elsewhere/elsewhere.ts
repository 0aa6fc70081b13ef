/**
 * *Continue elsewhere*: a folder that goes on with the same rewards where there are more GPUs. Hugging Face TRL gets everything, verl the
 * data, the model and the rewards. Python files are shipped as they lie beside this one.
 */
import type { Dataset } from '../../data/dataset';
import { exportModel } from '../../model/safetensors';
import { ruleOf } from '../../popo/rules';
import type { Tokenizer } from '../../text/tokenizer';
import type { RunFile } from '../files';
import type { RunCheckpoint } from '../runState';
import { batchPlan, grpoYaml, popoSettings } from './grpoConfig';
import { type GuideFacts, trlGuide, verlGuide } from './guide';
import popoRules from './popo_rules.py?raw';
import popoTrainer from './popo_trainer.py?raw';
import rewards from './rewards.py?raw';
import { elsewhereRows, type PromptRow } from './rows';
import { type AlignmentStart, alignmentStart } from './start';
import { rewardTables } from './tables';

/** Trainers that a run can go on with. */
export const TRAINERS = ['trl', 'verl'] as const;
export type ElsewhereTrainer = (typeof TRAINERS)[number];

export interface ElsewhereOptions {
  to: ElsewhereTrainer;
  /** GPUs, one process each: TRL's batch is divided by it. */
  processes?: number;
}

/**
 * The files of the folder, their names with `/`.
 * @throws Error when the run has not come as far as the end of SFT, or what is wrong with the options
 */
export function elsewhereFiles(
  checkpoint: RunCheckpoint,
  dataset: Dataset,
  { to, processes = 1 }: ElsewhereOptions,
): RunFile[] {
  const start = alignmentStart(checkpoint, dataset);
  const { config, format } = start;
  if (ruleOf(config.popo.weighting).draw !== undefined)
    throw new Error(
      'popo.weighting=conditioned trains a model for each reward, which neither TRL nor verl can: export a run with another weighting.',
    );
  const plan = to === 'trl' ? batchPlan(config, processes) : null;
  const rows = elsewhereRows(start);
  const { maxPromptLength, maxCompletionLength } = format.options;
  const facts: GuideFacts = {
    config,
    rows,
    promptLength: maxPromptLength,
    completionLength: maxCompletionLength,
  };
  const common = [
    ...modelFolder(start, to),
    jsonLines('sft.jsonl', rows.taught),
    textFile('rewards.py', rewards),
    ...rewardTables(start),
  ];
  if (plan === null)
    return [
      textFile('README.md', verlGuide(facts)),
      jsonLines('train.jsonl', rows.prompts.map(verlRow)),
      ...common,
    ];
  return [
    textFile('README.md', trlGuide(facts, plan)),
    jsonLines('train.jsonl', rows.prompts),
    ...common,
    textFile('grpo.yaml', grpoYaml(config, maxCompletionLength, plan)),
    textFile(
      'popo.json',
      `${JSON.stringify(popoSettings(config, maxCompletionLength, heldAt(start)), null, 2)}\n`,
    ),
    textFile('popo_trainer.py', popoTrainer),
    textFile('popo_rules.py', popoRules),
  ];
}

/**
 * b of `constraint`, which only a run that has held something knows.
 * @throws Error where it has not
 */
function heldAt({ config: { popo }, made }: AlignmentStart): number | null {
  if (popo.weighting !== 'constraint') return null;
  const level = made.popo?.levels?.find(({ temperature }) => temperature === popo.temperature);
  if (level === undefined)
    throw new Error(
      'This run has not measured yet what popo.weighting=constraint is to hold, so TRL could not hold it: let its alignment take a step first.',
    );
  return popo.constraint_margin * level.rewards[popo.rewards.indexOf(popo.constrained)];
}

function modelFolder({ made, weights, tokenizer }: AlignmentStart, to: ElsewhereTrainer): RunFile[] {
  const special = { pad: tokenizer.special.pad, eos: tokenizer.special.endAnswer };
  return [
    ...exportModel(made.tokenizer.shape, weights, special),
    jsonFile('generation_config.json', { eos_token_id: special.eos, pad_token_id: special.pad }),
    jsonFile('tokenizer.json', withPlainTags(tokenizer)),
    jsonFile('tokenizer_config.json', tokenizerConfig(tokenizer, to)),
  ].map(({ name, bytes }) => ({ name: `model/${name}`, bytes }));
}

/**
 * Whatever transformers knows by a role it drops when decoding, though tokenizer.json calls it ordinary. So `<unk>` has no role here.
 * `</answer>` must be the end of a sequence for TRL, whose rewards read token ids. For verl, whose rewards read text, generation_config.json
 * alone says that it ends one; and a chat of one message, which is all that verl knows, reads as that message.
 */
function tokenizerConfig(tokenizer: Tokenizer, to: ElsewhereTrainer): object {
  const { unk_token, ...config } = tokenizer.configJSON();
  if (to === 'trl') return config;
  const chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}";
  return { ...config, eos_token: config.pad_token, chat_template };
}

/** Decoding that skips special tokens, as trainers do, must leave the tags that the rewards read. */
function withPlainTags(tokenizer: Tokenizer): object {
  const json = tokenizer.toJSON() as { added_tokens: { special: boolean }[] };
  return { ...json, added_tokens: json.added_tokens.map((token) => ({ ...token, special: false })) };
}

/** A line in verl's columns. */
function verlRow({ prompt, ...row }: PromptRow, index: number): object {
  return {
    data_source: 'taiji-lab',
    prompt: [{ role: 'user', content: prompt }],
    ability: 'recommendation',
    reward_model: { style: 'rule', ground_truth: String(row.target_item) },
    extra_info: { index, ...row },
  };
}

function textFile(name: string, text: string): RunFile {
  return { name, bytes: new TextEncoder().encode(text) };
}

function jsonFile(name: string, value: object): RunFile {
  return textFile(name, `${JSON.stringify(value)}\n`);
}

function jsonLines(name: string, rows: readonly object[]): RunFile {
  return textFile(name, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
