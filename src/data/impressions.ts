/** Impressions for data that has only interactions: what was taken, beside what was not. */
import { Random } from '../numeric/random';
import { firstAbove } from '../numeric/search';
import type { Impressions } from './dataset';
import type { Splits } from './hash';

/** Draws per sampled item before it is left out: a user who has met nearly everything has no unseen item to show. */
const MAX_DRAWS = 20;

/** What users did, and the number of items that there are. */
export interface Taken {
  /** [users][length] item indices, oldest first; the last two positions are held out. */
  histories: readonly Int32Array[];
  /** [users][length] 0 or 1 */
  conversions: readonly Uint8Array[];
  items: number;
}

/**
 * For each example one impression that was clicked (and converted where `conversions` says so), then
 * `negatives` of items the user does not meet in training, drawn in proportion to training popularity^0.75 (the
 * smoothing of word2vec: popular things are shown more, not always). What is held out is used neither way: it does not
 * count as popularity, nor is it spared from being drawn.
 * @param examples the moments at which something was shown
 */
export function sampleImpressions(
  { histories, conversions, items }: Taken,
  examples: Splits['train'],
  negatives: number,
): Impressions {
  const cumulative = popularity(histories, items);
  const capacity = examples.length * (1 + negatives);
  const user = new Int32Array(capacity);
  const item = new Int32Array(capacity);
  const historyLength = new Int32Array(capacity);
  const click = new Uint8Array(capacity);
  const conversion = new Uint8Array(capacity);
  let length = 0;
  const show = (example: Splits['train'][number], what: number, clicked: number, converted: number) => {
    user[length] = example.user;
    item[length] = what;
    historyLength[length] = example.position;
    click[length] = clicked;
    conversion[length] = converted;
    length++;
  };
  let met = new Set<number>();
  let metBy = -1;
  for (const example of examples) {
    const history = histories[example.user];
    if (metBy !== example.user) {
      metBy = example.user;
      met = new Set(history.subarray(0, history.length - 2));
    }
    const target = history[example.position];
    show(example, target, 1, conversions[example.user][example.position]);
    const random = new Random(0, 'import/impressions', example.user, example.position);
    for (let negative = 0; negative < negatives; negative++) {
      for (let draw = 0; draw < MAX_DRAWS; draw++) {
        const drawn = firstAbove(cumulative, random.uniform() * cumulative[items - 1]);
        if (met.has(drawn)) continue;
        show(example, drawn, 0, 0);
        break;
      }
    }
  }
  return {
    user: user.slice(0, length),
    item: item.slice(0, length),
    historyLength: historyLength.slice(0, length),
    click: click.slice(0, length),
    conversion: conversion.slice(0, length),
  };
}

/** [items] running sums of (1 + training count)^0.75: an item that only the held-out part has can be drawn too. */
function popularity(histories: readonly Int32Array[], items: number): Float64Array {
  const counts = new Int32Array(items).fill(1);
  for (const history of histories) for (let i = 0; i < history.length - 2; i++) counts[history[i]]++;
  const cumulative = new Float64Array(items);
  let total = 0;
  counts.forEach((count, index) => {
    // Square roots are exact to the bit everywhere; a general power is not, and this decides what is drawn.
    const root = Math.sqrt(count);
    total += root * Math.sqrt(root);
    cumulative[index] = total;
  });
  return cumulative;
}
