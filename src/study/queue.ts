/**
 * Methods × seeds, one after another. What is done is not done again, one cell's failure leaves the others, and cells of a
 * seed share what they have in common (prefix.ts). Of a finished run the cell is kept, and the whole run only as long as a method that is
 * derived from it (derived.ts) is to come.
 */
import type { AnswersRow } from '../evaluate/metrics';
import { KERNELS_VERSION } from '../gpu/kernels';
import { outcomesOf } from '../run/assemble';
import type { RunConfig } from '../run/config';
import type { ConfigDiff } from '../run/diff';
import { heldByRun } from '../run/heldReward';
import type { PresetRef } from '../run/presets';
import type { DeviceInfo, Report, StageName } from '../run/report';
import type { RunContext, RunOutcome } from '../run/runner';
import type { RunCheckpoint } from '../run/runState';
import { APP_VERSION } from '../run/version';
import type { Cell, Spent } from './cell';
import { derivedCheckpoint } from './derived';
import { type Method, methodConfig, methodNamed } from './methods';
import { fork, furthest, stillWanted } from './prefix';

export interface StudyContext {
  preset: PresetRef;
  /** What all cells change. */
  common: ConfigDiff;
  methods: readonly Method[];
  seeds: readonly number[];
  /** A cell as it was kept, or null. */
  read(method: string, config: RunConfig): Promise<Cell | null>;
  keep(cell: Cell): Promise<void>;
  ends: Ends;
  run(config: RunConfig, resume: RunCheckpoint | null, save: RunContext['save']): Promise<RunOutcome>;
  tell(event: CellEvent): void;
}

/** Finished runs that others are made from, each by its method and config. */
export interface Ends {
  /** Null where none is kept, or it cannot be read. */
  read(method: string, config: RunConfig): Promise<RunCheckpoint | null>;
  keep(method: string, end: RunCheckpoint, config: RunConfig): Promise<void>;
  /** Not an error where there is none. */
  drop(method: string, config: RunConfig): Promise<void>;
}

/** What becomes of one cell; `kept` is one that an earlier study made. */
export type CellEvent = { method: string; seed: number } & (
  | { status: 'kept' | 'finished' }
  /** `from` is the stage up to which a cell before it has gone already. */
  | { status: 'started'; from: StageName | null }
  | { status: 'failed'; message: string }
);

/** Whether a cell is what this version of the app would make of the config. */
export function isOf(cell: Cell, config: RunConfig): boolean {
  return (
    cell.app === APP_VERSION &&
    cell.kernels === KERNELS_VERSION &&
    JSON.stringify(cell.config) === JSON.stringify(config)
  );
}

/** @returns the cells that there are, and how many failed; what was stopped is neither */
export async function runStudy(context: StudyContext): Promise<{ cells: Cell[]; failed: number }> {
  const cells: Cell[] = [];
  let failed = 0;
  for (const seed of context.seeds) {
    let checkpoints: RunCheckpoint[] = [];
    const wanted = await sourcesOf(context, seed);
    /** The last run, for methods that are judged at different stages of the same. */
    const last: { config: string; outcome: RunOutcome | null } = { config: '', outcome: null };
    for (const [index, method] of context.methods.entries()) {
      const { name, derived } = method;
      const rest = configsOf(context, index + 1, seed);
      let known: Cell | null = null;
      try {
        const config = configOf(context, method, seed);
        known = await context.read(name, config);
        const lacksEnd = wanted.has(name) && (await context.ends.read(name, config)) === null;
        if (known !== null && !lacksEnd) {
          cells.push(known);
          context.tell({ method: name, seed, status: 'kept' });
          continue;
        }
        const from =
          derived === undefined
            ? furthest(checkpoints, config)
            : derivedCheckpoint(derived, await endsOf(context, derived.from, seed), config);
        context.tell({ method: name, seed, status: 'started', from: from?.state.stage ?? null });
        const key = derived === undefined ? JSON.stringify(config) : '';
        const resume = from === null || derived !== undefined ? from : fork(from, config);
        const outcome: RunOutcome =
          key !== '' && last.outcome !== null && last.config === key
            ? last.outcome
            : await context.run(config, resume, async (made) => {
                if (made.state.step === 0 && derived === undefined)
                  checkpoints = stillWanted([...checkpoints, made], rest);
                return false;
              });
        Object.assign(last, { config: key, outcome });
        if (outcome.report === null) return { cells, failed };
        const cell = cellOf(method, config, outcome);
        // Before the cell, which then says that its end is kept.
        if (wanted.has(name)) await context.ends.keep(name, outcome.checkpoint, config);
        await context.keep(cell);
        cells.push(cell);
        context.tell({ method: name, seed, status: 'finished' });
      } catch (error) {
        failed++;
        // What it came to is known all the same, where only its end was to be made again.
        if (known !== null) cells.push(known);
        const message = error instanceof Error ? error.message : String(error);
        context.tell({ method: name, seed, status: 'failed', message });
      }
      checkpoints = stillWanted(checkpoints, rest);
    }
    const still = await sourcesOf(context, seed);
    for (const { name, config } of derivedOf(context, seed).flatMap(({ sources }) => sources))
      if (!still.has(name)) await context.ends.drop(name, config);
  }
  return { cells, failed };
}
function configOf({ preset, common }: StudyContext, method: Method, seed: number): RunConfig {
  return methodConfig(method, preset, common, seed);
}

/** Methods that are made from others, and these; what cannot be configured fails when its turn comes. */
function derivedOf(context: StudyContext, seed: number) {
  const named = (method: Method) => ({ name: method.name, config: configOf(context, method, seed) });
  return context.methods.flatMap((method) => {
    if (method.derived === undefined) return [];
    try {
      return [{ ...named(method), sources: method.derived.from.map((name) => named(methodNamed(name))) }];
    } catch {
      return [];
    }
  });
}

/** The methods whose runs a derived one is still to be made from. */
async function sourcesOf(context: StudyContext, seed: number): Promise<Set<string>> {
  const wanted = new Set<string>();
  for (const { name, config, sources } of derivedOf(context, seed))
    if ((await context.read(name, config)) === null) for (const source of sources) wanted.add(source.name);
  return wanted;
}

/** @throws Error for a run that is not there */
async function endsOf(
  context: StudyContext,
  from: readonly string[],
  seed: number,
): Promise<RunCheckpoint[]> {
  const ends: RunCheckpoint[] = [];
  for (const name of from) {
    const end = await context.ends.read(name, configOf(context, methodNamed(name), seed));
    if (end === null)
      throw new Error(
        `It is made from the runs of ${from.join(' and ')}, and that of ${name} is not there: it failed, or is not among the methods.`,
      );
    ends.push(end);
  }
  return ends;
}

/** @throws Error where the run has no row of the method's */
function cellOf(method: Method, config: RunConfig, { report, checkpoint, slices }: RunOutcome): Cell {
  if (report === null) throw new Error('A run that was stopped has no row.');
  const rows: (AnswersRow | undefined)[] = [
    ...report.table,
    report.counting,
    ...(report.baselines?.rows ?? []),
  ];
  const row = rows.find((each) => each?.stage === method.row);
  const outcomes = outcomesOf(checkpoint.state, method.row)?.outcomes ?? null;
  if (row === undefined || outcomes === null)
    throw new Error(
      `its table has no row ${method.row}${report.baselines ? `: ${report.baselines.notes.join(' ')}` : '.'}`,
    );
  const { derived } = method;
  // Of a derived model these are of the run that it was put in the place of.
  const { steps, curve } = derived === undefined ? report.popo : { steps: [], curve: [] };
  const levels = (derived === undefined && checkpoint.state.made.popo?.levels) || [];
  const held = method.row === 'popo' && derived === undefined ? heldByRun(report) : null;
  return {
    method: method.name,
    seed: config.seed,
    app: report.app,
    kernels: report.kernels,
    config,
    link: derived === undefined ? report.link : '',
    exact: report.fingerprint.exact,
    row,
    outcomes: [...outcomes],
    ...(slices === null ? {} : { slices }),
    ...(method.row === 'popo' && { spent: spentOf(report, steps, levels) }),
    ...(derived && { from: derived.from }),
    ...(held !== null && { held }),
    gauges: {
      reward: steps.map((step) => step.reward),
      frac_reward_zero_std: steps.map((step) => step.frac_reward_zero_std),
      curve,
    },
  };
}

/** @param levels that rewards were held at: they were sampled too */
function spentOf(
  { device, timings, config }: Report,
  steps: Report['popo']['steps'],
  levels: readonly { answers: number }[],
): Spent {
  const parts = steps.length === 0 ? [] : ['rollout', 'reward', 'update'];
  return {
    adapter: adapterWords(device),
    seconds: parts.reduce((sum, part) => sum + (timings[part] ?? 0), 0),
    updates: steps.length * config.popo.num_iterations,
    rollouts:
      steps.reduce((sum, { rewards }) => sum + rewards.flat().length, 0) +
      levels.reduce((sum, { answers }) => sum + answers, 0),
  };
}

/** What a run was trained on, in words. */
export function adapterWords({ vendor, architecture, description }: DeviceInfo): string {
  return (
    [...new Set([description, vendor, architecture])].filter((part) => part !== '').join(' ') || 'WebGPU'
  );
}

/** Of the methods from `index` on; what cannot be configured fails when its turn comes. What is derived goes on from no checkpoint. */
function configsOf(context: StudyContext, index: number, seed: number): RunConfig[] {
  return context.methods.slice(index).flatMap((method) => {
    if (method.derived !== undefined) return [];
    try {
      return configOf(context, method, seed);
    } catch {
      return [];
    }
  });
}
