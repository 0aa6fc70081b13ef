/** The aligned model on test users, and what counting comes to on the same, without a model. */
import type { AnswersRow } from '../../evaluate/metrics';
import type { ModelState } from '../../model/languageModel';
import { AttributesTeacher } from '../../sft/teacher';
import { HeldOut } from '../heldOut';
import { purchaseCounts } from '../rewardSources';
import type { Judged, WholeStage } from '../stage';
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
  steps: (_config, { data }) => data.draw.test.length,
  async run(inputs, tools) {
    const { config } = tools;
    const { dataset } = inputs.data;
    const heldOut = new HeldOut(inputs, tools);
    const judged = config.popo.steps > 0 ? await heldOut.testUsers('popo') : null;
    const { best, last: weights } = inputs.popo;
    if (judged !== null && best !== null) judged.row.step = best.step;
    if (judged !== null) tools.emit({ type: 'metrics', row: judged.row, step: tools.steps });
    const last = weights === null ? null : await judgeLast(inputs, heldOut, weights);
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
  { tokenizer: { model } }: Inputs,
  heldOut: HeldOut,
  parameters: ModelState['parameters'],
): Promise<Judged> {
  const handedOver = await model.snapshot();
  await model.restore({ ...handedOver, parameters });
  const judged = await heldOut.testUsers('popo-last');
  await model.restore(handedOver);
  return judged;
}
