import { alignmentVerdict, isHarm } from '../../evaluate/alignment';
import type { MetricsRow } from '../../evaluate/metrics';
import type { OutcomeName, RowSpread } from '../../evaluate/rowSpread';
import type { Interval } from '../../numeric/interval';
import { rateInterval } from '../../numeric/rate';
import { catalogueSize } from '../../run/catalogueSize';
import { late } from '../parts/late';
import { useSession } from '../state/context';
import { inFieldWords } from '../words/fieldWords';
import { count, short } from '../words/format';
import { heldOutWords, rowLabel } from '../words/runWords';
import { changeText, toneOf } from './change';
import '../styles/tables.css';

export type Metric = Exclude<keyof MetricsRow, 'stage' | 'users' | 'slices' | 'step'>;

/** Columns of the table of stages. */
export const METRICS: {
  key: Metric;
  label: string;
  hint: string;
  kind?: 'semantic' | 'id';
  rate: boolean;
}[] = [
  { key: 'Category_L1_ACC', label: 'L1', hint: 'Category_L1_ACC', kind: 'semantic', rate: true },
  { key: 'Category_L2_ACC', label: 'L2', hint: 'Category_L2_ACC', kind: 'semantic', rate: true },
  { key: 'Category_L3_ACC', label: 'L3', hint: 'Category_L3_ACC', kind: 'semantic', rate: true },
  { key: 'Title_Hit-Rate@25', label: 'Title@25', hint: 'Title_Hit-Rate@25', kind: 'semantic', rate: true },
  { key: 'Title_Hit-Rate@50', label: '@50', hint: 'Title_Hit-Rate@50', kind: 'semantic', rate: true },
  { key: 'Title_Hit-Rate@100', label: '@100', hint: 'Title_Hit-Rate@100', kind: 'semantic', rate: true },
  { key: 'exact_title_rate', label: 'Exact', hint: 'exact_title_rate', kind: 'semantic', rate: true },
  { key: 'CTCVR', label: 'CTCVR', hint: 'Mean chance of a click and purchase', kind: 'id', rate: true },
  { key: 'valid_rate', label: 'Valid', hint: 'Answers that are well formed', rate: true },
  { key: 'distinct_top1', label: 'Distinct', hint: 'Different items answered', rate: false },
  { key: 'popularity_share', label: 'Top share', hint: 'popularity_share', rate: true },
  {
    key: 'answer_loss',
    label: 'Answer loss',
    hint: 'Held-out −log P per token of the true answer',
    rate: false,
  },
];

/** A title among the K nearest of a catalogue of no more than K says only that there was a title. */
export function metricsFor(items: number): typeof METRICS {
  return METRICS.filter(({ key }) => {
    const nearest = /@(\d+)$/.exec(key);
    return nearest === null || items === 0 || Number(nearest[1]) < items;
  });
}

const BySlice = late('The slices', async () => (await import('./bySlice')).BySlice);
const HeldReward = late(
  'What became of the held reward',
  async () => (await import('./heldReward')).HeldReward,
);
const Downloads = late('The downloads', async () => (await import('../parts/downloads')).Downloads);

/** One row per stage that is done, of which there is one at least, on what no stage has seen. */
export function StageTable() {
  const session = useSession();
  const rows = session.view.table.value;
  const counting = session.view.counting.value;
  const config = session.shownConfig.value;
  const isWorld = config.data.source === 'world';
  const imported = session.data.imports.value.find(({ sha256 }) => sha256 === config.data.sha256);
  const items = session.report.value?.dataset.items ?? catalogueSize(config, imported?.items ?? 0);
  const metrics = metricsFor(items);
  const spreads = session.view.spreads.value;
  const left = METRICS.filter((metric) => !metrics.includes(metric)).map(({ key }) => key);
  return (
    <section class="table-section" aria-labelledby="table-title">
      <div class="section-head">
        <h2 id="table-title">What each stage was worth</h2>
        <p>
          {count(rows[0].users)} {heldOutWords(config).many}; one seed.
        </p>
        {session.report.value !== null && <Downloads />}
      </div>
      <section class="table-scroll" tabindex={0} aria-label="Results by stage">
        <table class="dense">
          <MetricHeads metrics={metrics} />
          <tbody>
            {counting !== null && (
              <tr>
                <th scope="row" title="The embedded teacher, not told the item: no model">
                  Counting
                </th>
                {metrics.map(({ key }) => (
                  <td key={key}>{key === 'answer_loss' ? '–' : <Value row={counting} column={key} />}</td>
                ))}
              </tr>
            )}
            {rows.map((row, index) => {
              const spread = spreads.find(({ stage }) => stage === row.stage);
              return (
                <tr key={row.stage}>
                  <th scope="row">{rowLabel(row, config)}</th>
                  {metrics.map(({ key, rate }) => (
                    <td key={key}>
                      <Value row={row} column={key} spread={spread} />
                      {rate && index > 0 && (
                        <Change
                          from={rows[index - 1][key]}
                          to={row[key]}
                          interval={pairedOf(spread, key)}
                          untested={untestedWords(key)}
                        />
                      )}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
      <WhatAlignmentDid />
      {rows.some(({ stage }) => stage === 'popo') && session.view.popo.last('level') !== null && (
        <HeldReward />
      )}
      {rows[0].slices && <BySlice />}
      <details class="protocol">
        <summary>How this is measured</summary>
        <p>
          One greedy answer for each {isWorld ? 'user, of whom' : 'user’s last behaviour, on which'} nobody
          trained. L1 to L3: the answer’s categories are that item’s. Title@K: that item’s title is among the
          K of the whole catalogue nearest to the answer’s, by the encoder of the catalogue. Exact: the
          answer’s title is that item’s. CTCVR: the chance that the user clicks and buys the item answered,{' '}
          {isWorld ? 'which the generated marketplace knows' : 'as the ranker estimates it'}; 0 where the
          answer names none. Valid: well formed, with a title and three categories. Distinct: different items
          over all users. Top share: of the item answered most often. Answer loss: nats per token of the true
          answer after what the model thought.
          {' Below a rate: its 95 % interval over these users, one model and one seed. '}
          Below that: the change from the row above, green or red where its own interval, paired user by user,
          leaves out zero, and grey where it does not. Underlined with dots: not tested; Top share is no mean
          over users.
          {left.length > 0 &&
            ` Left out: ${left.join(', ')}, since the catalogue has ${count(items)} items and every title is among so many.`}
          {counting !== null &&
            ' Counting: no model; the need that most often follows the newest purchase for such a profile, and the item of it that is bought most.'}
        </p>
      </details>
    </section>
  );
}

/** Whether alignment paid, in words, since a table of numbers hides a collapse well. */
function WhatAlignmentDid() {
  const session = useSession();
  const { popo, ranker } = session.shownConfig.value;
  const settings = { keep: popo.keep, weighting: popo.weighting, idReward: ranker.reward };
  const told = alignmentVerdict(session.view.table.value, session.view.spreads.value, settings);
  if (told === null || told.sentences.length === 0) return null;
  return (
    <p class={isHarm(told) ? 'problem' : 'verdict'} data-alignment={told.kind}>
      {inFieldWords(told.sentences.join(' '))}
    </p>
  );
}

/** The head of a table with a row for each stage. */
export function MetricHeads({ metrics }: { metrics: ReturnType<typeof metricsFor> }) {
  return (
    <thead>
      <tr>
        <th scope="col">Stage</th>
        {metrics.map(({ key, label, hint, kind }) => (
          <th key={key} scope="col" title={hint} class={kind}>
            {label}
          </th>
        ))}
      </tr>
    </thead>
  );
}

/** A rate as `.275`. */
export function rateText(value: number | null | undefined): string {
  return value !== undefined && value !== null && Number.isFinite(value)
    ? value.toFixed(3).replace(/^0/, '')
    : '–';
}

/** What a cell says, and below it the interval that it has as a mean over users. */
function Value({
  row,
  column,
  spread,
}: {
  row: Pick<MetricsRow, 'users'> & Partial<Pick<MetricsRow, Metric | 'slices'>>;
  column: Metric;
  spread?: RowSpread;
}) {
  const value = row[column];
  if (column === 'distinct_top1') return <>{count(value ?? 0)}</>;
  if (column === 'answer_loss') return <>{short(value)}</>;
  const interval = intervalOf(row, column, spread);
  return (
    <>
      {rateText(value)}
      {interval !== null && (
        <small class="under">
          {rateText(interval.low)}–{rateText(interval.high)}
        </small>
      )}
    </>
  );
}

/** 95 %, over users, of a column of this table or of any other mean of values within [0, 1]; null for what is no mean over users, such as the share of the answer given most often. */
export function intervalOf(
  row: Pick<MetricsRow, 'users'> & Partial<Pick<MetricsRow, Metric | 'slices'>>,
  column: Metric,
  spread?: RowSpread,
): { low: number; high: number } | null {
  const value = row[column];
  if (value === undefined || column === 'popularity_share') return null;
  if (column !== 'CTCVR') return rateInterval(value, row.users);
  const all = row.slices?.find(({ name }) => name === 'all')?.metrics.CTCVR;
  return spread?.ctcvr ?? all ?? rateInterval(value, row.users);
}

function pairedOf(spread: RowSpread | undefined, column: Metric): Interval | undefined {
  return spread?.changes[column as OutcomeName];
}

/** Why a change has no interval. */
function untestedWords(column: Metric): string {
  return column === 'popularity_share'
    ? 'Not tested: the share of one answer is no mean over users'
    : 'Not tested: this run kept no number of each user for it';
}

function Change(o: { from?: number; to?: number; interval?: Interval; untested: string }) {
  const { from, to, interval, untested } = o;
  const change = (to ?? Number.NaN) - (from ?? Number.NaN);
  if (!Number.isFinite(change)) return null;
  return (
    <small
      class={`under ${interval === undefined ? 'untested' : toneOf(interval)}`}
      title={
        interval === undefined
          ? untested
          : `95 %, paired: ${changeText(interval.low)} to ${changeText(interval.high)}`
      }
    >
      {changeText(change)}
    </small>
  );
}
