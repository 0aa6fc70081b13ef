/**
 * SASRec (Kang and McAuley, arXiv 1808.09781) with the softmax over the whole catalogue, which is what makes it strong (Klenitskiy
 * et al., arXiv 2408.14238), on this app's own decoder: a token is an item, and the head is tied to the items' embeddings. RMSNorm,
 * SwiGLU and rotary positions stand where SASRec has layer norm, ReLU and learnt positions; instead of dropout, the weights that
 * rank validation behaviours best are kept.
 */
import { passGate, type StageHooks, StoppedError, UNKEPT } from '../../control/hooks';
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
  model: ModelState;
  /** Of each update that is done. */
  losses: number[];
  /** NDCG@10 on validation examples, at each check. */
  validation: number[];
  /** Weights of the best check; null before the first. */
  best: Float32Array<ArrayBuffer> | null;
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
 * Trains, from where it was cut off, and leaves the model with the weights that were best.
 * @throws StoppedError when the hooks say stop; Error when a loss is not finite
 */
export async function trainSasRec(
  model: Pick<LanguageModel, 'trainStep' | 'snapshot' | 'restore' | 'logitsAfter' | 'config'>,
  { visible, validation }: { visible: Visible; validation: AskedExamples },
  { steps, batchSize, seed, hyper }: SasRecOptions,
  hooks: StageHooks,
): Promise<Pick<SasRecState, 'losses' | 'validation'>> {
  const { work = UNKEPT } = hooks;
  const length = model.config.max_position_embeddings;
  const batch = sasRecBatches(visible, { seed, batchSize, length });
  const ask = sasRecAsker(model, visible.items.length, { batchSize, length }, hooks);
  const every = Math.max(1, Math.ceil(steps / CHECKS));
  const kept = work.kept as SasRecState | null;
  if (kept !== null) await model.restore(kept.model);
  const losses = [...(kept?.losses ?? [])];
  const checks = [...(kept?.validation ?? [])];
  let best = kept?.best ?? null;
  let queued = losses.length;
  let onStep = () => {};
  work.keep(async () => {
    // Steps in flight are counted first, so that losses and weights are of the same one.
    while (losses.length < queued) await new Promise<void>((resolve) => (onStep = resolve));
    return { model: await model.snapshot(), losses: [...losses], validation: [...checks], best };
  });
  while (checks.length * every < steps) {
    const until = Math.min(steps, (checks.length + 1) * every);
    const next = await trainSupervised(
      model,
      { from: losses.length, steps: until, batch, hyper },
      {
        gate(step) {
          queued = step;
          return hooks.gate();
        },
        onStep(step, { loss }) {
          if (!Number.isFinite(loss))
            throw new Error(
              `Step ${step + 1} of SASRec has the loss ${loss}: lower evaluate.sasrec_learning_rate.`,
            );
          losses.push(loss);
          onStep();
          hooks.onProgress?.(step + 1, steps);
        },
      },
    );
    queued = next;
    if (next < until) throw new StoppedError('SASRec');
    const { ndcg } = hitsAt((await ranked(ask, validation)).ranks, 10);
    if (checks.every((known) => ndcg > known)) best = (await model.snapshot()).parameters;
    checks.push(ndcg);
  }
  if (best !== null) await model.restore({ ...(await model.snapshot()), parameters: best });
  return { losses, validation: checks };
}
