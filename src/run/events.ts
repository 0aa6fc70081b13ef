/** The events of a run as one unbroken story: watched, resumed, on a new device, or opened again when it is done. */
import type { RowSpread } from '../evaluate/rowSpread';
import { parameterCount } from '../model/parameters';
import { reportPart, spreadsOf } from './assemble';
import { STAGES } from './pipeline';
import { type Report, type RunEvent, STAGE_NAMES, type StageReport } from './report';
import type { RunState } from './runState';
import type { ReportPart } from './stage';

/**
 * Passes each event on once. Steps that are taken again from a checkpoint have the same bits, so what was told of them
 * the first time stands. Once the run goes on under changes, what was told is void.
 */
export function onceEach(emit: (event: RunEvent) => void): (event: RunEvent) => void {
  const told = new Set<string>();
  return (event) => {
    if (event.type === 'again') told.clear();
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
    case 'group':
      return `group ${event.group.step}`;
    case 'metrics':
      return `metrics ${event.row.stage}`;
    case 'curve':
      return `curve ${event.step}`;
    case 'sample':
      return `sample ${event.sample.stage} ${event.sample.step} ${event.sample.sampleId}`;
    case 'spreads':
      return `spreads ${event.spreads.length}`;
    case 'front':
      return `front ${event.front.length}`;
    case 'cots':
    case 'counting':
    case 'baselines':
      return event.type;
    default:
      return null;
  }
}

/** What earlier sessions told of a run up to a checkpoint, for a page that starts empty. */
export function* replayedEvents(state: RunState): Generator<RunEvent> {
  if (state.changes.length > 0) yield { type: 'changes', changes: state.changes };
  yield* retold(
    reportPart(state),
    state.stages,
    (name) => name !== state.stage && state.beside?.[name] === undefined,
  );
  // Where it goes on from: the stage tells of its next step alone.
  const { stage: name, step } = state;
  const begun = state.stages.find((stage) => stage.name === name);
  if (begun !== undefined && step > 0)
    yield { type: 'progress', name, step, steps: begun.steps, secondsLeft: null };
}

/** What a finished run told. A stage that an older version of the app did not have counts as done. */
export function* reportedEvents(report: Report): Generator<RunEvent> {
  yield { type: 'device', device: report.device };
  if (report.changes?.length) yield { type: 'changes', changes: report.changes };
  const stages = STAGE_NAMES.map(
    (name): StageReport =>
      report.stages.find((stage) => stage.name === name) ?? {
        name,
        seconds: 0,
        steps: 0,
        loss: [],
        heldOutLoss: [],
      },
  );
  yield* retold(report, stages, () => true);
  yield* spreadEvents(report.spreads ?? []);
}

/** As they were told row by row. */
export function spreadEvents(spreads: readonly RowSpread[]): RunEvent[] {
  return spreads.map((_, at) => ({ type: 'spreads', spreads: spreads.slice(0, at + 1) }));
}

/** A finished run whose checkpoint is there too, which knows what its report leaves out. */
export function openedRun(told: Report, state: RunState): { report: Report; events: RunEvent[] } {
  // A report of an older version of the app has no intervals.
  const report: Report = { ...told, spreads: told.spreads ?? spreadsOf(state) };
  const shape = state.made.tokenizer?.shape;
  const model: RunEvent[] = shape ? [{ type: 'model', parameters: parameterCount(shape) }] : [];
  return { report, events: [...model, ...reportedEvents(report)] };
}

function* retold(
  report: ReportPart,
  begun: readonly StageReport[],
  isDone: (name: StageReport['name']) => boolean,
): Generator<RunEvent> {
  for (const stage of STAGES) {
    const own = begun.find(({ name }) => name === stage.name);
    if (own === undefined) continue;
    const { name, steps, seconds } = own;
    yield { type: 'stage', name, status: 'started', steps };
    yield* stage.events?.(report, own) ?? [];
    if (isDone(name)) yield { type: 'stage', name, status: 'finished', steps, seconds };
  }
}
