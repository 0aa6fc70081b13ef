/**
 * `window.taiji`: the page's controls for programs. `npm run train` drives the page through it, and so may anyone at the
 * browser's console. The run's status is mirrored in `data-status` of the document's root element.
 */
import { effect } from '@preact/signals';
import type { ImportPreview } from '../data/preview';
import type { Compiling } from '../gpu/device';
import type { RunChange } from '../run/changes';
import type { RunConfig } from '../run/config';
import type { DeviceTable } from '../run/deviceTable';
import { readAssignment } from '../run/diff';
import type { Divergence, DivergenceChoice } from '../run/divergence';
import type { ElsewhereTrainer } from '../run/elsewhere/elsewhere';
import { setLeaf } from '../run/fields/paths';
import type { FingerprintComparison } from '../run/fingerprint';
import type { ForkPoint } from '../run/forkPoints';
import type { GroupWords, Report } from '../run/report';
import type { LinkResult } from '../run/result/linkResult';
import type { Answer, Askable, AskRequest } from '../worker/askProtocol';
import type { SavedRun } from '../worker/protocol';
import { pageLink, resultLink } from './parts/share';
import type { RunComparison } from './results/comparison';
import type { CotsOutcome } from './state/cotSets';
import type { ImportOutcome } from './state/imports';
import type { Notice } from './state/notices';
import type { StageState } from './state/runView';
import type { Session } from './state/session';
import type { Status } from './state/status';
import { said } from './words/language';
import { stageWords } from './words/runWords';

export interface TaijiConsole {
  status(): Status;
  stages(): StageState[];
  /** What the page says to a person, oldest first. */
  notices(): Notice[];
  /** How many of the kernels asked for so far are built; null while none is being built. */
  compiling(): Compiling | null;
  report(): Report | null;
  /** What the form holds: the next run's, or the shown run's. */
  config(): RunConfig;
  /** How the run here compares with the link that was opened; null without a link, or before the end. */
  verdict(): FingerprintComparison | null;
  /** Link of what is shown, with the fingerprint of a finished run. */
  link(): string;
  /** The same with what came out in it, as Share copies it; null before the end. */
  resultLink(): Promise<string | null>;
  /** What the opened link says came out; null where it says nothing, and while that is read. */
  linkedResult(): LinkResult | null;
  /** Runs kept on this device, newest first, as the list last showed them. */
  savedRuns(): SavedRun[];
  /** Sets one field of the form, such as `popo.weighting=fixed`. Throws for unknown fields, and while a run is on. */
  set(assignment: string): void;
  /** Sizes the next run to the imported data set that the form names, as the preset `auto` does. Nothing without one. */
  size(): Promise<void>;
  /** Resolves when the run has ended. */
  start(): Promise<void>;
  /** Begins alignment from the run that lies beside the page, where the form asks for that one or for nothing in particular. */
  play(): Promise<void>;
  /** Shows the recorded run that lies beside the page, at rest after so many steps of alignment; left out, it plays. Nothing is trained. */
  watch(step?: number): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  step(): Promise<void>;
  /**
   * Changes settings of alignment while it goes on, from its next step: `change('popo.weighting=fixed', 'popo.reward_weights=0.9,0.1')`.
   * Rejects, in one sentence, where that cannot be.
   */
  change(...assignments: string[]): Promise<void>;
  /** All that was changed so, and what an opened link is yet to change. */
  changes(): readonly RunChange[];
  /**
   * Goes on with a second line of the run, at rest; the first is kept. `warmup`, `rupr`, `orft`, `sft` or `popo`: from the beginning of
   * that stage. Left out: from where it rests.
   */
  fork(from?: ForkPoint): Promise<void>;
  /**
   * The words of a group of alignment, any prompt of any step of the run on show, both counted from 0; null where they are not kept, as
   * of a run that came from a file.
   */
  group(step: number, prompt: number): Promise<GroupWords | null>;
  /**
   * Goes on with a second line from just before a change, without it and what was changed after it; the first is kept. Resolves once it
   * rests there, which takes a while where it has to take some steps again. Rejects where there is no such change.
   * @param at its place in `changes()`, counted from 0; left out, the last one that holds
   */
  undo(at?: number): Promise<void>;
  /**
   * What a kept run says to a history, oldest first, of titles or ids: `ask({ history: ['…', '…'] })`. Rejects, in one sentence, while a
   * run is being trained and does not rest.
   * @param request `runs`: kept runs by their ids, with shares; of a run of conditioned parameters `at`, the weights of its rewards; left
   * out, the run on show. All else as `src/worker/askProtocol.ts` has it
   */
  ask(request: Omit<AskRequest, 'runs'> & Partial<Pick<AskRequest, 'runs'>>): Promise<Answer>;
  /** The catalogue of a kept run, how long a history may be, and which runs it can be mixed with; left out, the run on show. */
  askable(id?: string): Promise<Askable>;
  /**
   * What a mixture says: of two runs that were aligned from one fine-tuned model, parameters (1 − share) · first + share · second. The
   * same as `ask` with both runs.
   */
  mix(
    runs: [first: string, second: string],
    share: number,
    request: Omit<AskRequest, 'runs'>,
  ): Promise<Answer>;
  /**
   * Pins finished runs, which draws them in every chart, and tells what they differ in and what came out of each, with intervals: each
   * run's own, and paired by user against the first of them. Rejects, in one sentence, where a run is not kept or has no report.
   */
  compare(...ids: string[]): Promise<RunComparison>;
  /** Why training rests until somebody decides; null while it does not run away. */
  divergence(): Divergence | null;
  /** What to do then. */
  decide(choice: DivergenceChoice): Promise<void>;
  reset(): Promise<void>;
  /**
   * What this device does: multiply-adds, products, and a training step and rollouts of `tiny` and `small`, in some seconds. Null where a run
   * that was begun has ended it. Rejects, in one sentence, while a run is on.
   */
  measure(): Promise<DeviceTable | null>;
  /**
   * Reads files into a data set, keeps it and makes it the run's.
   * @param map what is said about the columns, as `--map` has it; left out, what an opened link says of its files
   */
  importFiles(files: File[], map?: string): Promise<void>;
  /** Reads files to be looked at; `map` as there. */
  readFiles(files: File[], map?: string): Promise<void>;
  /** What was made of the files that were read and are not kept; null while there are none. */
  preview(): ImportPreview | null;
  /** Keeps what was read, and makes it the run's. */
  keepImport(): Promise<void>;
  /** Lets go of what was read. */
  dropImport(): Promise<void>;
  /** How the last import ended; null while none has. */
  imported(): ImportOutcome | null;
  /** A JSONL file of CoTs, for the teacher `file`. */
  importCots(files: File[]): Promise<void>;
  /** How the last one ended; null while none has. */
  importedCots(): CotsOutcome | null;
  /** For the teacher `openai`; stays in memory. */
  setTeacherKey(key: string): void;
  /** Destroys the GPU device under the run, to see it recover. */
  loseDevice(): Promise<void>;
  exportModel(): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }[]>;
  /** cots.jsonl: what the teacher said. */
  exportCots(): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }>;
  /** run.zip, which `npm run export` reads and `importRun` takes in; of the run on show, or of a kept one. */
  exportRun(id?: string): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }>;
  /** Keeps the run of a run.zip among the others; a notice says what came of it. */
  importRun(file: File): Promise<void>;
  /** A folder that goes on elsewhere, as one ZIP. */
  continueElsewhere(to: ElsewhereTrainer): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }>;
}

declare global {
  var taiji: TaijiConsole | undefined;
}

export function exposeConsole(session: Session): void {
  globalThis.taiji = {
    status: () => session.status.value,
    stages: () => session.view.stages.value,
    notices: () => session.notices.value,
    compiling: () => session.view.compiling.value,
    report: () => session.report.value,
    config: () => session.config.value,
    verdict: () => session.verdict.value,
    link: () => pageLink(session),
    resultLink: () => resultLink(session),
    linkedResult: () => session.theirs.value?.found?.result ?? null,
    savedRuns: () => session.savedRuns.value,
    set(assignment) {
      if (session.busy.value)
        throw new Error(
          'The form is read-only while a run is on: taiji.change turns what can be turned then.',
        );
      session.edit((draft) => setLeaf(draft, ...readAssignment(assignment)));
    },
    size: session.size,
    start: () => session.start(),
    play: session.play,
    async watch(step) {
      if (session.watched.value === null) await session.watch();
      if (step === undefined) return;
      session.watched.value?.pause();
      session.watched.value?.moveTo(step);
    },
    pause: session.pause,
    resume: session.resume,
    step: session.step,
    divergence: () => session.divergence.value,
    decide: session.decide,
    change: (...assignments) =>
      session.trainer().change(
        assignments.map((assignment) => {
          const [field, to] = readAssignment(assignment);
          return { field, to };
        }),
      ),
    changes: () => session.view.changes.value,
    fork: (from = 'here') => session.fork(from),
    group: async (step, prompt) => session.trainer().group(shownRun(session), step, prompt),
    async undo(at = session.changed.value - 1) {
      const change = session.view.changes.value.at(at);
      if (at < 0 || change === undefined)
        throw new Error('There is no such change to undo: taiji.changes() has them.');
      const { stage, step, field } = change;
      await session.fork({ stage, step, field }, session.runId.value ?? undefined);
    },
    ask: async (request) =>
      session.trainer().ask({ ...request, runs: request.runs ?? [{ id: shownRun(session), share: 1 }] }),
    askable: async (id) => session.trainer().askable(id ?? shownRun(session)),
    mix: ([first, second], share, request) => {
      const runs = [
        { id: first, share: 1 - share },
        { id: second, share },
      ];
      return session.trainer().ask({ ...request, runs });
    },
    compare: (...ids) => compare(session, ids),
    reset: session.reset,
    measure: () => session.trainer().measureWhole(() => {}),
    importFiles: session.data.importFiles,
    readFiles: session.data.readFiles,
    preview: () => session.data.draft.value?.found?.preview ?? null,
    keepImport: session.data.keepImport,
    dropImport: session.data.dropImport,
    imported: () => session.data.outcome.value,
    importCots: session.cots.importCots,
    importedCots: () => session.cots.outcome.value,
    setTeacherKey: (key) => {
      session.teacherKey.value = key;
    },
    loseDevice: () => session.trainer().loseDevice(),
    exportModel: () => session.trainer().exportModel(),
    exportCots: () => session.trainer().exportCots(),
    exportRun: (id) => session.trainer().exportRun(id),
    importRun: session.importRun,
    continueElsewhere: (to) => session.trainer().continueElsewhere(to),
  };
  effect(() => {
    document.documentElement.dataset.status = session.status.value;
  });
  effect(() => {
    document.title = said(title(session));
  });
}

async function compare(session: Session, ids: readonly string[]): Promise<RunComparison> {
  const runOf = (id: string) => session.pinned.value.find((run) => run.id === id);
  for (const id of ids) {
    const saved = session.savedRuns.value.find((run) => run.id === id);
    if (saved === undefined) throw new Error(`No run ${id} is kept: taiji.savedRuns() has the ids.`);
    if (runOf(id) === undefined) await session.pin(saved);
    if (runOf(id) === undefined) throw new Error(`The run ${id} could not be pinned; a notice says why.`);
  }
  const [first, ...others] = ids;
  const pairings = others.length === 0 ? [] : await session.trainer().pairRuns(first, others);
  const { comparisonOf } = await import('./results/comparison');
  return comparisonOf(
    ids.map((id) => runOf(id)!),
    pairings,
  );
}

function shownRun({ runId }: Session): string {
  if (runId.value !== null) return runId.value;
  throw new Error('No run is on show: open one, or name one of taiji.savedRuns() by its id.');
}

function title(session: Session): string {
  const status = session.status.value;
  const stage = session.view.currentStage.value;
  if (status === 'done') return 'Done · taiji-lab';
  if (status === 'error') return 'Stopped · taiji-lab';
  if (!session.busy.value || stage === null) return 'taiji-lab';
  const done = stage.steps > 0 ? ` ${Math.floor((100 * stage.step) / stage.steps)} %` : '';
  const { label } = stageWords(stage.name, session.shownConfig.value);
  return `${status === 'paused' ? 'Paused: ' : ''}${label}${done} · taiji-lab`;
}
