/** What a kept run is called: as a person called it, else by what differs from its preset. */
import type { StageName } from '../../run/stageNames';
import type { SavedRun } from '../../worker/protocol';
import { differences } from './differences';
import { stageWords } from './runWords';

/** Most differences that are named one by one. */
const NAMED = 3;

type Named = Pick<SavedRun, 'config' | 'changes' | 'fork' | 'note'> & { id?: string };

export function runName(run: Named): string {
  return run.note?.name || nameInWords(run);
}

/** By its settings alone; those of another version of the app may lack what a name is made of. */
export function nameInWords({ id, config, changes = [], fork }: Named): string {
  const parts = [differing(config)];
  // The run beside the page is a fork of none that is kept.
  if (fork !== undefined && fork.of === id) parts.push('begun at alignment');
  else if (fork !== undefined) {
    const { label } = stageWords(fork.stage as StageName, config);
    parts.push(`forked at step ${fork.step} of ${label.toLowerCase()}`);
  }
  if (changes.length > 0)
    parts.push(
      changes.length === 1 ? 'changed once on the way' : `changed ${changes.length} times on the way`,
    );
  return parts.join('; ');
}

function differing(config: SavedRun['config']): string {
  try {
    // Which kernels a device chose is no choice of a person's.
    const told = differences(config).flatMap(({ path, words }) => (path === 'kernels' ? [] : words));
    if (told.length === 0) return `${config.preset} as it is`;
    const more = told.length - NAMED;
    const rest = more > 0 ? ` and ${more} more ${more === 1 ? 'difference' : 'differences'}` : '';
    return `${config.preset}: ${told.slice(0, NAMED).join(', ')}${rest}`;
  } catch {
    return `${config.preset ?? 'a run'}, seed ${config.seed ?? 'unknown'}`;
  }
}
