/** What means most the same as the items that a user chose last, by vectors of the items' texts. */
import { type Baseline, tieBreak } from './baseline';

/** Items of a history that are compared with, the newest first. */
const RECENT = 10;

/**
 * @param vectors [items × size], unit rows
 */
export function contentNeighbours(vectors: Float32Array, size: number): Baseline {
  return {
    name: 'content',
    /** What each item further back counts for, of the one after it. */
    settings: () => [0, 0.5, 0.9],
    fit(visible, decay) {
      const { items } = visible;
      const start = tieBreak(visible);
      return (history) => {
        const query = new Float64Array(size);
        for (let back = 0; back < Math.min(RECENT, history.length); back++) {
          const from = history[history.length - 1 - back] * size;
          for (let d = 0; d < size; d++) query[d] += decay ** back * vectors[from + d];
        }
        const scores = start.slice();
        for (let item = 0; item < items.length; item++)
          for (let d = 0, at = item * size; d < size; d++) scores[item] += query[d] * vectors[at++];
        return scores;
      };
    },
  };
}
