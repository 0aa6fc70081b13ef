import type { BaselinesReport } from '../../evaluate/baselines/report';
import type { AnswersRow } from '../../evaluate/metrics';
import type { RowSpread } from '../../evaluate/rowSpread';
import type { SlicedMetric, SliceRow } from '../../evaluate/slices';
import type { Interval } from '../../numeric/interval';
import { useSession } from '../state/context';
import { count } from '../words/format';
import { rowLabel } from '../words/runWords';
import { labelOf } from './baselineLabels';
import { changeText, toneOf } from './change';

const METRICS = [
  { key: 'Category_L3_ACC', label: 'L3', kind: 'semantic' },
  { key: 'CTCVR', label: 'CTCVR', kind: 'id' },
] as const;

interface Sliced {
  row: AnswersRow;
  label: string;
  /** Below a number: what a stage changed, or what the model leads another by. */
  below?: (slice: string, metric: SlicedMetric) => Interval | undefined;
}

/**
 * The stage table once more, by slice of test users: what was met in training, and what was not. Mixtures of a model's ends and baselines
 * stand below.
 */
export function BySlice() {
  const { view, shownConfig } = useSession();
  const config = shownConfig.value;
  const spreads = view.spreads.value;
  const stages = view.table.value.map((row): Sliced => {
    const spread = spreads.find(({ stage }) => stage === row.stage);
    return { row, label: rowLabel(row, config), below: (...cell) => changeIn(spread, ...cell) };
  });
  const front = view.front.value.map(
    ({ row, weights }): Sliced => ({
      row,
      label: `At weights ${weights.map((weight) => Number(weight.toFixed(2))).join('/')}`,
    }),
  );
  const report = view.baselines.value;
  const others = [view.counting.value, ...(report?.rows ?? [])].flatMap((row): Sliced[] =>
    row === null
      ? []
      : [{ row, label: labelOf(row.stage), below: (...cell) => leadIn(report, row.stage, ...cell) }],
  );
  const rows = [...stages, ...front, ...others].filter(({ row }) => row.slices !== undefined);
  const slices = rows[0]?.row.slices;
  if (slices === undefined) return null;
  return (
    <details class="protocol">
      <summary>
        By slice:{' '}
        {slices
          .slice(1)
          .map(({ name }) => name)
          .join(', ')}
      </summary>
      <section class="table-scroll" tabindex={0} aria-label="Results by slice">
        <table class="dense sliced">
          <thead>
            <tr>
              <th scope="col">Answers of</th>
              {METRICS.flatMap(({ key, label, kind }) =>
                slices.map(({ name, users }) => (
                  <th key={`${key} ${name}`} scope="col" class={kind} title={`${count(users)} test users`}>
                    {name === 'all' ? `${label}, all` : name}
                  </th>
                )),
              )}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ row, label, below }) => (
              <tr key={row.stage}>
                <th scope="row">{label}</th>
                {METRICS.flatMap(({ key }) =>
                  slices.map(({ name }) => (
                    <td key={`${key} ${name}`}>
                      <Mean of={row.slices?.find((slice) => slice.name === name)} metric={key} />
                      <Below of={below?.(name, key)} />
                    </td>
                  )),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p>
        {slices
          .slice(1)
          .map(({ name, users }) => `${name} ${count(users)}`)
          .join(', ')}{' '}
        of {count(slices[0].users)} test users. ± is half of a 95 % interval over users: it is of this one
        model and says nothing of other seeds. Below a stage stands its change from the stage before, below a
        recommender without language the model’s lead over it. They are paired by user, and coloured where
        their own interval leaves out zero. {SLICE_WORDS}
      </p>
    </details>
  );
}

const SLICE_WORDS =
  'Seen: training brings such devices and such needs together. Composed: it has each, never both together. ' +
  'Cold: no training purchase is for the device. Histories show it in passing, and the catalogue tells its platform.';

/** Less the row above, paired. */
function changeIn(spread: RowSpread | undefined, slice: string, metric: SlicedMetric): Interval | undefined {
  if (slice === 'all') return spread?.changes[metric];
  return spread?.slices?.find(({ name }) => name === slice)?.changes[metric];
}

/** Of the model over a recommender without language. */
function leadIn(
  report: BaselinesReport | null,
  stage: string,
  slice: string,
  metric: SlicedMetric,
): Interval | undefined {
  const leads = slice === 'all' ? report?.leads : report?.slices?.find(({ name }) => name === slice)?.leads;
  return leads?.find((lead) => lead.over === stage && lead.metric === metric);
}

function Below({ of }: { of: Interval | undefined }) {
  if (of === undefined) return null;
  return (
    <small
      class={`under ${toneOf(of)}`}
      title={`95 %, paired: ${changeText(of.low)} to ${changeText(of.high)}`}
    >
      {changeText(of.mean)}
    </small>
  );
}

function Mean({ of, metric }: { of?: SliceRow; metric: string }) {
  const found = of?.metrics[metric];
  if (found === undefined) return <>–</>;
  return (
    <>
      {rate(found.mean)} <span class="faint">± {rate(found.high - found.mean)}</span>
    </>
  );
}

const rate = (value: number) => value.toFixed(3).replace(/^0/, '');
