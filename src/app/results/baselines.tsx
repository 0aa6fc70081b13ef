import type { BaselineRow } from '../../evaluate/baselines/report';
import { verdict } from '../../evaluate/baselines/verdict';
import type { AnswersRow } from '../../evaluate/metrics';
import type { RowSpread } from '../../evaluate/rowSpread';
import type { SlicedMetric } from '../../evaluate/slices';
import { rateInterval } from '../../numeric/rate';
import { useSession } from '../state/context';
import { inFieldWords } from '../words/fieldWords';
import { count } from '../words/format';
import { rowLabel } from '../words/runWords';
import { labelOf } from './baselineLabels';
import { intervalOf } from './table';
import '../styles/tables.css';

type Row = AnswersRow & Partial<BaselineRow>;

const METRICS = [
  { label: 'L1', hint: 'Category_L1_ACC', key: 'Category_L1_ACC' },
  { label: 'L2', hint: 'Category_L2_ACC', key: 'Category_L2_ACC' },
  { label: 'L3', hint: 'Category_L3_ACC', key: 'Category_L3_ACC' },
  { label: 'Exact', hint: 'exact_title_rate', key: 'exact_title_rate' },
  { label: 'CTCVR', hint: 'Mean chance of a click and purchase', key: 'CTCVR' },
  { label: 'HR@10', hint: 'The next item is among the ten ranked best', key: 'HR@10' },
  { label: 'HR@50', hint: 'The next item is among the fifty ranked best', key: 'HR@50' },
  { label: 'NDCG@10', hint: 'The nearer to the top, the more', key: 'NDCG@10' },
  { label: 'Top share', hint: 'Of the item answered most often', key: 'popularity_share' },
] as const;
type RankedMetric = (typeof METRICS)[number]['key'];

/** Recommenders without language on the same users, and who wins. */
export function Baselines() {
  const session = useSession();
  const report = session.view.baselines.value;
  const model = session.view.table.value.find(({ stage }) => stage === report?.model);
  if (report === null || model === undefined) return null;
  const counting = session.view.counting.value;
  const spread = session.view.spreads.value.find(({ stage }) => stage === report.model);
  const label = rowLabel(model, session.shownConfig.value);
  const { overall, bySlice, advice, unasked } = verdict(report, model);
  const rows: Row[] = [model, ...(counting === null ? [] : [counting]), ...report.rows];
  return (
    <section class="table-section" aria-labelledby="baselines-title">
      <div class="section-head">
        <h2 id="baselines-title">Against recommenders without language</h2>
        <p>{[...overall, advice].join(' ')}</p>
      </div>
      {bySlice.length > 0 && (
        <details class="protocol">
          <summary>Slices where this differs</summary>
          <p>{bySlice.join(' ')}</p>
        </details>
      )}
      <section class="table-scroll" tabindex={0} aria-label="Baselines">
        <table class="dense">
          <thead>
            <tr>
              <th scope="col">Answers of</th>
              {METRICS.map((metric) => (
                <th key={metric.label} scope="col" title={metric.hint}>
                  {metric.label}
                </th>
              ))}
              <th scope="col">Distinct</th>
              <th scope="col" title="L3 of the model less its own">
                Model’s lead, L3
              </th>
              <th scope="col" title="CTCVR of the model less its own">
                CTCVR
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.stage}>
                <th scope="row">{row === model ? `The model, ${label}` : labelOf(row.stage)}</th>
                {METRICS.map((metric) => (
                  <td key={metric.label}>
                    {rate(row[metric.key])}
                    <Interval of={row} metric={metric.key} spread={spread} />
                  </td>
                ))}
                <td>{count(row.distinct_top1)}</td>
                <td>
                  <Lead over={row.stage} metric="Category_L3_ACC" />
                </td>
                <td>
                  <Lead over={row.stage} metric="CTCVR" />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <details class="protocol">
        <summary>How this is measured</summary>
        <p>
          On the users of the table above. A baseline’s answer is the item that it ranks first, judged as the
          model’s answer is. HR and NDCG: of its ranking of the whole catalogue by the item that came next,
          which the model, naming one item, does not have. All of them learn from what training may see and
          read whole histories, the counters only what the model’s prompt shows. Those with settings choose
          them on validation users. Counters, from the leaf bigram to counting cause by cause, add up which
          need followed what, and show of a need the item that is bought most. Below a rate: its 95 % interval
          over these users; Top share and Distinct are no means over users, so they have none. Lead: with its
          95 % interval, paired over users; one seed. {inFieldWords(report.notes.join(' '))}
        </p>
        {unasked !== '' && <p>{unasked}</p>}
      </details>
    </section>
  );
}

function Interval({ of, metric, spread }: { of: Row; metric: RankedMetric; spread?: RowSpread }) {
  const value = of[metric];
  if (value === undefined) return null;
  const isModels = of.stage === spread?.stage;
  const found =
    metric === 'HR@10' || metric === 'HR@50' || metric === 'NDCG@10'
      ? rateInterval(value, of.users)
      : intervalOf(of, metric, isModels ? spread : undefined);
  if (found === null) return null;
  return (
    <small class="under">
      {rate(found.low)}–{rate(found.high)}
    </small>
  );
}

function rate(value: number | undefined): string {
  return value === undefined ? '–' : value.toFixed(3).replace(/^0/, '');
}

function Lead({ over, metric }: { over: string; metric: SlicedMetric }) {
  const leads = useSession().view.baselines.value?.leads ?? [];
  const lead = leads.find((each) => each.over === over && each.metric === metric);
  if (lead === undefined) return <>–</>;
  const tone = lead.low > 0 ? 'up' : lead.high < 0 ? 'down' : 'faint';
  return (
    <span class={tone} title={`95 %: ${lead.low.toFixed(3)} to ${lead.high.toFixed(3)}`}>
      {lead.mean < 0 ? '−' : '+'}
      {rate(Math.abs(lead.mean))} ± {rate((lead.high - lead.low) / 2)}
    </span>
  );
}
