import type { MetricsRow } from '../../evaluate/metrics';
import { late } from '../parts/late';
import { useSession } from '../state/context';
import { count, short } from '../words/format';
import { heldOutWords, rowLabel } from '../words/runWords';
import '../styles/tables.css';

type Metric = Exclude<keyof MetricsRow, 'stage' | 'users' | 'slices' | 'step'>;

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

const BySlice = late('The slices', async () => (await import('./bySlice')).BySlice);
const Downloads = late('The downloads', async () => (await import('../parts/downloads')).Downloads);

/** One row per stage that is done, of which there is one at least, on what no stage has seen. */
export function StageTable() {
  const session = useSession();
  const rows = session.view.table.value;
  const counting = session.view.counting.value;
  const config = session.shownConfig.value;
  const isWorld = config.data.source === 'world';
  return (
    <section class="table-section" aria-labelledby="table-title">
      <div class="section-head">
        <h2 id="table-title">What each stage was worth</h2>
        <p>
          {count(rows[0].users)} {heldOutWords(config).many}; one seed
          {config.preset === 'tiny' && '; at tiny, what alignment adds in one run is within its noise'}.
        </p>
        {session.report.value !== null && <Downloads />}
      </div>
      <section class="table-scroll" tabindex={0} aria-label="Results by stage">
        <table class="dense">
          <thead>
            <tr>
              <th scope="col">Stage</th>
              {METRICS.map(({ key, label, hint, kind }) => (
                <th key={key} scope="col" title={hint} class={kind}>
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {counting !== null && (
              <tr>
                <th scope="row" title="The embedded teacher, not told the item: no model">
                  Counting
                </th>
                {METRICS.map(({ key, rate }) => (
                  <td key={key} class="faint">
                    {key === 'answer_loss'
                      ? '–'
                      : key === 'distinct_top1'
                        ? count(counting[key])
                        : rateText(counting[key])}
                    {rate && <small />}
                  </td>
                ))}
              </tr>
            )}
            {rows.map((row, index) => (
              <tr key={row.stage}>
                <th scope="row">{rowLabel(row, config)}</th>
                {METRICS.map(({ key, rate }) => (
                  <td key={key}>
                    {rate ? rateText(row[key]) : key === 'distinct_top1' ? count(row[key]) : short(row[key])}
                    {rate && (
                      <Change
                        from={rows[index - 1]?.[key] ?? row[key]}
                        to={row[key]}
                        isGood={key !== 'popularity_share'}
                      />
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
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
          {counting !== null &&
            ' Counting: no model; the need that most often follows the newest purchase for such a profile, and the item of it that is bought most.'}
        </p>
      </details>
    </section>
  );
}

/** A rate as `.275`. */
export function rateText(value: number | null | undefined): string {
  return value !== undefined && value !== null && Number.isFinite(value)
    ? value.toFixed(3).replace(/^0/, '')
    : '–';
}

function Change({ from, to, isGood }: { from?: number; to?: number; isGood: boolean }) {
  const change = (to ?? Number.NaN) - (from ?? Number.NaN);
  if (!Number.isFinite(change) || Math.abs(change) < 0.0005) return <small />;
  const text = Math.abs(change).toFixed(3).replace(/^0/, '');
  return <small class={change > 0 === isGood ? 'up' : 'down'}>{change > 0 ? `+${text}` : `−${text}`}</small>;
}
