import type { AnswersRow } from '../../evaluate/metrics';
import type { SliceRow } from '../../evaluate/slices';
import { useSession } from '../state/context';
import { count } from '../words/format';
import { rowLabel } from '../words/runWords';
import { labelOf } from './baselineLabels';

const METRICS = [
  { key: 'Category_L3_ACC', label: 'L3', kind: 'semantic' },
  { key: 'CTCVR', label: 'CTCVR', kind: 'id' },
] as const;

/** The stage table once more, by slice of test users: what was met in training, and what was not. Baselines stand below. */
export function BySlice() {
  const { view, shownConfig } = useSession();
  const config = shownConfig.value;
  const stages = view.table.value.map((row) => ({ row, label: rowLabel(row, config) }));
  const others = [view.counting.value, ...(view.baselines.value?.rows ?? [])].flatMap((row) =>
    row === null ? [] : [{ row: row as AnswersRow, label: labelOf(row.stage) }],
  );
  const rows = [...stages, ...others].filter(({ row }) => row.slices !== undefined);
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
            {rows.map(({ row, label }) => (
              <tr key={row.stage}>
                <th scope="row">{label}</th>
                {METRICS.flatMap(({ key }) =>
                  slices.map(({ name }) => (
                    <td key={`${key} ${name}`}>
                      <Mean of={row.slices?.find((slice) => slice.name === name)} metric={key} />
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
        model and says nothing of other seeds. {SLICE_WORDS}
      </p>
    </details>
  );
}

const SLICE_WORDS =
  'Seen: training brings such devices and such needs together. Composed: it has each, never both together. ' +
  'Cold: no training purchase is for the device. Histories show it in passing, and the catalogue tells its platform.';

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
