/** What a run's settings make of the page's words: who is held out, what a stage does, what aligns. */
import type { MetricsRow } from '../../evaluate/metrics';
import type { Compiling } from '../../gpu/device';
import { ruleOf } from '../../popo/rules';
import type { RunConfig } from '../../run/config';
import type { StageName } from '../../run/report';

/** A world holds out people; an import only the last behaviours of everybody, so all its splits have the same users. */
export function heldOutWords({ data }: RunConfig): { title: string; many: string; one: string } {
  return data.source === 'world'
    ? { title: 'Held-out users', many: 'users it never saw', one: 'One shopper it never trained on' }
    : {
        title: 'Held-out behaviours',
        many: 'behaviours it never saw, of users it knows',
        one: 'One behaviour it never trained on',
      };
}

/** What aligns: GRPO by itself where the rule changes nothing in it, else the rule. */
export function alignmentName({ popo }: RunConfig): string {
  const { needs, aggregation, draw, label } = ruleOf(popo.weighting);
  const isPlain = needs === 'nothing' && aggregation === null && draw === undefined;
  return popo.rewards.length === 1 || isPlain ? 'GRPO' : label;
}

/** A run in a few words. */
export function runTitle(config: RunConfig): string {
  return `${config.preset}, seed ${config.seed}, ${alignmentName(config)}`;
}

/** Whether the weights move: with one reward there is nothing to weigh. */
export function movesWeights({ popo }: RunConfig): boolean {
  return popo.rewards.length > 1 && ruleOf(popo.weighting).needs !== 'nothing';
}

/** Whether each step draws its weights, so that any can be chosen afterwards. */
export function drawsWeights({ popo }: RunConfig): boolean {
  return popo.rewards.length > 1 && ruleOf(popo.weighting).draw !== undefined;
}

function rewardsInWords({ popo }: RunConfig): string {
  const { length } = popo.rewards;
  return length === 1 ? 'its reward' : length === 2 ? 'both rewards' : `its ${length} rewards`;
}

/** What is waited for while the device's compiler is at work. */
export function compilingWords({ built, asked }: Compiling): string {
  return `compiling kernels ${built} of ${asked}`;
}

interface StageWords {
  label: string;
  does: string;
  /** What the paper or the field calls it. */
  code: string;
}

/** A stage in mid-sentence. */
export function inSentence(name: string, config: RunConfig): string {
  const { label } = stageWords(name as StageName, config);
  return label.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase());
}

/** Each stage in a few words, as they are true of a run with this config. */
export function stageWords(name: StageName, config: RunConfig): StageWords {
  const { rupr, orft, sft, popo, ranking } = config;
  switch (name) {
    case 'data':
      return { label: 'Data', does: 'Who bought what, after what', code: '' };
    case 'tokenizer':
      return { label: 'Tokenizer', does: 'Cut words into pieces', code: 'BPE' };
    case 'ranker':
      return { label: 'ID reward', does: 'A ranker learns who buys', code: 'ESMM' };
    case 'encoder':
      return { label: 'Semantic reward', does: 'Learn which titles mean alike', code: '' };
    case 'warmup':
      return { label: 'Warm-up', does: 'History in, next item out', code: '' };
    case 'rupr':
      return {
        label: 'Reasoning',
        does:
          rupr.teacher === 'file'
            ? 'Read the reasoning of a file'
            : rupr.told
              ? 'Argue back from the purchase'
              : 'Argue without being told the purchase',
        code: 'RUPR',
      };
    case 'orft':
      return {
        label: 'Rejection',
        does:
          orft.threshold === 'none' ? 'Score the reasoning, keep all of it' : 'Drop reasoning that misleads',
        code: 'ORFT',
      };
    case 'sft':
      return {
        label: 'Fine-tuning',
        does: sft.cot ? 'Learn to reason and answer' : 'Learn to answer, without reasoning',
        code: 'SFT',
      };
    case 'popo':
      return {
        label: 'Alignment',
        does: `Reinforce ${rewardsInWords(config)}${popo.rewards.length === 1 ? '' : movesWeights(config) ? ', weighed anew' : drawsWeights(config) ? ', weights drawn' : ', weights fixed'}`,
        code: alignmentName(config),
      };
    case 'evaluate':
      return { label: 'Evaluation', does: `Measure on ${heldOutWords(config).many}`, code: '' };
    case 'baselines':
      return { label: 'Baselines', does: 'Ask recommenders without language', code: '' };
    case 'features':
      return {
        label: 'Features',
        does: ranking.users === 0 ? 'Left out' : 'Reason about those to rank for',
        code: '',
      };
    case 'ranking':
      return {
        label: 'Ranking',
        does: ranking.users === 0 ? 'Left out' : 'Rank with and without it',
        code: 'PQ, ESMM',
      };
  }
}

/** A row of the stage table by its stage's label. */
export function rowLabel({ stage, step }: Pick<MetricsRow, 'stage' | 'step'>, config: RunConfig): string {
  if (stage === 'warmup' || stage === 'sft') return stageWords(stage as StageName, config).label;
  if (!stage.startsWith('popo')) return stage;
  const which = step === undefined ? '' : `, ${stage === 'popo' ? 'best' : 'last'} (step ${step})`;
  return stageWords('popo', config).label + which;
}
/** What the samples of a stage wait for. */
export function sampleWords(config: RunConfig): { stage: StageName; title: string; waits: string }[] {
  return [
    { stage: 'warmup', title: 'After warm-up', waits: 'Appears when the backbone is warm' },
    {
      stage: 'sft',
      title: 'After fine-tuning',
      waits: `Appears when it has learnt to ${config.sft.cot ? 'reason' : 'answer'}`,
    },
    {
      stage: 'popo',
      title: `With ${alignmentName(config)}`,
      waits: `Appears as ${rewardsInWords(config)} ${config.popo.rewards.length === 1 ? 'is' : 'are'} reinforced`,
    },
  ];
}

/** What the teacher knew, which a reader must know to judge the gain. */
export function teacherWords({ rupr }: RunConfig): { title: string; text: string } {
  if (rupr.teacher === 'file')
    return {
      title: 'The reasoning came from a file.',
      text: 'What its writer was told of the purchase, the page cannot know; part of the gain may be that.',
    };
  if (rupr.told)
    return {
      title: 'The teacher knows the answer.',
      text:
        'It is told the next item and argues backwards to it. The model must reason without being told; part of its gain is ' +
        'what the teacher knew.',
    };
  return {
    title: 'The teacher is not told the answer.',
    text: 'It argues from the history alone, as the model must: the control, to see what being told is worth.',
  };
}
