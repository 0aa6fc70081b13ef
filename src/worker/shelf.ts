/** All that the training worker keeps, each kind by the file of its own, on one store. */
import type { RunHeader } from '../run/checkpoint';
import type { Report } from '../run/report';
import type { PackedStep } from '../run/transcript';
import { Cells } from '../store/cells';
import { Checkpoints } from '../store/checkpoints';
import { KernelChoices } from '../store/choices';
import { Datasets } from '../store/datasets';
import { LineFiles, LineLogs } from '../store/lines';
import { RunNotes } from '../store/runNotes';
import { Runs } from '../store/runs';
import type { Store, StoreError } from '../store/store';
import { StoredTranscripts } from '../store/transcripts';
import { UndoPoints } from '../store/undoPoints';
import type { Cell } from '../study/cell';
import type { CotsSummary, FinishedRun, ImportSummary } from './protocol';

export type Shelf = ReturnType<typeof shelfOn>;

/** @param problem why the store lasts no longer than the tab; null where it does */
export function shelfOn(store: Store, problem: StoreError | null) {
  return {
    store,
    problem,
    checkpoints: new Checkpoints<RunHeader>(store),
    points: new UndoPoints<RunHeader>(store),
    transcripts: new StoredTranscripts<PackedStep>(store),
    runs: new Runs<FinishedRun, Report>(store),
    notes: new RunNotes(store),
    datasets: new Datasets<ImportSummary>(store),
    answers: new LineLogs(store),
    cots: new LineFiles<CotsSummary>(store),
    cells: new Cells<Cell>(store),
    choices: new KernelChoices(store),
  };
}
