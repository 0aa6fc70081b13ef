/** What a kept run is called: as a person called it, else by what differs from its preset. */

import { roundsWeights } from '../../run/fields/run';
import type { StageName } from '../../run/stageNames';
import type { SavedRun } from '../../worker/protocol';
import { changeWords, differences } from './differences';
import { stageWords } from './runWords';

/** Most differences that are named one by one. */
const NAMED = 3;

type Named = Pick<SavedRun, 'config' | 'changes' | 'fork' | 'note'>;

export function runName(run: Named): string {
  return run.note?.name || nameInWords(run);
}

/** By its settings alone; those of another version of the app may lack what a name is made of. */
export function nameInWords({ config, changes = [], fork }: Named): string {
  const parts = [differing(config)];
  if (fork !== undefined) {
    const stage = stageWords(fork.stage as StageName, config).label.toLowerCase();
    parts.push(fork.step === 0 ? `begun at ${stage}` : `forked at step ${fork.step} of ${stage}`);
  }
  // Two lines of a run are told apart by what was turned last.
  const last = changes.at(-1);
  if (last !== undefined) {
    const many = changes.length > 1 ? `changed ${changes.length} times on the way, last: ` : '';
    parts.push(many + changeWords(last, config));
  }
  return parts.join('; ');
}

function differing(config: SavedRun['config']): string {
  try {
    // Which kernels a device chose is no choice of a person's, unless they round.
    const told = differences(config).flatMap(({ path, words }) =>
      path === 'kernels' && !roundsWeights(config.kernels) ? [] : words,
    );
    if (told.length === 0) return `${config.preset} as it is`;
    const more = told.length - NAMED;
    const rest = more > 0 ? ` and ${more} more ${more === 1 ? 'difference' : 'differences'}` : '';
    return `${config.preset}: ${told.slice(0, NAMED).join(', ')}${rest}`;
  } catch {
    return `${config.preset ?? 'a run'}, seed ${config.seed ?? 'unknown'}`;
  }
}
