/** What everybody chooses most often, to everybody. */
import { type Baseline, countsOf } from './baseline';

export const popularity: Baseline = {
  name: 'popularity',
  settings: () => [0],
  fit(visible) {
    const counts = countsOf(visible);
    return () => counts;
  },
};
