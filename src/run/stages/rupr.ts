/** RUPR: a teacher that is told the true next item explains it backwards. */
import type { Cot, TeacherCounts } from '../../sft/cot';
import { noCounts } from '../../sft/cot';
import { keepCots } from '../../sft/rupr';
import type { WholeStage } from '../stage';
import { teacherOf } from '../teaching';
import type { Data } from './data';

export interface Taught {
  /** Of the examples `draw.prompts`, by their indices. */
  cots: Cot[];
  /** What became of those that the teacher was to give. */
  counts: TeacherCounts;
}

export const rupr: WholeStage<'rupr', { data: Data }, Taught, Taught> = {
  name: 'rupr',
  reads: ['seed', 'rupr', 'text.history_length', 'text.max_completion_length'],
  steps: (_config, { data }) => data.draw.prompts.length,
  async run({ data: { dataset, draw } }, { config, teaching, hooks, emit, settle }) {
    let counts = noCounts(0);
    const cots = await teacherOf(dataset, config, teaching).teach(draw.prompts, hooks, (told) => {
      counts = told;
      emit({ type: 'teacher', counts });
    });
    // From here on the run is of these CoTs, whatever an endpoint would say the next time.
    if (config.rupr.teacher !== 'attributes' && config.rupr.cots_sha256 === '') {
      const hash = await keepCots(cots, teaching);
      settle({ ...config, rupr: { ...config.rupr, cots_sha256: hash } });
    }
    return { cots, counts };
  },
  open: (made) => made,
  report: ({ counts }) => ({ rupr: counts }),
  *events({ rupr }) {
    if (rupr !== undefined) yield { type: 'teacher', counts: rupr };
  },
};
