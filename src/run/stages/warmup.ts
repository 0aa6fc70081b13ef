/** Warm-up: the backbone learns the catalogue, and history → next item. */
import { warmupSequences } from '../../sft/warmup';
import { collate } from '../../text/batch';
import { camelCased } from '../camelCase';
import { HeldOut } from '../heldOut';
import type { Sample } from '../report';
import { heldOutEvents, type Judged, lossEvents, type ResumableStage } from '../stage';
import { supervise } from '../supervise';
import type { TrainingInputs } from './trainingInputs';

/** Of a supervised stage: its row of the table, once it is done, and samples of validation users. */
export interface SupervisedMade {
  judged: Judged | null;
  samples: Sample[];
}

export const warmup: ResumableStage<'warmup', TrainingInputs, SupervisedMade, SupervisedMade> = {
  name: 'warmup',
  reads: ['seed', 'warmup', 'optimizer', 'popo.prompts_per_step', 'popo.num_generations'],
  // Samples show what they would be paid.
  glances: ['popo.rewards', 'popo.semantic_exponent'],
  steps: (config) => config.warmup.steps,
  begin: () => ({ judged: null, samples: [] }),
  async run(inputs, tools, made) {
    const { config, own } = tools;
    const { data, tokenizer } = inputs;
    const { model } = tokenizer;
    const heldOut = new HeldOut(inputs, tools);
    const options = camelCased(config.warmup);
    const plain = data.draw.curve.map((example) => ({ example, cot: null }));
    if (tools.from === 0) {
      await model.resetOptimizer();
      own.heldOutLoss[0] = await heldOut.answerLoss(plain, 'before');
    }
    await supervise(
      model,
      tools,
      ({ warmup }) => warmup,
      (step) => {
        const sequences = warmupSequences(tokenizer.format, options, config.seed, step);
        return collate(sequences, tokenizer.length);
      },
    );
    own.heldOutLoss[1] = await heldOut.answerLoss(plain, 'after');
    await tools.besides();
    Object.assign(made, await heldOut.afterStage('warmup'));
  },
  open: (made) => made,
  report: supervisedReport,
  judged: supervisedRows,
  *events(report, own) {
    yield* lossEvents(own);
    yield* heldOutEvents(report, own, 'warmup');
  },
};

/** A supervised stage's row, once there is one. */
export function supervisedRows({ judged }: SupervisedMade): readonly Judged[] {
  return judged === null ? [] : [judged];
}

/** A supervised stage's part of the report. */
export function supervisedReport({ judged, samples }: SupervisedMade) {
  return { table: judged === null ? [] : [judged.row], samples };
}
