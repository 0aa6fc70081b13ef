/**
 * Methods × seeds, one after another. What is done is not done again, one cell's failure leaves the others, and cells of a
 * seed share what they have in common (prefix.ts).
 */
import type { AnswersRow } from '../evaluate/metrics';
import { KERNELS_VERSION } from '../gpu/kernels';
import { outcomesOf } from '../run/assemble';
import type { RunConfig } from '../run/config';
import type { ConfigDiff } from '../run/diff';
import type { PresetRef } from '../run/presets';
import type { StageName } from '../run/report';
import type { RunContext, RunOutcome } from '../run/runner';
import type { RunCheckpoint } from '../run/runState';
import { APP_VERSION } from '../run/version';
import type { Cell } from './cell';
import { type Method, methodConfig } from './methods';
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
  run(config: RunConfig, resume: RunCheckpoint | null, save: RunContext['save']): Promise<RunOutcome>;
  tell(event: CellEvent): void;
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
    /** The last run, for methods that are judged at different stages of the same. */
    const last: { config: string; outcome: RunOutcome | null } = { config: '', outcome: null };
    for (const [index, method] of context.methods.entries()) {
      const { name } = method;
      const rest = configsOf(context, index + 1, seed);
      try {
        const config = methodConfig(method, context.preset, context.common, seed);
        const known = await context.read(name, config);
        if (known !== null) {
          cells.push(known);
          context.tell({ method: name, seed, status: 'kept' });
          continue;
        }
        const from = furthest(checkpoints, config);
        context.tell({ method: name, seed, status: 'started', from: from?.state.stage ?? null });
        const key = JSON.stringify(config);
        const outcome: RunOutcome =
          last.outcome !== null && last.config === key
            ? last.outcome
            : await context.run(config, from && fork(from, config), async (made) => {
                if (made.state.step === 0) checkpoints = stillWanted([...checkpoints, made], rest);
                return false;
              });
        Object.assign(last, { config: key, outcome });
        const { report, checkpoint, slices } = outcome;
        if (report === null) return { cells, failed };
        const rows: (AnswersRow | undefined)[] = [
          ...report.table,
          report.counting,
          ...(report.baselines?.rows ?? []),
        ];
        const row = rows.find((each) => each?.stage === method.row);
        const outcomes = outcomesOf(checkpoint.state, method.row);
        if (row === undefined || outcomes === null)
          throw new Error(
            `its table has no row ${method.row}${report.baselines ? `: ${report.baselines.notes.join(' ')}` : '.'}`,
          );
        const { steps, curve } = report.popo;
        const cell: Cell = {
          method: name,
          seed,
          app: report.app,
          kernels: report.kernels,
          config,
          link: report.link,
          exact: report.fingerprint.exact,
          row,
          outcomes: [...outcomes],
          ...(slices === null ? {} : { slices }),
          gauges: {
            reward: steps.map((step) => step.reward),
            frac_reward_zero_std: steps.map((step) => step.frac_reward_zero_std),
            curve,
          },
        };
        await context.keep(cell);
        cells.push(cell);
        context.tell({ method: name, seed, status: 'finished' });
      } catch (error) {
        failed++;
        const message = error instanceof Error ? error.message : String(error);
        context.tell({ method: name, seed, status: 'failed', message });
      }
      checkpoints = stillWanted(checkpoints, rest);
    }
  }
  return { cells, failed };
}

/** Of the methods from `index` on; what cannot be configured fails when its turn comes. */
function configsOf({ methods, preset, common }: StudyContext, index: number, seed: number): RunConfig[] {
  return methods.slice(index).flatMap((method) => {
    try {
      return methodConfig(method, preset, common, seed);
    } catch {
      return [];
    }
  });
}
