import type { SliceTables } from '../../study/bySlice';
import { Difference, halfWidth, rate } from './difference';

const METRICS = [
  { key: 'Category_L3_ACC', label: 'L3' },
  { key: 'CTCVR', label: 'CTCVR' },
] as const;

/** Means of a study and its paired differences by slice of test users. */
export function SliceTable({ names, users, means, differences, fronts = [] }: SliceTables) {
  return (
    <>
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
      {fronts.length > 0 && <FrontsBySlice fronts={fronts} />}
    </>
  );
}

/** How far rules are above the hull, and how much of it families cover, among the users of each slice. */
function FrontsBySlice({ fronts }: { fronts: NonNullable<SliceTables['fronts']> }) {
  const [{ rules, families }] = fronts;
  if (rules.length === 0 && families.length === 0) return null;
  return (
    <section class="table-scroll" tabindex={0} aria-label="The hull by slice of test users">
      <table>
        <thead>
          <tr>
            <th scope="col">The hull by slice</th>
            {fronts.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rules.map(({ method }, at) => (
            <tr key={method}>
              <th scope="row">{method}: above it, ×1000</th>
              {fronts.map((front) => (
                <td key={front.name}>
                  <Difference of={front.rules[at].overHull} write={thousandths} />
                </td>
              ))}
            </tr>
          ))}
          {families.map(({ name }, at) => (
            <tr key={name}>
              <th scope="row">{name}: of its area</th>
              {fronts.map(({ name: slice, families: own }) => (
                <td key={slice}>
                  {percent(own[at].share.mean)}{' '}
                  <span class="faint">
                    [{percent(own[at].share.low)}, {percent(own[at].share.high)}]
                  </span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const thousandths = (value: number) => (1000 * value).toFixed(2);
const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
