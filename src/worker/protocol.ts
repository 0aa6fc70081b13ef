/** The typed Comlink surface between the page and its workers. The page calls; workers answer and emit RunEvents. */
import type { ImportPreview, SeenFiles } from '../data/preview';
import type { TextLengths } from '../data/textLengths';
import type { DeviceSpeed, ProductShape } from '../gpu/speed';
import type { FieldEdit, RunChange } from '../run/changes';
import type { RunConfig } from '../run/config';
import type { DeviceTable, MeasuredPart } from '../run/deviceTable';
import type { ConfigDiff } from '../run/diff';
import type { Divergence, DivergenceChoice } from '../run/divergence';
import type { ElsewhereTrainer } from '../run/elsewhere/elsewhere';
import type { ForkPoint } from '../run/forkPoints';
import type { RunPairing } from '../run/pairing';
import type { PresetRef } from '../run/presets';
import type { RecordedEnd } from '../run/recordedEnd';
import type { DeviceInfo, GroupWords, Report, RunEvent } from '../run/report';
import type { Fork } from '../run/runState';
import type { StageSeconds } from '../run/times';
import type { CheckpointGeneration } from '../store/checkpoints';
import type { RunNote } from '../store/runNotes';
import type { PlannedRun } from '../study/plan';
import type { CellEvent } from '../study/queue';
import type { StudyTables } from '../study/tables';
import type { Answer, Askable, AskRequest } from './askProtocol';

/** A run that can be resumed, as the page lists it. */
export interface SavedRun {
  id: string;
  config: RunConfig;
  /** What was changed while it went on. */
  changes?: RunChange[];
  /** Of which run it is a second line, and from where on. */
  fork?: Fork;
  stage: string;
  step: number;
  /** Milliseconds since the epoch. */
  savedAt: number;
  finished: boolean;
  /** The checkpoint before the newest one, where there is one. */
  earlier: Pick<SavedRun, 'stage' | 'step' | 'savedAt'> | null;
  /** Another tab is training it. */
  isElsewhere: boolean;
  /** Why it was stopped, where that was because it ran away. */
  stopped?: Divergence;
  /** What a person calls it and notes about it. */
  note?: RunNote;
  /** What came out; lacks in reports that an older version of the app kept. */
  result?: RunResult;
  /** Of a finished run: on what it was trained (`deviceKey`), and how long each stage took. Older ones lack it. */
  took?: { device: string; seconds: StageSeconds };
  /** Of its checkpoints and its report in storage. */
  bytes?: number;
}

/** The last row of a finished run's table, in short. */
export interface RunResult {
  stage: string;
  users: number;
  l3: number;
  ctcvr: number;
  /** 95 %, from the numbers of each user; those kept by older versions lack it. */
  ctcvrInterval?: { low: number; high: number };
}

/** What a list shows of a finished run's report. */
export type FinishedRun = Omit<SavedRun, 'earlier' | 'isElsewhere' | 'stopped' | 'note' | 'bytes'>;

/** Where a run is taken up. */
export interface ResumeFrom {
  id: string;
  generation: CheckpointGeneration;
  /** What is to become of a run that was stopped because it ran away; left out, it is asked again once that is seen again. */
  choice?: Exclude<DivergenceChoice, 'stop'>;
}

/** A run that was taken in from a file, or was kept already. */
export interface ImportedRun {
  id: string;
  /** One or two sentences: what is kept now, and what it still needs. */
  message: string;
}

export interface StartExtras {
  /** Of a new run, where the page wants to know it; a random UUID. */
  id?: string;
  teacherKey?: string | null;
  changes?: readonly RunChange[];
}

/** A data set that was imported and is kept in IndexedDB. */
export interface ImportSummary {
  sha256: string;
  id: string;
  users: number;
  items: number;
  interactions: number;
  /** Examples in train, validation and test. */
  examples: [number, number, number];
  notes: string[];
  /** Rows that were dropped and why, with file and row number; capped, with a count of the rest. */
  problems: string[];
  /** What a person said about the columns (`data/mapping.ts`); '' where everything was guessed. */
  map: string;
  /** Missing in data sets that an older version of the app kept. */
  lengths?: TextLengths;
}

/** A set of CoTs that was given as a file and is kept in IndexedDB. */
export interface CotsSummary {
  sha256: string;
  /** The file's. */
  name: string;
  cots: number;
  /** Distinct prompts. */
  prompts: number;
}

export type StoredKind = 'unfinished' | 'finished' | 'datasets' | 'cots' | 'answers' | 'cells' | 'encoder';

/** One thing that the browser keeps for this page and that can be deleted by itself. */
export interface StoredThing {
  kind: StoredKind;
  /** '' for a kind that is one thing as a whole. */
  id: string;
  /** In words. */
  name: string;
  /** Of what is in it; what it takes on the disk only the browser knows. */
  bytes: number;
  /** Milliseconds since the epoch; null where it was not noted. */
  writtenAt: number | null;
  /** In storage. */
  records: number;
  /** By a run that is on, in whichever tab. */
  isInUse: boolean;
  /** Unfinished runs that cannot go on without it. */
  neededBy: number;
}

export interface OpenedRun {
  report: Report;
  events: RunEvent[];
}

/** Methods × seeds, by what they change in a preset. */
export interface StudyRequest {
  preset: PresetRef;
  /** What all cells change. */
  common: ConfigDiff;
  methods: string[];
  seeds: number[];
}

/** What there is of a study so far. */
export interface StudyResult {
  cells: { method: string; seed: number; link: string }[];
  tables: StudyTables;
  /** What is still to be trained. */
  plan: PlannedRun[];
}

export type StudyEvent =
  | { type: 'cell'; event: CellEvent }
  /** Of the cell under way. */
  | { type: 'run'; event: RunEvent }
  /** After each cell. */
  | { type: 'result'; result: StudyResult };

/** The training worker (worker/trainer.ts): one run, or one study, at a time. */
export interface TrainerApi {
  /** What this machine would train on; never throws: without WebGPU the backend is `wasm` or `cpu`. */
  describeDevice(): Promise<{ device: DeviceInfo; warning: string | null }>;
  /**
   * How fast the device is at products of this shape, in a second or two. Null where a run is on, where one is begun meanwhile, which does
   * not wait for it, and where it cannot be measured.
   */
  measure(shape: ProductShape): Promise<DeviceSpeed | null>;
  /**
   * All that is to be known of the device, in some seconds. Rejects, in one sentence, where a run is on; null where `endMeasuring` or a
   * run that was begun has ended it.
   */
  measureWhole(onPart: (part: MeasuredPart) => void): Promise<DeviceTable | null>;
  endMeasuring(): Promise<void>;
  /**
   * Trains to the end, or until `stop`.
   * @param from a stored checkpoint to go on from; null starts a new run
   * @param extras `teacherKey`: of the teacher's endpoint; stays in memory, and goes nowhere but there. `changes`: what a new run's link
   *   tells of
   */
  start(
    config: RunConfig,
    from: ResumeFrom | null,
    onEvent: (event: RunEvent) => void,
    extras?: StartExtras,
  ): Promise<Report | null>;
  /** Takes effect at the next step boundary, after a checkpoint. */
  pause(): Promise<void>;
  /** Takes effect before that step, or at the next one where the run is past it; resolves once it rests. `pause` takes it back. */
  pauseAt(place: Pick<RunChange, 'stage' | 'step'>): Promise<void>;
  resume(): Promise<void>;
  /**
   * Changes settings of the stage under way, from its next step on; an event tells what came of it. Throws, in one sentence, where they
   * cannot be changed now or not to that, and then nothing is.
   */
  change(edits: readonly FieldEdit[]): Promise<void>;
  /**
   * Keeps a second line of a run, which goes on from there by itself. A run that is on must be at rest. Where it begins before a change,
   * its first step may be an earlier one, since states are kept before some changes only: it comes to the change's step by itself.
   * @param id of a kept run; left out, the run on show
   * @returns the new run's id
   */
  fork(from: ForkPoint, id?: string): Promise<ResumeFrom>;
  /**
   * The words of a group of alignment: of a run that is on or was trained here, of its newest steps and any prompt of theirs. Null where
   * they are not kept, as of a run that came from a file.
   */
  group(id: string, step: number, prompt: number): Promise<GroupWords | null>;
  /** From the next step on, what an update makes of its answers is measured of this prompt; null: of the one that teaches most. */
  lookAt(prompt: number | null): Promise<void>;
  /** What to do where training runs away, as the event `divergence` asked. */
  decide(choice: DivergenceChoice): Promise<void>;
  /** Asks for a checkpoint at the next step boundary, since the tab may be about to go. */
  keep(): Promise<void>;
  /**
   * Runs the cells that are missing, one after another, to the end or until `stop`. Cells are kept in IndexedDB, so that asking again
   * goes on where it stopped. `pause` and `resume` hold for it too.
   * @returns how many cells failed
   */
  study(request: StudyRequest, onEvent: (event: StudyEvent) => void): Promise<number>;
  /** What earlier studies left of the cells that are asked for. */
  studyResult(request: StudyRequest): Promise<StudyResult>;
  /** study.json and study.csv of the same. */
  exportStudy(request: StudyRequest): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }[]>;
  deleteStudies(): Promise<void>;
  /** While paused: one training step, then pause again. */
  step(): Promise<void>;
  stop(): Promise<void>;
  savedRuns(): Promise<SavedRun[]>;
  /**
   * A finished run again: its report, and what it told when it ran. Null when none is kept.
   * @param isShown whether it is on show from now on, so that its model is the one that is exported; true unless told
   */
  openRun(id: string, isShown?: boolean): Promise<OpenedRun | null>;
  /** Kept runs held against the first of them, user by user; one that is damaged or gone says so in its place. */
  pairRuns(base: string, others: readonly string[]): Promise<RunPairing[]>;
  /** Keeps what a person calls a run and notes about it; an empty note is forgotten. */
  noteRun(id: string, note: RunNote): Promise<void>;
  deleteRun(id: string): Promise<void>;
  /** Files of the trained model: model.safetensors, config.json, tokenizer.json. Throws when there is none yet. */
  exportModel(): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }[]>;
  /** cots.jsonl: what the teacher said. Throws when it has said nothing yet. */
  exportCots(): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }>;
  /**
   * run.zip, which `npm run export` reads and `importRun` takes in. Throws when there is no run yet.
   * @param id of a kept run; left out, the run on show
   */
  exportRun(id?: string): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }>;
  /**
   * Verifies a run.zip as a checkpoint in storage is, and keeps it among the others. It replaces none.
   * @param end of a recorded run, whose file stands before its alignment: it is kept as it stood after that
   */
  importRun(file: File, end?: RecordedEnd | null): Promise<ImportedRun>;
  /** One ZIP: a folder that goes on with TRL, or verl. Throws when the run has not come as far as the end of SFT. */
  continueElsewhere(to: ElsewhereTrainer): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }>;
  /**
   * What kept models would say to a history. Throws in one sentence: while a run is being trained and does not rest, of a run that is
   * damaged or gone, of runs that cannot be mixed, and of an item that the catalogue does not have.
   */
  ask(request: AskRequest): Promise<Answer>;
  /** What a kept run may be asked about. Throws as `ask` does. */
  askable(id: string): Promise<Askable>;
  /** For tests of recovery: destroys the GPU device under the run. */
  loseDevice(): Promise<void>;
}

/** The training worker as the page's own code sees it, beside what a session asks of it. */
export interface TrainerWorkerApi extends TrainerApi {
  /** The line to a document that may ask the teacher's endpoint (endpointLine.ts). */
  askThrough(line: MessagePort): void;
}

/** The import worker (worker/importer.ts). */
export interface ImporterApi {
  /**
   * Reads files into a data set and shows what was made of them. Nothing is kept before `keepImport`.
   * @param map what a person says about the columns; '' guesses everything
   */
  readFiles(
    files: File[],
    map: string,
    onProgress: (message: string, fraction: number) => void,
  ): Promise<{ summary: ImportSummary; preview: ImportPreview }>;
  /**
   * What was understood of the files that `readFiles` refused last, since an error carries no more than its sentence out of a
   * worker; null where it was nothing.
   */
  seenOfRefused(): Promise<SeenFiles | null>;
  /** Keeps the data set that was read last, where training finds it. */
  keepImport(): Promise<ImportSummary>;
  /** Lets go of what was read last. */
  dropImport(): Promise<void>;
  listImports(): Promise<ImportSummary[]>;
  deleteImport(sha256: string): Promise<void>;
  /** Checks a JSONL file of CoTs and keeps it. */
  importCots(file: File): Promise<CotsSummary>;
  listCots(): Promise<CotsSummary[]>;
  deleteCots(sha256: string): Promise<void>;
  /** How many answers of teachers' endpoints are kept. */
  countAnswers(): Promise<number>;
  /** Deletes every answer that a teacher's endpoint gave. */
  forgetAnswers(): Promise<void>;
  /** Everything that the browser keeps for this page. */
  listStored(): Promise<StoredThing[]>;
  /** @returns how many of them were left because they are in use */
  deleteStored(things: Pick<StoredThing, 'kind' | 'id'>[]): Promise<number>;
}
