/** The report of a run, out of what its stages made. */
import { OUTCOMES, type UserOutcomes } from '../evaluate/metrics';
import { type RowSpread, rowSpreads } from '../evaluate/rowSpread';
import { KERNELS_VERSION } from '../gpu/kernels';
import { fingerprint } from './fingerprint';
import { formatLink } from './link';
import { STAGES } from './pipeline';
import type { DeviceInfo, Report } from './report';
import type { RunState } from './runState';
import type { ReportPart } from './stage';

/** What the stages so far leave in the report; their tables and samples one after another. */
export function reportPart({ made }: Pick<RunState, 'made'>): ReportPart {
  const whole: ReportPart = {};
  for (const stage of STAGES) {
    const own = made[stage.name];
    if (own === undefined) continue;
    const { table = [], samples = [], ...rest } = stage.report?.(own as never) ?? {};
    Object.assign(whole, rest, {
      table: [...(whole.table ?? []), ...table],
      samples: [...(whole.samples ?? []), ...samples],
    });
  }
  return whole;
}

/** Of the rows that there are so far, the table's in its order. */
export function spreadsOf(state: Pick<RunState, 'made'>): RowSpread[] {
  const judged = STAGES.flatMap((stage) => {
    const own = state.made[stage.name];
    return own === undefined ? [] : [...(stage.judged?.(own as never) ?? [])];
  });
  // Counting and other baselines are judged too, and are no rows of the model's.
  const rows = new Set(reportPart(state).table?.map(({ stage }) => stage));
  return rowSpreads(
    judged.filter(({ row, outcomes }) => rows.has(row.stage) && outcomes.length >= OUTCOMES.length),
  );
}

/** What each test user adds to a row of the table; null where there is no such row. */
export function outcomesOf({ made }: Pick<RunState, 'made'>, row: string): UserOutcomes | null {
  for (const stage of STAGES) {
    const own = made[stage.name];
    const rows = own === undefined ? [] : (stage.judged?.(own as never) ?? []);
    const found = rows.find((judged) => judged.row.stage === row);
    if (found !== undefined) return found;
  }
  return null;
}

/** @throws Error when the run is not finished */
export async function assembleReport(
  state: RunState,
  device: DeviceInfo,
  memory: Report['memory'],
): Promise<Report> {
  const { app, config, stages, changes, divergences } = state;
  const { dataset, rupr, orft, ranker, popo, table, front, counting, baselines, ranking, samples } =
    reportPart(state);
  if (!dataset || !rupr || !orft || !ranker || !popo || !table || !samples || ranking === undefined)
    throw new Error('The run is not finished: it has not passed all of its stages.');
  const source = {
    app,
    kernels: KERNELS_VERSION,
    config,
    changes,
    dataset,
    stages,
    rupr,
    orft,
    ranker,
    popo,
    table,
    ...(front && { front }),
    ranking,
  };
  const mark = await fingerprint(source);
  // What went on beside other stages took no time of its own.
  const total = stages.reduce((sum, { seconds }) => sum + seconds, 0) - (state.timings.beside ?? 0);
  return structuredClone({
    schema: 1,
    ...source,
    divergences,
    counting,
    spreads: spreadsOf(state),
    baselines,
    link: formatLink(config, dataset.sha256, mark, changes),
    device,
    samples,
    fingerprint: mark,
    timings: { total, ...state.timings },
    memory,
  });
}
