/** What each weighting covers of the trade-off, against single fixed weights and against their hull with SFT, with what it took beside it. */
import type { Interval } from '../../numeric/interval';
import { type Cost, costWords } from '../../study/cost';
import type { Front } from '../../study/front';
import { areaText, type HullBySeed, hullBySeed } from '../../study/hullBySeed';
import { METHODS } from '../../study/methods';
import { Difference, halfWidth, percent, rate } from './difference';
import { FrontPlot } from './frontPlot';

/** Empty for a method of another version. */
const wordsOf = (name: string) => METHODS.find((method) => method.name === name)?.words ?? '';

export function TradeOffs({ front }: { front: Front }) {
  if (front.points.length === 0) return null;
  const seeds = hullBySeed(front.points);
  return (
    <>
      <FrontPlot front={front} />
      <FrontTable front={front} />
      {seeds !== null && <BySeed {...seeds} />}
      {front.families.map(({ name, share, cost }) => (
        <p key={name} class="study-covered">
          {name} cover {percent(share.mean).replace('+', '')} [{percent(share.low).replace('+', '')},{' '}
          {percent(share.high).replace('+', '')}] of the area under the hull
          {cost?.ofOneFixed != null &&
            front.sweepCost?.ofOneFixed != null &&
            `, for ${cost.ofOneFixed.toFixed(2)} runs’ rollouts against ${front.sweepCost.ofOneFixed.toFixed(2)}`}
          .
        </p>
      ))}
    </>
  );
}

function FrontTable({ front: { points, start, sweep, hull, sweepCost } }: { front: Front }) {
  return (
    <section class="table-scroll" tabindex={0} aria-label="The trade-off covered">
      <table>
        <thead>
          <tr>
            <th scope="col">RL</th>
            <th scope="col">L3</th>
            <th scope="col">CTCVR</th>
            <th scope="col">Area above SFT, ×1000</th>
            <th scope="col" title="One fixed weight, the best on the other seeds; paired">
              Less the best fixed weight’s, ×1000
            </th>
            <th
              scope="col"
              title="The hull of the fixed weights and SFT is what tossing coins between them reaches; paired"
            >
              Above the hull, ×1000
            </th>
            <th scope="col" title="A description: noise alone makes it positive">
              Beyond all fixed weights, ×1000
            </th>
            <th scope="col">A fixed weight is better</th>
            <th scope="col" title="Rollouts of the runs that it comes of, of those of one fixed weight">
              × one fixed
            </th>
          </tr>
        </thead>
        <tbody>
          {start !== null && (
            <tr>
              <th scope="row">SFT</th>
              <td>{rate(start.Category_L3_ACC)}</td>
              <td>{rate(start.CTCVR)}</td>
              <td colspan={6} />
            </tr>
          )}
          {points.map((point) => (
            <tr key={point.method}>
              <th scope="row" title={wordsOf(point.method)}>
                {point.method}
              </th>
              <td>{rate(point.Category_L3_ACC)}</td>
              <td>{rate(point.CTCVR)}</td>
              <td>
                <Area of={point.hypervolume} />
              </td>
              <td>
                {point.overBestFixed === null ? (
                  '–'
                ) : (
                  <Difference of={point.overBestFixed} write={thousandths} />
                )}
              </td>
              <td>
                {point.overHull === null ? '–' : <Difference of={point.overHull} write={thousandths} />}
              </td>
              <td>{point.beyond === null ? '–' : thousandths(point.beyond)}</td>
              <td>{point.beyond === null ? '–' : `in ${point.dominated} of ${point.swept} seeds`}</td>
              <td>
                <Took cost={point.cost} />
              </td>
            </tr>
          ))}
          <Joint name="The fixed weights together" area={sweep} cost={sweepCost} />
          <Joint name="Their hull with SFT" area={hull} cost={sweepCost} />
        </tbody>
      </table>
    </section>
  );
}

/** What all fixed weights cover. */
function Joint({ name, area, cost }: { name: string; area: Interval | null; cost: Cost | null }) {
  if (area === null) return null;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td />
      <td />
      <td>
        <Area of={area} />
      </td>
      <td colspan={4} />
      <td>
        <Took cost={cost} />
      </td>
    </tr>
  );
}

function BySeed({ seeds, rows }: HullBySeed) {
  return (
    <section class="table-scroll" tabindex={0} aria-label="Above the hull by seed">
      <table>
        <thead>
          <tr>
            <th scope="col">Above the hull by seed, ×1000</th>
            {seeds.map((seed) => (
              <th key={seed} scope="col">
                Seed {seed}
              </th>
            ))}
            <th scope="col">× one fixed</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ method, areas, cost }) => (
            <tr key={method}>
              <th scope="row">{method}</th>
              {areas.map((area, at) => (
                <td key={seeds[at]}>{area === null ? '–' : areaText(area)}</td>
              ))}
              <td>
                <Took cost={cost} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Area({ of }: { of: Interval }) {
  return (
    <>
      {thousandths(of.mean)} <span class="faint">± {thousandths(halfWidth(of))}</span>
    </>
  );
}

/** Rollouts of one fixed weight, and beneath it what RL took, mean over seeds. */
function Took({ cost }: { cost: Cost | null }) {
  if (cost === null) return <>–</>;
  return (
    <>
      {cost.ofOneFixed?.toFixed(2) ?? '–'}
      <small class="under faint">{costWords(cost)}</small>
    </>
  );
}

const thousandths = (value: number) => (1000 * value).toFixed(2);
