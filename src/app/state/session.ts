/**
 * What the page knows and what a person can do with it: the form (config), the run (view), the visitor's data (data),
 * and the actions between them and the workers. Signals only; nothing here touches the document.
 */
import { batch, computed, signal } from '@preact/signals';
import { configAt, type FieldEdit, isBy, type RunChange } from '../../run/changes';
import { parseConfig, type RunConfig } from '../../run/config';
import type { Divergence, DivergenceChoice } from '../../run/divergence';
import { compareFingerprints, type FingerprintComparison } from '../../run/fingerprint';
import { formatLink } from '../../run/link';
import { defaultConfig } from '../../run/presets';
import type { Fingerprint, Report, RunEvent, StageName } from '../../run/report';
import type { CheckpointGeneration } from '../../store/checkpoints';
import type { ImporterApi, ResumeFrom, SavedRun, TrainerApi } from '../../worker/protocol';
import { runName } from '../words/runNames';
import { sentence } from '../words/sentence';
import { createBehind } from './behind';
import { createBudget } from './budget';
import { createChartSettings } from './chartSettings';
import { createCotSets } from './cotSets';
import { createForm } from './form';
import { createImports } from './imports';
import { createKeptRuns, type Room } from './keptRuns';
import { createLinkedResult } from './linkedResult';
import { createLinks } from './links';
import { createNotices } from './notices';
import { createOpening } from './opening';
import { createPlay } from './play';
import { createPuttingAway } from './puttingAway';
import { createRecorded } from './recorded';
import { createRunView } from './runView';
import { createSaid } from './said';
import { createSizing } from './sizing';
import type { Pending, Status } from './status';
import { createStudies } from './studies';
import { createTakingUp } from './takingUp';
import { createTimes } from './times';

/** Where the workers come from; the page passes real ones, a test its own. */
export interface Services {
  /** The training worker, started at the first call and again at the first call after it was discarded. */
  trainer(onCrash: (message: string) => void): TrainerApi;
  importer(onCrash: (message: string) => void): ImporterApi;
  discardTrainer(): void;
  discardImporter(): void;
  tabs: {
    /** Another tab, or a worker of this one, has changed the list of kept runs. */
    onRuns(changed: () => void): void;
    /** Resolves once no tab trains the run any more. */
    runIsFree(id: string): Promise<void>;
  };
  disk: {
    /** What this page takes of what the browser gives it, in bytes; null where the browser does not tell. */
    room(): Promise<Room | null>;
    /** Asks the browser not to delete what is kept when it is short of room. */
    persist(): Promise<void>;
  };
}

/** Milliseconds after which a worker that does not stop is ended; its last checkpoint is kept all the same. */
const STOP_PATIENCE = 20_000;

export type Session = ReturnType<typeof createSession>;

/** @param frame asks for a call at the next frame; the page passes one that also fires in hidden tabs. */
export function createSession(
  services: Services,
  frame: (callback: () => void) => void,
  clock: () => number = () => performance.now(),
) {
  const config = signal<RunConfig>(defaultConfig());
  /** Of the run on show, which the form may have moved on from; null while there is none. */
  const runConfig = signal<RunConfig | null>(null);
  /** How many of the run's changes hold by now. */
  const changed = computed(() => {
    const stage = view.currentStage.value;
    if (stage === null) return status.value === 'done' ? view.changes.value.length : 0;
    const now = { stage: stage.name, step: stage.step };
    return view.changes.value.filter((change) => isBy(change, now)).length;
  });
  /** What results are to be read by: the run's config as it is by now, or the form's before there is a run. */
  const shownConfig = computed(() => {
    const begun = runConfig.value ?? config.value;
    const held = view.changes.value.slice(0, changed.value);
    return held.length === 0 ? begun : configAt(begun, held, held[held.length - 1]);
  });
  /** What the link that the form holds tells of: changes of the config while the run goes on. */
  const changes = signal<readonly RunChange[]>([]);
  const status = signal<Status>('idle');
  /** Training has run away, and rests until somebody decides. */
  const divergence = signal<Divergence | null>(null);
  /** What was asked of the worker and has not happened yet. */
  const pending = signal<Pending | null>(null);
  const deviceWarning = signal<string | null>(null);
  /** No GPU trains here. */
  const isSlow = computed(
    () =>
      view.device.value !== null && (view.device.value.backend !== 'webgpu' || deviceWarning.value !== null),
  );
  /** By which a run is sized to imported data. */
  const sizedDevice = computed(() => ({
    isSlow: isSlow.value,
    limits: view.device.value?.limits ?? {},
  }));
  /** The preset is the one that the page came with. */
  const isGiven = signal(true);
  /** The device is known, or cannot be. */
  const isDescribed = signal(false);
  /** The page is to choose the preset, and waits for the device to do so. */
  const isLooking = computed(() => !isDescribed.value && isGiven.value && sizing.isUnchosen());
  /** The preset was chosen by the page, for the device's sake. */
  const isFitted = signal(false);
  const { notices, say, dismiss } = createNotices();
  const report = signal<Report | null>(null);
  /** The fingerprint that an opened link promised, and how the run here compares with it. */
  const expected = signal<Fingerprint | null>(null);
  const verdict = signal<FingerprintComparison | null>(null);
  const theirs = createLinkedResult((level, message) => say(level, message));
  /** Of the run on show; null while there is none. */
  const runId = signal<string | null>(null);
  const others = createBehind({
    linked: theirs.linked,
    shown: runId,
    trainer,
    say,
    keep: ({ id, note }, pinned) => kept.noteRun(id, { name: '', text: '', ...note, pinned }),
  });
  const kept = createKeptRuns(services, { trainer, say, attempt, onDeleted: others.unpin });
  const resumeDismissed = signal(false);
  /** Whether the settings behind More are shown. */
  const settingsOpen = signal(false);
  /** Of the teacher's endpoint that the form names; in memory only, gone with the page and with another endpoint. */
  const teacherKey = signal('');
  /** Requests since the page was opened, by the address that they went to. */
  const asked = signal<ReadonlyMap<string, Record<'sent' | 'answered' | 'failed', number>>>(new Map());
  const runIsOn = () => status.value === 'running' || status.value === 'paused';
  const studies = createStudies(
    () => trainer(),
    () => config.value,
    () => !runIsOn(),
    (wanted) => times.timesOf(wanted),
  );
  /** The worker has work, and the form is read-only. */
  const busy = computed(() => runIsOn() || studies.busy.value);

  const { adopt, ...form } = createForm({ config, busy, expected, teacherKey, changes, isGiven });
  const view = createRunView(frame, clock, () => shownConfig.peek().popo.rewards, say);
  const { isFree, isKept } = createPuttingAway({
    busy,
    rests: computed(() => status.value === 'paused' && divergence.value === null && pending.value === null),
    runId,
    view,
    kept,
    say,
  });
  const importer = (onCrash: (message: string) => void) =>
    services.importer((message) => {
      services.discardImporter();
      onCrash(message);
    });
  const cots = createCotSets(importer, form.chooseCots, (message) => say('info', message));
  const data = createImports(importer, {
    choose: (summary) => {
      // Whoever has chosen nothing, and opened no link that asks for these data, gets what fits them.
      const isFree = sizing.isUnchosen() && opening.linked.value !== summary.sha256;
      form.chooseImport(summary.sha256, summary.map);
      if (isFree) void sizing.size();
    },
    forget(sha256) {
      if (config.value.data.sha256 === sha256) sizing.chooseWorld(defaultConfig().data.world);
    },
    stopReading: () => services.discardImporter(),
    firstMap: () => (config.value.data.sha256 === opening.linked.value ? config.value.data.map : ''),
  });
  const sizing = createSizing({
    config,
    imports: data.imports,
    sizedDevice,
    isFitted,
    form,
    described: () => described ?? Promise.resolve(),
  });
  const isCold = computed(
    () => status.value === 'idle' && view.table.value.length === 0 && !studies.busy.value,
  );
  const play = createPlay({
    config,
    changes,
    isCold,
    importRun: (file, end) => trainer().importRun(file, end),
    find: kept.find,
    start: (run) => void start(run),
    say,
  });
  const recorded = createRecorded({
    isCold,
    view,
    isFree: () => !busy.value && pending.value === null,
    show(shown) {
      clear();
      status.value = 'idle';
      runConfig.value = shown;
    },
    leave: () => clear(),
    say,
  });
  const links = createLinks({ config, changes, runConfig, report, view, runIsOn });
  const takingUp = createTakingUp({
    status,
    pending,
    busy,
    isFree,
    isKept,
    turn: () => current,
    trainer,
    find: kept.find,
    start,
    pause,
    reset,
    say,
  });
  const opening = createOpening({
    status,
    busy,
    runConfig,
    runId,
    report,
    view,
    expected,
    theirs,
    settingsOpen,
    trainer,
    adopt,
    isCleared: takingUp.isCleared,
    clear,
    show,
    readFiles: data.readFiles,
    importCots: cots.importCots,
    importRun: kept.importRun,
    say,
  });
  const budget = createBudget({ ...data, config, device: view.device, deviceWarning });
  const times = createTimes({
    config,
    device: view.device,
    deviceWarning,
    imports: data.imports,
    runs: kept.runs,
    busy,
    stages: view.stages,
    running: shownConfig,
    trainer,
  });

  /** Names the run whose events count; events of a run that was stopped or died are ignored. */
  let current = 0;

  function trainer(): TrainerApi {
    return services.trainer((message) => {
      services.discardTrainer();
      current++;
      const wasRunning = runIsOn();
      batch(() => {
        pending.value = null;
        if (studies.busy.value) {
          studies.crashed();
          say(
            'error',
            `The training worker stopped unexpectedly (${message}). Finished runs of the study are kept: press Go on.`,
          );
          return;
        }
        if (wasRunning) {
          status.value = 'error';
          resumeDismissed.value = false;
        }
        say(
          'error',
          wasRunning
            ? `The training worker stopped unexpectedly (${message}). ${keptSentence()}`
            : `The training worker could not start (${message}). Reload the page; if it happens again, use a newer browser.`,
        );
      });
      if (wasRunning) void kept.refresh();
    });
  }

  function keptSentence(): string {
    const kept = view.checkpoint.value;
    if (kept === null) return 'Nothing had been kept yet; press Train to start over.';
    return kept.stored
      ? `It is kept up to step ${kept.step} of ${kept.stage}: resume it, or press Train to start over.`
      : 'The browser refused to keep checkpoints, so press Train to start over.';
  }

  /** What was on show stays behind what is to come. */
  function clear(): void {
    batch(() => {
      const was = runConfig.value;
      if (was !== null && runId.value !== null && view.loss.length + view.popo.length > 0)
        others.before.value = {
          id: runId.value,
          label: `before: ${runName(kept.runs.value.find(({ id }) => id === runId.value) ?? { config: was })}`,
          columns: view.copy(),
        };
      runId.value = null;
      recorded.close();
      view.clear();
      divergence.value = null;
      runConfig.value = null;
      report.value = null;
      verdict.value = null;
      notices.value = [];
    });
  }

  /** Trains from the start, or from a saved run; `choice` is of one that was stopped because it ran away. Resolves when the run has ended, been stopped or failed. */
  async function start(
    saved: SavedRun | null = null,
    generation: CheckpointGeneration = 'newest',
    choice?: ResumeFrom['choice'],
  ): Promise<void> {
    if (saved === null && isLooking.value && described !== null) {
      if (pending.value !== null) return;
      pending.value = 'starting';
      await described;
      pending.value = null;
    }
    // A run that is taken up is weighed by the worker, which knows its numbers.
    if (saved === null && budget.isAwaited()) await budget.load();
    if (busy.value || pending.value !== null) return;
    let wanted: RunConfig;
    try {
      if (saved === null && budget.tooLarge.value !== null) throw new Error(budget.tooLarge.value);
      wanted = parseConfig(saved?.config ?? config.value);
    } catch (error) {
      status.value = 'error';
      say('error', `This run cannot start: ${sentence(error)}`);
      return;
    }
    const token = ++current;
    batch(() => {
      clear();
      // What a link promised stands for the very run it tells of, also when that run is taken up again.
      const told = saved === null ? changes.value : (saved.changes ?? []);
      const isLinked = formatLink(wanted, null, null, told) === links.formLink();
      if (saved !== null && !isLinked) {
        expected.value = null;
        theirs.close();
      }
      adopt(wanted, told);
      runConfig.value = wanted;
      runId.value = saved?.id ?? crypto.randomUUID();
      status.value = 'running';
      pending.value = 'starting';
      if (saved !== null) {
        const { stage, step } = (generation === 'earlier' ? saved.earlier : null) ?? saved;
        view.checkpoint.value = { stage: stage as StageName, step, stored: true };
      }
    });
    try {
      const onEvent = (event: RunEvent) => {
        // What a run has sent was sent, also where the run is no longer the one on show.
        if (event.type === 'asked') return countAsked(event);
        if (token !== current) return;
        if (pending.value === 'starting') pending.value = null;
        if (event.type === 'checkpoint' && event.stored) void kept.askToPersist(event.stage);
        if (event.type === 'divergence') rest(event.decided === null ? event.found : null);
        view.receive(event);
      };
      const teacherKeyOfRun = wanted.rupr.teacher === 'openai' ? teacherKey.value.trim() || null : null;
      const from = saved && { id: saved.id, generation, choice };
      const result = await trainer().start(wanted, from, onEvent, {
        teacherKey: teacherKeyOfRun,
        changes: changes.value,
        id: runId.value ?? undefined,
      });
      await view.drained();
      if (token !== current) return;
      batch(() => {
        pending.value = null;
        status.value = result === null ? 'idle' : 'done';
        if (result !== null) show(result);
      });
    } catch (error) {
      if (token !== current) return;
      batch(() => {
        const isUnbegun = saved !== null && pending.value === 'starting';
        // One that is damaged, not one that another tab trains.
        const isRefused = error instanceof Error && error.name === 'CheckpointError';
        if (isUnbegun && isRefused && saved.earlier !== null && generation === 'newest')
          kept.refused.value = new Set([...kept.refused.value, saved.id]);
        pending.value = null;
        status.value = 'error';
        resumeDismissed.value = false;
        const message = isUnbegun
          ? `This run was not taken up: ${sentence(error)}`
          : `Training stopped: ${sentence(error)} ${keptSentence()}`;
        say('error', message);
      });
    }
    void kept.refresh();
  }

  function countAsked({ url, outcome }: Extract<RunEvent, { type: 'asked' }>): void {
    const counts = asked.value.get(url) ?? { sent: 0, answered: 0, failed: 0 };
    asked.value = new Map(asked.value).set(url, { ...counts, [outcome]: counts[outcome] + 1 });
  }

  function show(result: Report): void {
    report.value = result;
    if (expected.value !== null) verdict.value = compareFingerprints(expected.value, result.fingerprint);
  }

  /** The run rests until somebody decides, or goes on since somebody has. */
  function rest(found: Divergence | null): void {
    batch(() => {
      divergence.value = found;
      pending.value = null;
      status.value = found === null ? 'running' : 'paused';
    });
  }

  /** Changes settings of the stage under way, from its next step on. @param refuse takes the sentence why not; left out, a notice says it */
  async function change(
    edits: readonly FieldEdit[],
    refuse: (why: string) => void = (why) => say('error', why),
  ): Promise<void> {
    try {
      await trainer().change(edits);
    } catch (error) {
      refuse(`Nothing was changed: ${sentence(error)}`);
    }
  }

  async function decide(choice: DivergenceChoice): Promise<void> {
    await attempt('The decision', () => trainer().decide(choice));
  }

  async function pause(): Promise<void> {
    if (status.value !== 'running' || pending.value === 'pausing') return;
    const token = current;
    pending.value = 'pausing';
    const paused = await attempt('Pausing', () => trainer().pause());
    if (token !== current || status.value !== 'running') return;
    batch(() => {
      pending.value = null;
      if (paused) status.value = 'paused';
    });
  }

  async function resume(): Promise<void> {
    if (status.value !== 'paused' || pending.value !== null) return;
    if (divergence.value !== null) return decide('go-on');
    status.value = 'running';
    await attempt('Resuming', () => trainer().resume());
  }

  /** While paused: one training step. Running: pauses. Otherwise: starts, and pauses at the first step. */
  async function step(): Promise<void> {
    if (divergence.value !== null) return;
    if (status.value === 'paused') {
      await attempt('The step', () => trainer().step());
      return;
    }
    if (!runIsOn()) {
      if (budget.isAwaited()) await budget.load();
      void start();
    }
    await pause();
  }

  /** Stops what runs (its last checkpoint stays in the list) and clears the page. */
  async function reset(): Promise<void> {
    const stopping = runIsOn();
    if (stopping) {
      current++;
      pending.value = 'stopping';
      const patience = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), STOP_PATIENCE));
      const stopped = attempt('Stopping', () => trainer().stop());
      if ((await Promise.race([stopped, patience])) === 'late') services.discardTrainer();
    }
    batch(() => {
      clear();
      pending.value = null;
      status.value = 'idle';
      resumeDismissed.value = true;
    });
    if (stopping) void kept.refresh();
  }

  /** Ends the show of a recording; nothing of it stays. */
  function closeRecording(): void {
    if (recorded.watched.value !== null) clear();
  }

  async function attempt(what: string, action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      say('error', `${what} failed: ${sentence(error)}`);
      return false;
    }
  }

  /** Settled once the device is known, or cannot be; null before anybody has asked. */
  let described: Promise<void> | null = null;

  async function describe(): Promise<void> {
    try {
      const answer = await trainer().describeDevice();
      batch(() => {
        view.device.value = answer.device;
        deviceWarning.value = answer.warning;
        // Nobody has asked for anything yet, so nothing is asked of a processor that it takes hours over.
        const mayChoose = isLooking.value && !busy.value;
        isDescribed.value = true;
        if (mayChoose && isSlow.value) {
          form.choosePreset('tiny');
          isFitted.value = true;
        }
      });
    } catch (error) {
      say('warning', `The device could not be described: ${sentence(error)} Training may still work.`);
    } finally {
      isDescribed.value = true;
    }
  }

  /** Asks the worker what it would train on and which runs it keeps. */
  async function wake(): Promise<void> {
    described = describe();
    await described;
    services.tabs.onRuns(() => void kept.refresh());
    await Promise.all([budget.load(), kept.refresh()]);
    void times.wake();
    await others.restore(kept.runs.value);
  }

  /** The tab may be about to go: what is under way is kept as soon as it can be. */
  function keep(): void {
    if (runIsOn()) void trainer().keep();
  }

  /** Whether the form's data set is still there; without it the generated marketplace is chosen. */
  function forgetMissing(): void {
    const { source, sha256 } = config.value.data;
    if (source === 'import' && !data.imports.value.some((kept) => kept.sha256 === sha256))
      sizing.chooseWorld(defaultConfig().data.world);
  }

  const state = {
    config,
    runConfig,
    shownConfig,
    changed,
    changes,
    status,
    divergence,
    pending,
    deviceWarning,
    isSlow,
    sizedDevice,
    isFitted,
    isLooking,
    notices,
    report,
    expected,
    verdict,
    /** What the opened link says came out; null where it says nothing. */
    theirs: theirs.linked,
    behind: others.behind,
    pinned: others.pinned,
    runId,
    linked: opening.linked,
    savedRuns: kept.runs,
    left: kept.left,
    askable: kept.askable,
    refused: kept.refused,
    room: kept.room,
    resumeDismissed,
    settingsOpen,
    busy,
    isFree,
    charts: createChartSettings(),
    said: createSaid(trainer, runId),
    view,
    studies,
    data,
    cots,
    teacherKey,
    asked,
    estimate: budget.estimate,
    tooLarge: budget.tooLarge,
    times,
    imported: sizing.imported,
    starter: play.starter,
    isFetching: play.isFetching,
    /** The recording on show; null while there is none. */
    watched: recorded.watched,
    isRecordingOffered: recorded.isOffered,
    isFetchingRecording: recorded.isFetching,
  };
  const runs = {
    start,
    takeUp: takingUp.takeUp,
    play: play.play,
    starterOf: play.starterOf,
    keepStarter: play.keep,
    watch: recorded.watch,
    closeRecording,
    pause,
    resume,
    change,
    fork: takingUp.fork,
    decide,
    keep,
    step,
    reset,
    wake,
    deleteRun: kept.deleteRun,
    importRun: kept.importRun,
    refreshRuns: kept.refresh,
    forgetMissing,
    chooseWorld: sizing.chooseWorld,
    size: sizing.size,
    openLink: opening.openLink,
    takeFiles: opening.takeFiles,
    trainer,
    importer,
    openReport: opening.openReport,
    duplicate: opening.duplicate,
    noteRun: kept.noteRun,
    pin: others.pin,
    link: links.link,
  };
  return { ...state, ...form, ...runs, say, dismiss };
}
