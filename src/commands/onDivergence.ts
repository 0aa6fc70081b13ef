/** What a command does where training runs away and nobody is there to be asked. */
import type { Divergence, DivergenceChoice } from '../run/divergence';

/** So often a stage goes back before the run stops: a sixteenth of the learning rate is another run. */
const MOST_RETURNS = 4;

/**
 * @param wanted by the caller; a run whose numbers are not finite cannot go on and stops
 */
export function decider(wanted: DivergenceChoice): (found: Divergence) => Promise<DivergenceChoice> {
  const returns = new Map<string, number>();
  return async ({ stage, kind }) => {
    const times = (returns.get(stage) ?? 0) + 1;
    returns.set(stage, times);
    if (wanted === 'go-back') return times > MOST_RETURNS ? 'stop' : 'go-back';
    return kind === 'not-finite' ? 'stop' : wanted;
  };
}
