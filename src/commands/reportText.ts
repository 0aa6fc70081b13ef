/** What a run's report says, for reading: the tables that `npm run train` prints, and report.md, which holds the same. */
import { alignmentVerdict } from '../evaluate/alignment';
import type { BaselinesReport } from '../evaluate/baselines/report';
import { sentencesOf, verdict } from '../evaluate/baselines/verdict';
import { heldOutcome, heldOutcomeSentence } from '../evaluate/heldReward';
import type { AnswersRow, MetricsRow } from '../evaluate/metrics';
import type { RankingReport } from '../evaluate/ranking';
import { SLICED } from '../evaluate/slices';
import type { Interval } from '../numeric/interval';
import { heldByRun } from '../run/heldReward';
import type { Report } from '../run/report';
import { countsInWords } from '../sft/cot';

/** In the order in which they are read; what a report has nothing of is left out. */
export function reportParts(report: Report): { title: string; text: string }[] {
  const { baselines, counting, front, popo, ranking, stages, table, timings } = report;
  const rows: AnswersRow[] = [...(counting ? [counting] : []), ...table];
  const model = table.find(({ stage }) => stage === baselines?.model);
  const told = countsInWords(report.rupr);
  const losses = stages.flatMap(({ name, heldOutLoss }) => {
    if (heldOutLoss.length < 2) return [];
    const [before, after] = heldOutLoss.map((loss) => loss.toFixed(4));
    return [`Held-out answer loss of ${name}: ${before} before, ${after} after`];
  });
  const about = [
    aucText(report.ranker),
    ...(told === null ? [] : [`Of the teacher's answers ${told}.`]),
    ...losses,
  ];
  return [
    {
      title: 'Stages',
      text: [tableText(rows), ...alignmentSentences(report), ...heldSentences(report)].join('\n'),
    },
    {
      title: 'The front of this one run',
      text: front === undefined ? null : frontText(front, popo.rewardNames),
    },
    {
      title: 'By slice of test users',
      text: bySliceText(
        [...rows, ...(front ?? []).map(({ row }) => row), ...(baselines?.rows ?? [])],
        report,
      ),
    },
    {
      title: 'Recommenders without language',
      text: baselines && model ? baselinesText(baselines, model, timings) : null,
    },
    { title: 'What the reasoning adds to a ranker', text: ranking === null ? null : rankingText(ranking) },
    { title: 'On the way', text: about.join('\n') },
  ].flatMap(({ title, text }) => (text === null ? [] : [{ title, text }]));
}

/** @param page address of the page that the run's link opens on */
export function reportMarkdown(report: Report, page: string): string {
  const { app, config, dataset, device } = report;
  const made =
    `Preset \`${config.preset}\` of version ${config.version}, seed ${config.seed}, app ${app}, on ${device.backend}. ` +
    `Data: \`${dataset.id}\`, ${dataset.users} users, ${dataset.items} items.`;
  const parts = reportParts(report).map(({ title, text }) => `## ${title}\n\n\`\`\`\n${text}\n\`\`\``);
  return `${['# A run', made, `[The run's link](${page}${report.link})`, ...parts].join('\n\n')}\n`;
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

function alignmentSentences({ table, spreads = [], config }: Report): readonly string[] {
  // A report of an older version may lack a setting.
  const { popo, ranker } = config as Partial<Report['config']>;
  const settings = {
    keep: popo?.keep ?? 'last',
    weighting: popo?.weighting ?? 'popo',
    idReward: ranker?.reward ?? 'ctcvr',
  };
  return alignmentVerdict(table, spreads, settings)?.sentences ?? [];
}

/** Whether the reward that `constraint` was to keep was kept. */
function heldSentences(report: Report): string[] {
  const held = heldByRun(report);
  return held === null ? [] : [heldOutcomeSentence(heldOutcome(held))];
}

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

/** One model at several weights of its rewards, for a terminal. */
export function frontText(front: NonNullable<Report['front']>, rewards: readonly string[]): string {
  const header = [rewards.join(' / '), ...COLUMNS.map(([, title]) => title)];
  const lines = front.map(({ weights, row }) => [
    weights.map((weight) => weight.toFixed(2)).join(' / '),
    ...COLUMNS.map(([key]) => format(key, row[key] ?? '–')),
  ]);
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

/** L3 and CTCVR by slice of users, with half their intervals, for a terminal; null where no row has slices. */
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

function bySliceText(rows: readonly AnswersRow[], { spreads, baselines }: Report): string | null {
  const parts = [sliceText(rows), slicePairsText(spreads, baselines)].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join('\n\n');
}

/** What each stage changed and what the model leads by, by slice, paired by user, for a terminal; null for reports without. */
export function slicePairsText(
  spreads: Report['spreads'] = [],
  baselines?: Pick<BaselinesReport, 'model' | 'slices'>,
): string | null {
  const changed = spreads.flatMap(({ stage, from, slices = [] }) => [
    {
      pair: `${stage} − ${from}`,
      slices: slices.map(({ name, users, changes }) => ({ name, users, of: changes })),
    },
  ]);
  const found = baselines?.slices ?? [];
  const leads = (found[0]?.leads ?? [])
    .filter(({ metric }) => metric === SLICED[0])
    .map(({ over }) => ({
      pair: `${baselines?.model} − ${over}`,
      slices: found.map(({ name, users, leads: own }) => {
        const [l3, ctcvr] = SLICED.map((metric) =>
          own.find((lead) => lead.over === over && lead.metric === metric),
        );
        return { name, users, of: { Category_L3_ACC: l3!, CTCVR: ctcvr! } };
      }),
    }));
  const pairs = [...changed, ...leads].filter(({ slices }) => slices.length > 0);
  if (pairs.length === 0) return null;
  const cell = ({ mean, low, high }: Interval) =>
    `${mean < 0 ? '' : '+'}${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
  return aligned([
    ['paired by user, 95 %', '', ...pairs[0].slices.map(({ name, users }) => `${name} (${users})`)],
    ...pairs.flatMap(({ pair, slices }) =>
      SLICED.map((metric, index) => [
        index === 0 ? pair : '',
        index === 0 ? 'L3' : 'CTCVR',
        ...slices.map(({ of }) => cell(of[metric])),
      ]),
    ),
  ]);
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
    ...sentencesOf(verdict(report, model)),
    ...report.notes,
  ].join('\n');
}

const WHO = [
  ['all', 'everybody'],
  ['long_tail', 'long tail'],
  ['short', 'short    '],
] as const;

function sliceAucs({ rankers }: RankingReport): string[] {
  return rankers.flatMap(({ features, slices = [] }) =>
    slices.map(({ name, requests, auc, ends, gain }) => {
      const gained = gain === null ? '' : `, ${aucPoints(gain.ctcvr)}`;
      const [low, high] = ends.ctcvr.map((end) => end.toFixed(4));
      return `  ${features.padEnd(8)} ${name} (${requests})  ${auc.ctcvr.toFixed(4)} [${low}, ${high}]${gained}`;
    }),
  );
}

const aucPoints = ({ mean, low, high }: Interval) =>
  `${mean < 0 ? '' : '+'}${mean.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`;

/** What each feature set adds to a ranker, for a terminal: AUCs of pCTCVR and their gains, with their intervals. */
export function rankingText(ranking: RankingReport): string {
  const points = aucPoints;
  const lines = ranking.rankers.flatMap(({ features, gain, gauc_gain }) =>
    gain
      ? WHO.flatMap(([who, name]) => {
          const [auc, gauc] = [gain[who], gauc_gain?.[who]];
          if (auc === undefined) return [];
          const grouped = gauc ? `, GAUC ${points(gauc.ctcvr)}` : '';
          return [`  ${features.padEnd(8)} ${name}  AUC ${points(auc.ctcvr)}${grouped}`];
        })
      : [],
  );
  const areas = ranking.rankers.flatMap(({ features, all, intervals }) =>
    intervals === undefined
      ? []
      : `  ${features.padEnd(8)} ${all.auc.ctcvr.toFixed(4)} [${intervals.all.auc.ctcvr.map((end) => end.toFixed(4)).join(', ')}]`,
  );
  const own = areas.length === 0 ? [] : ['AUC of pCTCVR by what a ranker sees (95 % over users):', ...areas];
  const slices = ranking.rankers[0].slices ?? [];
  const sliced =
    slices.length === 0 ? [] : ['AUC of pCTCVR by slice, and what is gained:', ...sliceAucs(ranking)];
  const { requests, users, long_tail_behaviours, short_behaviours, distinct_neighbours, notes } = ranking;
  const more = ranking.cross_over_answer?.all.ctcvr;
  return [
    ...own,
    'What the reasoning adds to a ranker (pCTCVR; 95 % over users):',
    ...lines,
    ...sliced,
    `${requests.test} requests` +
      (users
        ? ` of ${users.test} users; ${users.long_tail} with at most ${long_tail_behaviours} behaviours are the long tail`
        : '') +
      (distinct_neighbours === undefined ? '.' : `; matched with ${distinct_neighbours} different users.`),
    ...(short_behaviours === undefined
      ? []
      : [`Short: requests with at most ${short_behaviours} behaviours before them.`]),
    ...(more ? [`Similar users less the answer named: AUC ${points(more)}.`] : []),
    ...(notes ?? []),
  ].join('\n');
}

function format(key: keyof MetricsRow, value: string | number): string {
  return typeof value === 'string' || key === 'distinct_top1' ? String(value) : value.toFixed(4);
}
