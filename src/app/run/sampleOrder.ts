/** Which shoppers are worth looking at first: those whom alignment made it say something else to. */
import type { Sample } from '../../run/report';

/** How much alignment changed of what is said to one shopper; `unknown` while it has not been asked again. */
export type SampleChange = 'item' | 'words' | 'nothing' | 'unknown';

const ORDER: readonly SampleChange[] = ['item', 'words', 'unknown', 'nothing'];

/** Of one shopper's samples. */
export function sampleChange(mine: readonly Sample[]): SampleChange {
  const before =
    mine.findLast(({ stage }) => stage === 'sft') ?? mine.findLast(({ stage }) => stage === 'warmup');
  const after = mine.findLast(({ stage }) => stage === 'popo');
  if (before === undefined || after === undefined) return 'unknown';
  if (before.resolvedItem !== after.resolvedItem) return 'item';
  return before.completion === after.completion ? 'nothing' : 'words';
}

/** Every shopper once: another item first, then other words, then the same. Among alike, as they came. */
export function sampleOrder(samples: readonly Sample[]): { id: string; change: SampleChange }[] {
  const ids = [...new Set(samples.map(({ sampleId }) => sampleId))];
  return ids
    .map((id) => ({ id, change: sampleChange(samples.filter(({ sampleId }) => sampleId === id)) }))
    .sort((a, b) => ORDER.indexOf(a.change) - ORDER.indexOf(b.change));
}

/** In words, once alignment has been asked; null before. */
export function changedWords(order: readonly { change: SampleChange }[]): string | null {
  const asked = order.filter(({ change }) => change !== 'unknown');
  if (asked.length === 0) return null;
  const count = (wanted: SampleChange) => asked.filter(({ change }) => change === wanted).length;
  const [items, words] = [count('item'), count('words')];
  if (items + words === 0) return `Alignment changed none of the ${asked.length} shown.`;
  const also = words === 0 ? '' : `, and only the words for ${words}`;
  return `Alignment changed the item for ${items} of the ${asked.length} shown${also}; those come first.`;
}
