/** ORFT: a CoT is as good as it makes the true answer likely, under a copy of the backbone that knows the CoT format. */

import { scoreCots } from '../../sft/cotPerplexity';
import { filterQuality } from '../../sft/filterQuality';
import { cotExamples, selectCots } from '../../sft/orft';
import { cotSequences, shuffledBatches } from '../batches';
import type { RunConfig } from '../config';
import type { Report, RunEvent } from '../report';
import { lossEvents, type ResumableStage } from '../stage';
import { supervise } from '../supervise';
import type { Taught } from './rupr';
import type { TrainingInputs } from './trainingInputs';

export interface Kept {
  /** Indices into the CoTs of those that SFT learns from. */
  kept: number[];
  report: Report['orft'];
}

export interface Scored {
  /** The weights to go back to while the scorer is the model; null before and after. */
  backbone: Float32Array<ArrayBuffer> | null;
  result: Kept | null;
}

/** Scored CoTs that the report shows, spread evenly. */
const COT_EXAMPLES = 200;

export const orft: ResumableStage<'orft', TrainingInputs & { rupr: Taught }, Scored, Kept> = {
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
  begin: () => ({ backbone: null, result: null }),
  async run({ data: { draw }, tokenizer, rupr: { cots } }, tools, made) {
    const { sft, popo, orft } = tools.config;
    const { model, format, length } = tokenizer;
    if (made.backbone === null) {
      made.backbone = tools.beginning ?? (await model.snapshot()).parameters;
      await model.resetOptimizer();
    }
    const schedule = ({ orft, sft }: RunConfig) => ({
      steps: orft.scorer_steps,
      learning_rate: sft.learning_rate,
    });
    const sequences = cotSequences(cots, draw.prompts, format);
    const batches = shuffledBatches('orft', sequences, {
      seed: tools.config.seed,
      size: sft.batch_size,
      length,
    });
    await supervise(model, tools, schedule, batches);
    const options = {
      batchSize: popo.prompts_per_step * popo.num_generations,
      length,
    };
    const nll = await scoreCots(model, { format, examples: draw.prompts, cots }, options, tools.hooks);
    await model.restore({ ...(await model.snapshot()), parameters: made.backbone });
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
    Object.assign(made, { backbone: null, result: { kept: indices, report } });
  },
  open: ({ result }) => result!,
  report: ({ result }) => (result === null ? {} : { orft: result.report }),
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
