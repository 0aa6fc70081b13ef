import type { SliceTables } from '../../study/bySlice';
import { Difference, halfWidth, rate } from './difference';

const METRICS = [
  { key: 'Category_L3_ACC', label: 'L3' },
  { key: 'CTCVR', label: 'CTCVR' },
] as const;

/** Means of a study and its paired differences by slice of test users. */
export function SliceTable({ names, users, means, differences }: SliceTables) {
  return (
    <section class="table-scroll" tabindex={0} aria-label="By slice of test users">
      <table>
        <thead>
          <tr>
            <th scope="col">By slice</th>
            {names.flatMap((name, at) =>
              METRICS.map(({ key, label }) => (
                <th key={`${name} ${key}`} scope="col" title={`${users[at]} test users over all seeds`}>
                  {label}, {name}
                </th>
              )),
            )}
          </tr>
        </thead>
        <tbody>
          {means.map(({ method, slices }) => (
            <tr key={method}>
              <th scope="row">{method}</th>
              {slices.flatMap((slice, at) =>
                METRICS.map(({ key }) => (
                  <td key={`${names[at]} ${key}`}>
                    {rate(slice[key].mean)} <span class="faint">± {rate(halfWidth(slice[key]))}</span>
                  </td>
                )),
              )}
            </tr>
          ))}
          {differences.map(({ method, control, slices }) => (
            <tr key={`${method} ${control}`}>
              <th scope="row">
                {method} − {control}
              </th>
              {slices.flatMap((slice, at) =>
                METRICS.map(({ key }) => (
                  <td key={`${names[at]} ${key}`}>
                    <Difference of={slice[key]} />
                  </td>
                )),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
