/** The aligned model on test users, and what counting comes to on the same, without a model. */
import type { AnswersRow } from '../../evaluate/metrics';
import { AttributesTeacher } from '../../sft/teacher';
import { HeldOut } from '../heldOut';
import { purchaseCounts } from '../rewardSources';
import type { Judged, WholeStage } from '../stage';
import type { TrainingInputs } from './trainingInputs';

export interface Evaluated {
  /** Null where there was no alignment. */
  judged: Judged | null;
  counting: Judged<AnswersRow>;
}

export const evaluate: WholeStage<'evaluate', TrainingInputs, Evaluated, Evaluated> = {
  name: 'evaluate',
  reads: ['seed', 'text.history_length', 'popo.steps', 'popo.prompts_per_step', 'popo.num_generations'],
  steps: (_config, { data }) => data.draw.test.length,
  async run(inputs, tools) {
    const { config } = tools;
    const { dataset } = inputs.data;
    const heldOut = new HeldOut(inputs, tools);
    const judged = config.popo.steps > 0 ? await heldOut.testUsers('popo') : null;
    if (judged !== null) tools.emit({ type: 'metrics', row: judged.row, step: tools.steps });
    const untold = { told: false, historyLength: config.text.history_length, temperature: 0 };
    const teacher = new AttributesTeacher(dataset, untold, config.seed);
    const bought = purchaseCounts(dataset);
    const counting = heldOut.judge('counting', (example) => teacher.recommend(example, bought));
    tools.emit({ type: 'counting', row: counting.row });
    return { judged, counting };
  },
  open: (made) => made,
  report: ({ judged, counting }) => ({
    table: judged === null ? [] : [judged.row],
    counting: counting.row,
  }),
  judged: ({ judged, counting }) => [...(judged === null ? [] : [judged]), counting],
  *events({ table, counting }, { steps }) {
    for (const row of table ?? []) if (row.stage === 'popo') yield { type: 'metrics', row, step: steps };
    if (counting !== undefined) yield { type: 'counting', row: counting };
  },
};
