/** The aligned model on test users, and what counting comes to on the same, without a model. */
import type { AnswersRow } from '../../evaluate/metrics';
import type { ModelState } from '../../model/languageModel';
import { AttributesTeacher } from '../../sft/teacher';
import { HeldOut } from '../heldOut';
import { purchaseCounts } from '../rewardSources';
import type { Judged, StageTools, WholeStage } from '../stage';
import type { Aligned } from './popo';
import type { TrainingInputs } from './trainingInputs';

export interface Evaluated {
  /** Null where there was no alignment. */
  judged: Judged | null;
  /** After the last step of alignment, where an earlier model is handed over. */
  last: Judged | null;
  counting: Judged<AnswersRow>;
}

type Inputs = TrainingInputs & { popo: Aligned };

export const evaluate: WholeStage<'evaluate', Inputs, Evaluated, Evaluated> = {
  name: 'evaluate',
  reads: ['seed', 'text.history_length', 'popo.steps', 'popo.prompts_per_step', 'popo.num_generations'],
  // Each is asked, and then scored.
  steps: ({ popo: { steps } }, { data, popo }) =>
    2 * data.draw.test.length * (Number(steps > 0) + Number(popo.last !== null)),
  async run(inputs, tools) {
    const { config } = tools;
    const { dataset } = inputs.data;
    const heldOut = new HeldOut(inputs, tools);
    const judged = config.popo.steps > 0 ? await heldOut.testUsers('popo') : null;
    const { best, last: weights } = inputs.popo;
    if (judged !== null && best !== null) judged.row.step = best.step;
    if (judged !== null) tools.emit({ type: 'metrics', row: judged.row, step: tools.steps });
    const last = weights === null ? null : await judgeLast(inputs, tools, weights);
    if (last !== null) {
      last.row.step = config.popo.steps;
      tools.emit({ type: 'metrics', row: last.row, step: tools.steps });
    }
    const untold = { told: false, historyLength: config.text.history_length, temperature: 0 };
    const teacher = new AttributesTeacher(dataset, untold, config.seed);
    const bought = purchaseCounts(dataset);
    const counting = heldOut.judge('counting', (example) => teacher.recommend(example, bought));
    tools.emit({ type: 'counting', row: counting.row });
    return { judged, last, counting };
  },
  open: (made) => made,
  report: ({ judged, last, counting }) => ({
    table: [judged, last].flatMap((each) => (each === null ? [] : [each.row])),
    counting: counting.row,
  }),
  judged: ({ judged, last, counting }) => [judged, last, counting].filter((each) => each !== null),
  *events({ table, counting }, { steps }) {
    for (const row of table ?? [])
      if (row.stage.startsWith('popo')) yield { type: 'metrics', row, step: steps };
    if (counting !== undefined) yield { type: 'counting', row: counting };
  },
};

/** The row of the weights after the last step; the model then has again those that it came with. */
async function judgeLast(
  inputs: Inputs,
  tools: StageTools,
  parameters: ModelState['parameters'],
): Promise<Judged> {
  const { model } = inputs.tokenizer;
  const { hooks, steps } = tools;
  // A checkpoint that is made meanwhile has the last weights as the model's.
  const handedOver = await hooks.work.part('handed over', async () => (await model.snapshot()).parameters);
  const moments = await model.snapshot();
  await model.restore({ ...moments, parameters });
  const onProgress = (done: number) => hooks.onProgress(steps / 2 + done, steps);
  const heldOut = new HeldOut(inputs, { ...tools, hooks: { ...hooks, onProgress } });
  const judged = await heldOut.testUsers('popo-last');
  await model.restore({ ...moments, parameters: handedOver });
  return judged;
}
