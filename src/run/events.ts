/** The events of a run as one unbroken story, also where a run goes back: after a reload or on a new device. */
import type { RunState } from './checkpoint';
import type { RunEvent, StageName } from './report';

/**
 * Passes each event on once. Steps that are taken again from a checkpoint have the same bits, so what was told of them
 * the first time stands.
 */
export function onceEach(emit: (event: RunEvent) => void): (event: RunEvent) => void {
  const told = new Set<string>();
  return (event) => {
    const key = identity(event);
    if (key !== null) {
      if (told.has(key)) return;
      told.add(key);
    }
    emit(event);
  };
}

/** What makes two events the same; null for those that may come again. */
function identity(event: RunEvent): string | null {
  switch (event.type) {
    case 'loss':
      return `loss ${event.name} ${event.step}`;
    case 'popo':
      return `popo ${event.step.step}`;
    case 'metrics':
      return `metrics ${event.row.stage} ${event.row.users} ${event.step}`;
    case 'sample':
      return `sample ${event.sample.stage} ${event.sample.step} ${event.sample.sampleId}`;
    case 'cots':
      return 'cots';
    default:
      return null;
  }
}

/** Stages that tell each step's loss; the others' stand in the report alone. */
const TOLD_BY_STEP: readonly StageName[] = ['warmup', 'orft', 'sft'];

/** What an earlier session told of a run up to a checkpoint, as far as the checkpoint knows, for a page that starts empty. */
export function* replayedEvents(state: RunState): Generator<RunEvent> {
  for (const { name, steps, loss, seconds } of state.stages) {
    yield { type: 'stage', name, status: 'started', steps };
    for (const [step, value] of TOLD_BY_STEP.includes(name) ? loss.entries() : []) {
      yield { type: 'loss', name, step, loss: value, gradNorm: 0, learningRate: 0 };
    }
    if (name === 'ranker' && state.ranker !== null) yield { type: 'ranker', auc: state.ranker.auc };
    if (name === 'rupr' && state.rupr !== null) yield { type: 'teacher', counts: state.rupr };
    if (name === 'orft' && state.orft !== null) {
      yield { type: 'cots', ...state.orft, ppl: state.orft.examples.map(({ ppl }) => ppl) };
    }
    if (name === 'popo') {
      for (const step of state.popo) yield { type: 'popo', step };
      for (const { step, row } of state.curve) yield { type: 'metrics', row, step };
    }
    for (const row of state.table) {
      // The aligned model's row was measured after alignment; told within it, it would join the held-out curve.
      if (row.stage === (name === 'evaluate' ? 'popo' : name) && name !== 'popo')
        yield { type: 'metrics', row, step: steps };
    }
    if (name === 'ranking' && state.ranking !== null) yield { type: 'ranking', ranking: state.ranking };
    for (const sample of state.samples) if (sample.stage === name) yield { type: 'sample', sample };
    if (name !== state.stage) yield { type: 'stage', name, status: 'finished', steps, seconds };
  }
}
