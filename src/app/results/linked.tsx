/** What an opened link says came out for its maker: before anything is trained here, and beside what is. */
import { catalogueSize } from '../../run/catalogueSize';
import { intervalIn, type LinkedRow, RATES, type RateName } from '../../run/result/linkResult';
import { Chart } from '../charts/chart';
import { rewardLook } from '../charts/palette';
import { heldoutPath, meansPath, Plane, rewardAxes } from '../charts/plane';
import { sharesRange } from '../charts/ranges';
import { AllChanges } from '../parts/allChanges';
import { useSession } from '../state/context';
import type { Linked } from '../state/linkedResult';
import { recentSentence } from '../words/covarianceWords';
import { deviceWords } from '../words/deviceWords';
import { changesInWords, differences } from '../words/differences';
import { count, duration, short } from '../words/format';
import { heldOutWords, rowLabel, stageWords } from '../words/runWords';
import { type METRICS, MetricHeads, metricsFor, rateText } from './table';
import '../styles/tables.css';
import '../styles/linked.css';

type Shown = Linked & { found: NonNullable<Linked['found']> };

function useShown(): Shown | null {
  const linked = useSession().theirs.value;
  return linked?.found ? (linked as Shown) : null;
}

/** Changes on the way that are told outside a disclosure. */
const FIRST = 4;

/** In the place of what is promised, while nothing has run here: all of it. */
export function LinkedRun() {
  const shown = useShown();
  if (shown === null) return <p class="faint linked-reading">Reading what the link says came out…</p>;
  return (
    <section class="linked" aria-labelledby="linked-title">
      <Head
        shown={shown}
        title="What came out for the maker of this link"
        note="As its maker’s browser reported it; nobody has checked it."
      />
      <TrainHere />
      <LinkedTable shown={shown} />
      <Curves shown={shown} />
    </section>
  );
}

/** Below one's own table: theirs. */
export function LinkedBeside() {
  const shown = useShown();
  if (shown === null) return null;
  return (
    <section class="linked table-section" aria-labelledby="linked-title">
      <Head
        shown={shown}
        title="What the link says came out"
        note="As its maker’s browser reported it; your own is above."
      />
      <LinkedTable shown={shown} />
    </section>
  );
}

function Head({ shown, title, note }: { shown: Shown; title: string; note: string }) {
  const { config, changes, found } = shown;
  const { device, seconds } = found.result;
  const differs = differences(config);
  const told = changesInWords(changes, config);
  return (
    <>
      <div class="section-head">
        <h2 id="linked-title">{title}</h2>
        <p>{note}</p>
      </div>
      <dl class="linked-facts">
        <div>
          <dt>Device</dt>
          <dd>{deviceWords(device)}</dd>
        </div>
        <div>
          <dt>Took</dt>
          <dd>{duration(seconds)}</dd>
        </div>
        <div class="linked-differs">
          <dt>Settings</dt>
          <dd>
            The preset {config.preset}
            {differs.length === 0 ? ' as it is.' : ', but: '}
            {differs.map(({ path, words }, index) => (
              <span key={path} title={path}>
                {words}
                {index + 1 < differs.length ? '; ' : '.'}
              </span>
            ))}
            {told.slice(0, FIRST).map((sentence) => (
              <span key={sentence}> {sentence}</span>
            ))}
            <AllChanges sentences={told} told={FIRST} />
          </dd>
        </div>
      </dl>
    </>
  );
}

function TrainHere() {
  const session = useSession();
  const isCompared = session.expected.value !== null;
  return (
    <p class="linked-train">
      <button
        type="button"
        data-action="train-here"
        disabled={session.pending.value !== null || session.tooLarge.value !== null}
        onClick={() => void session.start()}
      >
        Train it here
      </button>
      <span>
        {isCompared
          ? 'to check: your run is drawn over theirs, and the page then says whether it came out identical, close or different.'
          : 'and your run is drawn over theirs. Its settings have changed or its fingerprint is missing, so no verdict follows.'}
      </span>
    </p>
  );
}

function LinkedTable({ shown }: { shown: Shown }) {
  const { config, found } = shown;
  const { table } = found.result;
  const metrics = metricsFor(catalogueSize(config, 0));
  return (
    <>
      <section class="table-scroll" tabindex={0} aria-label="Results by stage, as the link has them">
        <table class="dense">
          <MetricHeads metrics={metrics} />
          <tbody>
            {table.map((row) => (
              <tr key={row.stage}>
                <th scope="row">{labelOf(row, config)}</th>
                {metrics.map(({ key }) => (
                  <td key={key} class={row.stage === 'counting' ? 'faint' : undefined}>
                    <Cell row={row} column={key} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p class="plot-note">
        {count(table[0].users)} {heldOutWords(config).many}, one seed. Below each rate its 95 % interval over
        those users; that of CTCVR is at most as wide.
      </p>
      <LinkedSlices shown={shown} />
    </>
  );
}

function labelOf(
  { stage, step }: Shown['found']['result']['table'][number],
  config: Shown['config'],
): string {
  return stage === 'counting' ? 'Counting' : rowLabel({ stage, step: step ?? undefined }, config);
}

const SLICED_COLUMNS = [
  { rate: 'l3', half: 'l3Half', label: 'L3', kind: 'semantic' },
  { rate: 'ctcvr', half: 'ctcvrHalf', label: 'CTCVR', kind: 'id' },
] as const;

/** The same by slice of test users; below one's own table one's own rows beside them. */
function LinkedSlices({ shown: { config, found } }: { shown: Shown }) {
  const own = useSession().view.table.value;
  const { slices, table } = found.result;
  if (slices === undefined) return null;
  return (
    <details class="protocol">
      <summary>By slice: {slices.map(({ name }) => name).join(', ')}</summary>
      <section class="table-scroll" tabindex={0} aria-label="Results by slice, as the link has them">
        <table class="dense sliced">
          <thead>
            <tr>
              <th scope="col">Answers of</th>
              {SLICED_COLUMNS.flatMap(({ rate, label, kind }) =>
                slices.map(({ name, users }) => (
                  <th key={`${rate} ${name}`} scope="col" class={kind} title={`${count(users)} test users`}>
                    {label}, {name}
                  </th>
                )),
              )}
            </tr>
          </thead>
          <tbody>
            {table.map((row) => (
              <tr key={row.stage}>
                <th scope="row">{labelOf(row, config)}</th>
                {SLICED_COLUMNS.flatMap(({ rate, half }) =>
                  slices.map(({ name }, at) => {
                    const cell = row.slices?.[at];
                    const mine = own
                      .find(({ stage }) => stage === row.stage)
                      ?.slices?.find((slice) => slice.name === name)?.metrics[
                      rate === 'l3' ? 'Category_L3_ACC' : 'CTCVR'
                    ];
                    return (
                      <td key={`${rate} ${name}`}>
                        {rateText(cell?.[rate])} <span class="faint">± {rateText(cell?.[half])}</span>
                        {mine !== undefined && <small class="under">here {rateText(mine.mean)}</small>}
                      </td>
                    );
                  }),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}

function Cell({ row, column }: { row: LinkedRow; column: (typeof METRICS)[number]['key'] }) {
  if (column === 'distinct_top1') return <>{count(row.distinct_top1)}</>;
  if (column === 'answer_loss') return <>{short(row.answer_loss)}</>;
  const name = RATES.find((rate): rate is RateName => rate === column);
  if (name === undefined) return <>–</>;
  const interval = intervalIn(row, name);
  return (
    <>
      {rateText(row.rates[name])}
      {interval !== null && (
        <small class="under">
          {rateText(interval.low)}–{rateText(interval.high)}
        </small>
      )}
    </>
  );
}

function Curves({ shown }: { shown: Shown }) {
  const { config, found } = shown;
  const { columns } = found;
  const { rewards } = config.popo;
  const named = rewards.map((name) => ({ name, ...rewardLook(name) }));
  const axes = rewardAxes(rewards);
  const many = axes !== null && columns.popo.length > 1;
  const none = 'The link has none';
  return (
    <div class="linked-curves">
      <div class="charts-grid">
        <Chart
          title="Training loss"
          columns={columns.loss}
          lines={[{ column: 'loss', label: 'nats per answer token', color: 'ink' }]}
          marks={columns.marks.map(({ x, label }) => ({ x, label: stageWords(label, config).label }))}
          empty={none}
        />
        <Chart
          title={heldOutWords(config).title}
          columns={columns.heldout}
          lines={[
            { column: 'l1', label: 'L1', color: 'fourth', dash: [2, 3] },
            { column: 'l3', label: 'L3', color: 'semantic' },
            { column: 'hr50', label: 'Title@50', color: 'third', dash: [4, 3] },
            { column: 'ctcvr', label: 'CTCVR', color: 'id' },
          ]}
          alongside={[columns.popo, columns.heldout]}
          synced
          empty={none}
        />
        <Chart
          title="Rewards of sampled answers"
          columns={columns.popo}
          lines={named.map(({ name, label, color, dash }) => ({ column: `r_${name}`, label, color, dash }))}
          alongside={[columns.popo, columns.heldout]}
          synced
          empty={none}
        />
        <Chart
          title="Weights"
          columns={columns.popo}
          lines={named.map(({ name, label, color, dash }) => ({ column: `w_${name}`, label, color, dash }))}
          range={sharesRange(named.length)}
          baseline={1 / named.length}
          alongside={[columns.popo, columns.heldout]}
          synced
          empty={none}
        />
        {named.length > 1 && found.result.alignment !== null && <Gauge shown={shown} />}
      </div>
      <figure class="linked-plane">
        {many ? (
          <Plane
            path={meansPath(columns.popo, axes)}
            landmarks={[]}
            names={[`${rewardLook(axes[0]).label} reward`, `${rewardLook(axes[1]).label} reward`]}
            colors={[rewardLook(axes[0]).color, rewardLook(axes[1]).color]}
            pull={null}
            empty={none}
          />
        ) : (
          <Plane
            path={heldoutPath(columns)}
            landmarks={[]}
            names={['held-out L3 hit rate', 'held-out CTCVR']}
            colors={['semantic', 'id']}
            pull={null}
            empty={none}
          />
        )}
      </figure>
    </div>
  );
}

/** C w beneath the weights, with what it says of any rule. */
function Gauge({ shown: { config, found } }: { shown: Shown }) {
  const { columns, result } = found;
  const { rewards } = config.popo;
  const gauge = result.alignment?.gauge ?? null;
  if (gauge === null)
    return (
      <p class="plot-note" data-linked="no-gauge">
        Whether each reward gained is not known: this link carries no covariances of the rewards.
      </p>
    );
  return (
    <div>
      <Chart
        title="Does each reward gain?"
        columns={columns.gauge}
        lines={rewards.map((name) => ({ column: `gain_${name}`, ...rewardLook(name) }))}
        baseline={0}
        alongside={[columns.popo, columns.heldout]}
        synced
        empty="The link has none"
      />
      <p class="plot-note">{recentSentence(rewards, gauge.recent)}</p>
    </div>
  );
}
