/** Asks a recommender about examples: what it answers, and where it ranks the item that came next. */
import { passGate, type StageHooks, UNKEPT } from '../../control/hooks';
import { type Dataset, type Example, targetItem } from '../../data/dataset';
import { hitsAt, rankOf } from '../../rank/rankingMetrics';
import type { Baseline, Scorer, Visible } from './baseline';

type Gate = Pick<StageHooks, 'gate'>;

/** Tells the scores of each history, in order or not; they may be written into. */
export type Asker = (
  histories: readonly Int32Array[],
  each: (index: number, scores: Float64Array) => void,
) => Promise<void>;

export interface RankedExamples {
  /** The item that scores best after each example's history; of equals, the first. */
  answers: number[];
  /** How many items score better than the one that came next. */
  ranks: number[];
}

export interface AskedExamples {
  dataset: Dataset;
  examples: readonly Example[];
  /** Whether an item of the history can be the answer. */
  again: boolean;
  /** Items that are no answer, as `neverAsked` tells; none when left out. */
  without?: readonly number[];
}

/** A scorer, asked one history after another. */
export function oneByOne(scorer: Scorer, hooks: Gate): Asker {
  return async (histories, each) => {
    for (const [index, history] of histories.entries()) {
      await passGate(hooks, 'Baselines');
      each(index, scorer(history).slice());
    }
  };
}

/** @throws StoppedError when the hooks say stop */
export async function ranked(
  ask: Asker,
  { dataset, examples, again, without = [] }: AskedExamples,
): Promise<RankedExamples> {
  const histories = examples.map(({ user, position }) => dataset.users[user].history.slice(0, position));
  const [answers, ranks] = [new Array<number>(examples.length), new Array<number>(examples.length)];
  await ask(histories, (index, scores) => {
    for (const item of without) scores[item] = Number.NEGATIVE_INFINITY;
    if (!again) for (const item of histories[index]) scores[item] = Number.NEGATIVE_INFINITY;
    answers[index] = scores.reduce((best, score, item) => (score > scores[best] ? item : best), 0);
    ranks[index] = rankOf(scores, targetItem(dataset, examples[index]));
  });
  return { answers, ranks };
}

/**
 * Fitted with the setting that has the greatest NDCG@10 on validation examples; of equals, the first.
 * @throws StoppedError when the hooks say stop
 */
export async function fitBest(
  { settings, fit }: Baseline,
  visible: Visible,
  validation: AskedExamples,
  hooks: StageHooks,
): Promise<{ scorer: Scorer; setting: number }> {
  const { work = UNKEPT } = hooks;
  const wanted = settings(visible);
  let best: { scorer: Scorer | null; setting: number; ndcg: number } | null = null;
  for (const setting of wanted) {
    await passGate(hooks, 'Baselines');
    if (wanted.length === 1) return { scorer: await fit(visible, setting, hooks), setting };
    let scorer: Scorer | null = null;
    const ndcg = await work.part(`setting ${setting}`, async () => {
      scorer = await fit(visible, setting, hooks);
      return hitsAt((await ranked(oneByOne(scorer, hooks), validation)).ranks, 10).ndcg;
    });
    if (best === null || ndcg > best.ndcg) best = { scorer, setting, ndcg };
  }
  if (best === null) throw new Error('A baseline needs a setting to be fitted with.');
  const { scorer, setting } = best;
  // It was judged in an earlier session.
  return { scorer: scorer ?? (await fit(visible, setting, hooks)), setting };
}
