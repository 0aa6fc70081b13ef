/**
 * SFT: fine-tuning on the reasoning that survived. `sft.cot: false` is the control on the very prompts whose CoTs were
 * kept: answers only.
 */
import { type Dataset, type Example, targetItem } from '../../data/dataset';
import { needsOf } from '../../data/needs';
import { embeddedTeacher } from '../../sft/embedded';
import { needSentence } from '../../sft/teacher';
import { rehearsalSequences } from '../../sft/warmup';
import { cotSequences, shuffledBatches } from '../batches';
import type { RunConfig } from '../config';
import { HeldOut } from '../heldOut';
import { heldOutEvents, lossEvents, type ResumableStage } from '../stage';
import { supervise } from '../supervise';
import type { Kept } from './orft';
import type { Taught } from './rupr';
import type { TrainingInputs } from './trainingInputs';
import { type SupervisedMade, supervisedReport, supervisedRows } from './warmup';

type Inputs = TrainingInputs & { rupr: Taught; orft: Kept };

export const sft: ResumableStage<'sft', Inputs, SupervisedMade, SupervisedMade> = {
  name: 'sft',
  reads: ['seed', 'sft', 'optimizer', 'text.history_length', 'popo.prompts_per_step', 'popo.num_generations'],
  glances: ['popo.rewards', 'popo.semantic_exponent'],
  steps: (config) => config.sft.steps,
  begin: () => ({ judged: null, samples: [] }),
  async run(inputs, tools, made) {
    const { config, own } = tools;
    const { dataset, draw } = inputs.data;
    const { model, format, length } = inputs.tokenizer;
    const heldOut = new HeldOut(inputs, tools);
    const asked = config.sft.cot
      ? bestArguments(dataset, draw.curve, config)
      : draw.curve.map((example) => ({ example, cot: null }));
    if (tools.from === 0) {
      await model.resetOptimizer();
      own.heldOutLoss[0] = await heldOut.answerLoss(asked, 'before');
    }
    const kept = inputs.orft.kept.map((index) => inputs.rupr.cots[index]);
    const sequences = cotSequences(kept, draw.prompts, format, config.sft.cot);
    const batches = { seed: config.seed, size: config.sft.batch_size, length };
    const { catalogue_sentences: sentences } = config.sft;
    const rehearsed = (step: number) =>
      sentences === 0 ? [] : rehearsalSequences(format, sentences, config.seed, step);
    await supervise(
      model,
      tools,
      ({ sft }) => sft,
      shuffledBatches('sft', sequences, { ...batches, more: rehearsed }),
    );
    own.heldOutLoss[1] = await heldOut.answerLoss(asked, 'after');
    Object.assign(made, await heldOut.afterStage('sft'));
  },
  open: (made) => made,
  report: supervisedReport,
  judged: supervisedRows,
  *events(report, own) {
    yield* lossEvents(own);
    yield* heldOutEvents(report, own, 'sft');
  },
};

/** What the embedded teacher would say of each example, told the item and at its best, where it concludes rightly. */
export function bestArguments(
  dataset: Dataset,
  examples: readonly Example[],
  { seed, text }: RunConfig,
): { example: Example; cot: string }[] {
  const options = { told: true, historyLength: text.history_length, temperature: 0 };
  const teacher = embeddedTeacher(dataset, options, seed);
  const all = examples.map((example) => ({ example, cot: teacher.explain(example, 0).text }));
  const needs = needsOf(dataset);
  const right = all.filter(({ example, cot }) =>
    cot.endsWith(needSentence(needs[targetItem(dataset, example)])),
  );
  return right.length > 0 ? right : all;
}
