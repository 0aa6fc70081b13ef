/**
 * `npm run train`: one run without a person, on the page in a headless browser or in Node on Dawn. Prints progress, the
 * table and the link; writes report.json and the model's files. Exits with 0 when it has trained, 1 when it failed, 2 for
 * wrong arguments, 3 when it trained but came out different from what the link promised.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BaselinesReport } from '../evaluate/baselines/report';
import { verdict } from '../evaluate/baselines/verdict';
import type { AnswersRow, MetricsRow } from '../evaluate/metrics';
import type { RankingReport } from '../evaluate/ranking';
import type { Interval } from '../numeric/interval';
import { reportFile } from '../run/files';
import { compareFingerprints } from '../run/fingerprint';
import type { Report } from '../run/report';
import { countsInWords } from '../sft/cot';
import { parseTrainOptions, type TrainOptions, USAGE } from './trainOptions';

/** Where `npm start` serves the page, unless the port is taken. */
const PAGE = 'http://localhost:4173/';

export async function main(args: string[]): Promise<number> {
  let options: TrainOptions;
  try {
    options = parseTrainOptions(args);
    mkdirSync(options.out, { recursive: true });
  } catch (error) {
    console.error(`Error: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  const { report, files } =
    options.where === 'dawn'
      ? await (await import('./trainDawn')).trainOnDawn(options, console.log)
      : await (await import('./trainPage')).trainOnPage(options, options.where, console.log);
  const written = [reportFile(report), ...files];
  for (const { name, bytes } of written) writeFileSync(join(options.out, name), bytes);

  console.log(`\n${tableText([...(report.counting ? [report.counting] : []), ...report.table])}\n`);
  const bySlice = sliceText([...(report.counting ? [report.counting] : []), ...report.table]);
  if (bySlice !== null) console.log(`${bySlice}\n`);
  const model = report.table.find(({ stage }) => stage === report.baselines?.model);
  if (report.baselines && model) console.log(`${baselinesText(report.baselines, model, report.timings)}\n`);
  console.log(aucText(report.ranker));
  if (report.ranking !== null) console.log(`${rankingText(report.ranking)}\n`);
  const told = countsInWords(report.rupr);
  if (told !== null) console.log(`Of the teacher's answers ${told}.`);
  for (const { name, heldOutLoss } of report.stages) {
    if (heldOutLoss.length < 2) continue;
    const [before, after] = heldOutLoss.map((loss) => loss.toFixed(4));
    console.log(`Held-out answer loss of ${name}: ${before} before, ${after} after`);
  }
  console.log(`Link: ${PAGE}${report.link}`);
  console.log(`Wrote ${written.map(({ name }) => name).join(', ')} to ${resolve(options.out)}`);
  if (options.expected === null) return 0;
  const { verdict, sentence } = compareFingerprints(options.expected, report.fingerprint);
  console.log(sentence);
  return verdict === 'different' ? 3 : 0;
}

const COLUMNS: [Exclude<keyof MetricsRow, 'slices'> & string, string][] = [
  ['Category_L1_ACC', 'L1'],
  ['Category_L2_ACC', 'L2'],
  ['Category_L3_ACC', 'L3'],
  ['Title_Hit-Rate@50', 'HR@50'],
  ['Title_Hit-Rate@100', 'HR@100'],
  ['CTCVR', 'CTCVR'],
  ['valid_rate', 'valid'],
  ['distinct_top1', 'distinct'],
  ['answer_loss', 'answer loss'],
];

/** How good the judge behind the ID reward is. */
export function aucText({ auc }: Report['ranker']): string {
  const [ctr, cvr, ctcvr] = [auc.ctr, auc.cvr, auc.ctcvr].map((value) => value.toFixed(4));
  return `AUC of the ID reward's ranker, held-out impressions: CTR ${ctr}, CVR ${cvr}, CTCVR ${ctcvr}`;
}

/** The stage table for a terminal. */
export function tableText(rows: readonly (AnswersRow & Partial<MetricsRow>)[]): string {
  const header = ['stage', ...COLUMNS.map(([, title]) => title)];
  const lines = rows.map((row) => [named(row), ...COLUMNS.map(([key]) => format(key, row[key] ?? '–'))]);
  return aligned([header, ...lines]);
}

function aligned(lines: readonly (readonly string[])[]): string {
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  return lines
    .map((line) =>
      line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
    )
    .join('\n');
}

/** Where more than one model of alignment is judged, after how many steps each stood. */
function named({ stage, step }: Partial<MetricsRow>): string {
  return step === undefined ? String(stage) : `${stage} (step ${step})`;
}

/** L3 and CTCVR by slice, with half their intervals, for a terminal; null where no row has slices. */
export function sliceText(rows: readonly AnswersRow[]): string | null {
  const [first] = rows.flatMap(({ slices }) => (slices ? [slices] : []));
  if (first === undefined) return null;
  const cell = ({ mean, high }: { mean: number; high: number }) =>
    `${mean.toFixed(3)} ±${(high - mean).toFixed(3)}`;
  const lines = rows.flatMap(({ stage, slices }) =>
    slices
      ? (['Category_L3_ACC', 'CTCVR'] as const).map((metric, index) => [
          index === 0 ? stage : '',
          index === 0 ? 'L3' : 'CTCVR',
          ...slices.map(({ metrics }) => cell(metrics[metric])),
        ])
      : [],
  );
  const header = ['by slice', '', ...first.map(({ name, users }) => `${name} (${users})`)];
  return aligned([header, ...lines]);
}

/** Recommenders without language beside the model, and who wins, for a terminal. */
export function baselinesText(
  report: BaselinesReport,
  model: AnswersRow,
  timings: Report['timings'],
): string {
  const header = [
    'baseline',
    'L1',
    'L2',
    'L3',
    'exact',
    'CTCVR',
    'HR@10',
    'HR@50',
    'NDCG@10',
    'distinct',
    'seconds',
  ];
  const lines = report.rows.map((row) => [
    row.stage,
    ...(['Category_L1_ACC', 'Category_L2_ACC', 'Category_L3_ACC', 'exact_title_rate', 'CTCVR'] as const).map(
      (key) => (row[key] ?? 0).toFixed(4),
    ),
    ...(['HR@10', 'HR@50', 'NDCG@10'] as const).map((key) => row[key].toFixed(4)),
    String(row.distinct_top1),
    timings[`baseline ${row.stage}`]?.toFixed(1) ?? '–',
  ]);
  const leads = report.leads
    .filter(({ metric }) => metric === 'Category_L3_ACC')
    .map(({ over, mean, low, high }) => `${over} ${mean.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`);
  return [
    aligned([header, ...lines]),
    `What ${report.model} leads by in L3 (95 % over users): ${leads.join(', ')}.`,
    ...verdict(report, model),
    ...report.notes,
  ].join('\n');
}

/** What each feature set adds to a ranker, for a terminal: gains of pCTCVR with their intervals. */
export function rankingText(ranking: RankingReport): string {
  const points = ({ mean, low, high }: Interval) =>
    `${mean < 0 ? '' : '+'}${mean.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`;
  const lines = ranking.rankers.flatMap(({ features, gain, gauc_gain }) =>
    gain
      ? (['all', 'long_tail'] as const).map(
          (who) =>
            `  ${features.padEnd(8)} ${who === 'all' ? 'everybody' : 'long tail'}  AUC ${points(gain[who].ctcvr)}` +
            (gauc_gain ? `, GAUC ${points(gauc_gain[who].ctcvr)}` : ''),
        )
      : [],
  );
  const { requests, users, long_tail_behaviours, distinct_neighbours, notes } = ranking;
  return [
    'What the reasoning adds to a ranker (pCTCVR; 95 % over users):',
    ...lines,
    `${requests.test} requests` +
      (users
        ? ` of ${users.test} users; ${users.long_tail} with at most ${long_tail_behaviours} behaviours are the long tail`
        : '') +
      (distinct_neighbours === undefined ? '.' : `; matched with ${distinct_neighbours} different users.`),
    ...(notes ?? []),
  ].join('\n');
}

function format(key: keyof MetricsRow, value: string | number): string {
  return typeof value === 'string' || key === 'distinct_top1' ? String(value) : value.toFixed(4);
}
