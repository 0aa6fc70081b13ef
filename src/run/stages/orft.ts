/** ORFT: a CoT is as good as it makes the true answer likely, under a copy of the backbone that knows the CoT format. */

import { scoreCots } from '../../sft/cotPerplexity';
import { filterQuality } from '../../sft/filterQuality';
import { cotExamples, selectCots } from '../../sft/orft';
import { cotSequences, shuffledBatches } from '../batches';
import type { Report, RunEvent } from '../report';
import { lossEvents, type WholeStage } from '../stage';
import { supervise } from '../supervise';
import type { Taught } from './rupr';
import type { TrainingInputs } from './trainingInputs';

export interface Kept {
  /** Indices into the CoTs of those that SFT learns from. */
  kept: number[];
  report: Report['orft'];
}

/** Scored CoTs that the report shows, spread evenly. */
const COT_EXAMPLES = 200;

export const orft: WholeStage<'orft', TrainingInputs & { rupr: Taught }, Kept, Kept> = {
  name: 'orft',
  reads: [
    'seed',
    'orft',
    'optimizer',
    'sft.batch_size',
    'sft.learning_rate',
    'popo.prompts_per_step',
    'popo.num_generations',
  ],
  steps: (config) => config.orft.scorer_steps,
  async run({ data: { draw }, tokenizer, rupr: { cots } }, tools) {
    const { orft, sft, popo } = tools.config;
    const { model, format, length } = tokenizer;
    const backbone = await model.snapshot();
    await model.resetOptimizer();
    const schedule = { steps: orft.scorer_steps, learning_rate: sft.learning_rate };
    const sequences = cotSequences(cots, draw.prompts, format);
    const batches = shuffledBatches('orft', sequences, {
      seed: tools.config.seed,
      size: sft.batch_size,
      length,
    });
    await supervise(model, tools, schedule, batches);
    const options = { batchSize: popo.prompts_per_step * popo.num_generations, length };
    const scored = { format, examples: draw.prompts, cots };
    const nll = await scoreCots(model, scored, options, tools.hooks);
    await model.restore(backbone);
    const { threshold, kept } = selectCots(nll, cots, orft.threshold);
    const examples = cotExamples(cots, nll, { threshold, kept });
    const ppl = examples.map((example) => example.ppl);
    const indices = kept.flatMap((isKept, index) => (isKept ? [index] : []));
    const report = {
      // JSON has no Infinity; with everything kept the largest PPL says as much.
      threshold: Number.isFinite(threshold) ? threshold : ppl.reduce((a, b) => Math.max(a, b), 0),
      scored: cots.length,
      kept: indices.length,
      quality: filterQuality(cots, nll, kept),
      examples: evenly(examples, COT_EXAMPLES),
    };
    tools.emit({ type: 'cots', ...report, ppl });
    return { kept: indices, report };
  },
  open: (made) => made,
  report: ({ report }) => ({ orft: report }),
  *events({ orft }, own): Generator<RunEvent> {
    yield* lossEvents(own);
    if (orft !== undefined) yield { type: 'cots', ...orft, ppl: orft.examples.map(({ ppl }) => ppl) };
  },
};

/** At most `count` of the values, spread evenly over them. */
function evenly<T>(values: T[], count: number): T[] {
  if (values.length <= count) return values;
  return Array.from({ length: count }, (_, i) => values[Math.floor((i * values.length) / count)]);
}
