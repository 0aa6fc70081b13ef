/**
 * SASRec (Kang and McAuley, arXiv 1808.09781) with the softmax over the whole catalogue, which is what makes it strong (Klenitskiy
 * et al., arXiv 2408.14238), on this app's own decoder: a token is an item, and the head is tied to the items' embeddings. RMSNorm,
 * SwiGLU and rotary positions stand where SASRec has layer norm, ReLU and learnt positions; instead of dropout, the weights that
 * rank validation behaviours best are kept.
 */
import { passGate, type StageHooks } from '../../control/hooks';
import type { AdamWStep } from '../../model/config';
import type { LanguageModel, ModelState, TokenBatch } from '../../model/languageModel';
import { padRows } from '../../model/padding';
import { Epochs } from '../../numeric/epochs';
import { hitsAt } from '../../rank/rankingMetrics';
import { trainSupervised } from '../../sft/trainer';
import { type AskedExamples, type Asker, ranked } from './ask';
import type { Visible } from './baseline';

/** Times that it is asked about validation examples, evenly over its steps. */
const CHECKS = 10;

export interface SasRecOptions {
  batchSize: number;
  steps: number;
  seed: number;
  /** AdamW of update 0, 1, … */
  hyper: (update: number) => AdamWStep;
}

/** All that its training carries on from step to step. */
export interface SasRecState {
  /** Updates that are done. */
  step: number;
  model: ModelState;
  losses: number[];
  /** NDCG@10 on validation examples, at each check. */
  validation: number[];
  /** Weights of the best check. */
  best: Float32Array<ArrayBuffer>;
}

/** The batch of each step: windows of histories, every item of them to be told from those before it. */
export function sasRecBatches(
  { items, histories }: Visible,
  { seed, batchSize, length }: { seed: number; batchSize: number; length: number },
): (step: number) => TokenBatch {
  const windows = histories.flatMap((history) => windowsOf(history, length - 1));
  const epochs = new Epochs(seed, 'sasrec/order', windows.length);
  return (step) => {
    const chosen = epochs.batch(step, batchSize).map((index) => windows[index]);
    const rows = padRows(
      chosen.map(({ own }) => [items.length, ...own]),
      length,
    );
    const lossWeights = new Float32Array(batchSize * length);
    const told = chosen.map(({ own, isFirst }) => (isFirst ? own.length : own.length - 1));
    const all = told.reduce((sum, count) => sum + count, 0);
    chosen.forEach(({ own }, row) => {
      const end = row * length + 1 + own.length;
      lossWeights.fill(1 / Math.max(1, all), end - told[row], end);
    });
    return { ...rows, lossWeights };
  };
}

/** Windows that end with the history and have no item in common; before the first of them nothing happened. */
function windowsOf(history: Int32Array, width: number): { own: Int32Array; isFirst: boolean }[] {
  const windows: { own: Int32Array; isFirst: boolean }[] = [];
  for (let end = history.length; end > 0; end -= width) {
    const from = Math.max(0, end - width);
    // What is alone behind other items teaches nothing that they do not.
    if (from === 0 || end - from > 1) windows.push({ own: history.slice(from, end), isFirst: from === 0 });
  }
  return windows;
}

/** The model as it is, asked a batch at a time. */
export function sasRecAsker(
  model: Pick<LanguageModel, 'logitsAfter' | 'config'>,
  items: number,
  { batchSize, length }: { batchSize: number; length: number },
  hooks: Pick<StageHooks, 'gate'>,
): Asker {
  return async (histories, each) => {
    const rows = histories.map((history) => [
      items,
      ...history.slice(Math.max(0, history.length - length + 1)),
    ]);
    for (let from = 0; from < rows.length; from += batchSize) {
      await passGate(hooks, 'SASRec');
      const asked = rows.slice(from, from + batchSize);
      const logits = await model.logitsAfter(padRows(asked, length));
      const width = model.config.vocab_size;
      asked.forEach((_, b) => {
        each(from + b, Float64Array.from(logits.subarray(b * width, b * width + items)));
      });
    }
  };
}

/**
 * Trains from where the state stands, null for the beginning, and leaves the model with the weights that were best.
 * @param keep called after every check with what a later session can go on from; nobody writes into it
 * @throws StoppedError when the hooks say stop, what was kept last stands; Error when a loss is not finite
 */
export async function trainSasRec(
  model: Pick<LanguageModel, 'trainStep' | 'snapshot' | 'restore' | 'logitsAfter' | 'config'>,
  { visible, validation }: { visible: Visible; validation: AskedExamples },
  { options, from }: { options: SasRecOptions; from: SasRecState | null },
  hooks: Required<StageHooks> & { keep(state: SasRecState): void },
): Promise<SasRecState> {
  const { steps, batchSize, seed, hyper } = options;
  const length = model.config.max_position_embeddings;
  const batch = sasRecBatches(visible, { seed, batchSize, length });
  const ask = sasRecAsker(model, visible.items.length, { batchSize, length }, hooks);
  const every = Math.max(1, Math.ceil(steps / CHECKS));
  let state = from;
  if (state !== null) await model.restore(state.model);
  while (state === null || state.step < steps) {
    const losses: number[] = [...(state?.losses ?? [])];
    const until = Math.min(steps, (state?.step ?? 0) + every);
    const next = await trainSupervised(
      model,
      { from: state?.step ?? 0, steps: until, batch, hyper },
      {
        gate: () => hooks.gate(),
        onStep(step, { loss }) {
          if (!Number.isFinite(loss))
            throw new Error(
              `Step ${step + 1} of SASRec has the loss ${loss}: lower evaluate.sasrec_learning_rate.`,
            );
          losses.push(loss);
          hooks.onProgress(step + 1, steps);
        },
      },
    );
    if (next < until) await passGate(hooks, 'SASRec');
    const { ndcg } = hitsAt((await ranked(ask, validation)).ranks, 10);
    const kept = await model.snapshot();
    const isBest: boolean = state === null || state.validation.every((known) => ndcg > known);
    state = {
      step: until,
      model: kept,
      losses,
      validation: [...(state?.validation ?? []), ndcg],
      best: isBest || state === null ? kept.parameters : state.best,
    };
    hooks.keep(state);
  }
  await model.restore({ ...state.model, parameters: state.best });
  return state;
}
