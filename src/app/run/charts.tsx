import { pairName } from '../../popo/rewards';
import { ruleOf } from '../../popo/rules';
import { pairsOf } from '../../popo/weighting';
import { BEHIND_DASHES, Chart, type Line } from '../charts/chart';
import type { ChartProps } from '../charts/options';
import { pairLook, rewardLook } from '../charts/palette';
import { sharesRange } from '../charts/ranges';
import { Sparkline } from '../charts/sparkline';
import { SMOOTHINGS } from '../state/chartSettings';
import type { Columns } from '../state/columns';
import { useSession } from '../state/context';
import { covarianceSentence, heldSentence } from '../words/covarianceWords';
import { inFieldWords } from '../words/fieldWords';
import { count, percent, short } from '../words/format';
import { heldOutWords, stageWords } from '../words/runWords';
import '../styles/charts.css';
import { OwnChanges } from './ownChanges';

/** What is learnt, as it happens: the loss alone at first, then beside it what alignment trades. */
export function LearningCharts() {
  const session = useSession();
  void session.view.tick.value;
  const behind = session.behind.value;
  const aligning = session.view.popo.length > 0;
  const shown = session.shownConfig.value.popo;
  // What a chart draws beside its lines is fixed when it is built.
  const key = behind.map(({ id }) => ` and ${id}`).join('');
  return (
    <section class="charts" aria-labelledby="charts-title">
      <div class="charts-head">
        <h2 id="charts-title" class="overline">
          Learning
        </h2>
        <ChartControls />
      </div>
      {behind.length > 0 && <BehindLegend />}
      {aligning ? (
        <div class="charts-grid">
          <LossChart key={`small${key}`} height={112} />
          <AlignmentCharts
            key={`${shown.rewards} ${shown.weighting === 'constraint' && shown.constrained}${key}`}
          />
        </div>
      ) : (
        <>
          <LossChart key={`large${key}`} height={300} />
          <p class="charts-next">Rewards, weights and gradients join when alignment begins.</p>
        </>
      )}
    </section>
  );
}

/** How noisy lines are drawn, and the axis of losses. */
function ChartControls() {
  const { smoothing, logLoss } = useSession().charts;
  return (
    <div class="charts-controls">
      <label>
        Smoothing{' '}
        <select
          value={String(smoothing.value)}
          onChange={(event) => {
            smoothing.value = Number(event.currentTarget.value);
          }}
        >
          {SMOOTHINGS.map(({ name, rate }) => (
            <option key={name} value={String(rate)}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        <input
          type="checkbox"
          checked={logLoss.value}
          onChange={(event) => {
            logLoss.value = event.currentTarget.checked;
          }}
        />{' '}
        Log loss axis
      </label>
    </div>
  );
}

/** Which other run is drawn in which way; one that is not at its end can be gone on with from here. */
function BehindLegend() {
  const session = useSession();
  const lineOf = (id: string) =>
    session.savedRuns.value.find(
      (run) => run.id === id && !run.finished && !run.isElsewhere && run.stopped === undefined,
    );
  return (
    <ul class="behind" aria-label="Other runs in the charts">
      {session.behind.value.map(({ id, label }, at) => {
        const line = session.isFree.value ? lineOf(id) : undefined;
        return (
          <li key={id}>
            <svg viewBox="0 0 34 6" aria-hidden="true">
              <line
                x1="0"
                x2="34"
                y1="3"
                y2="3"
                stroke-dasharray={BEHIND_DASHES[at % BEHIND_DASHES.length].join(' ')}
              />
            </svg>
            {label}
            {line !== undefined && (
              <button
                type="button"
                class="plain"
                data-action="continue-line"
                title="Trains this one on. The one on show is kept, and its curves stay behind."
                onClick={() => void session.takeUp(line)}
              >
                Continue this one
              </button>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function LossChart({ height }: { height: number }) {
  const session = useSession();
  const { loss, lossMarks } = session.view;
  const behind = session.behind.value.map(({ label, columns }) => ({ label, columns: columns.loss }));
  const config = session.shownConfig.value;
  return (
    <Chart
      title="Training loss"
      columns={loss}
      lines={[{ column: 'loss', label: 'nats per answer token', color: 'ink', smooth: true }]}
      marks={lossMarks.value.map(({ x, label }) => ({ x, label: stageWords(label, config).label }))}
      height={height}
      log={session.charts.logLoss.value}
      behind={behind}
      empty="Begins with warm-up"
    />
  );
}

/** A chart over steps of alignment: what was changed at one is told, and can be undone, where its mark is pressed. */
function StepChart(props: Omit<ChartProps, 'synced' | 'marked'>) {
  return <Chart {...props} synced marked={(step) => <ChangedAt step={step} />} />;
}

/** @param step counted from 1, as charts do */
function ChangedAt({ step }: { step: number }) {
  const { changes } = useSession().view;
  return (
    <OwnChanges changes={changes.value.filter((one) => one.stage === 'popo' && one.step === step - 1)} />
  );
}

function AlignmentCharts() {
  const { shownConfig, view, behind } = useSession();
  const config = shownConfig.value;
  const popo = behind.value.map(({ label, columns }) => ({ label, columns: columns.popo }));
  const heldout = behind.value.map(({ label, columns }) => ({ label, columns: columns.heldout }));
  const alongside = [view.popo, view.heldout, ...[...popo, ...heldout].map(({ columns }) => columns)];
  const { rewards, probe_every, weighting, constrained } = config.popo;
  const gradients =
    probe_every > 0 || ruleOf(weighting).needs === 'gram'
      ? 'Measured every few steps'
      : inFieldWords('Not measured: popo.probe_every is 0');
  const named = rewards.map((name) => ({ name, ...rewardLook(name) }));
  const pulls = named.map(({ name, label, color }): Line => {
    return { column: `pull_${name}`, label: `${label} share of the pull`, color, dash: [4, 3] };
  });
  return (
    <>
      <StepChart
        title={heldOutWords(config).title}
        columns={view.heldout}
        lines={[
          { column: 'l1', label: 'L1', color: 'fourth', dash: [2, 3] },
          { column: 'l3', label: 'L3', color: 'semantic' },
          { column: 'hr50', label: 'Title@50', color: 'third', dash: [4, 3] },
          { column: 'ctcvr', label: 'CTCVR', color: 'id' },
        ]}
        behind={heldout}
        alongside={alongside}
        empty="Begins with alignment"
      />
      <StepChart
        title="Rewards of sampled answers"
        columns={view.popo}
        lines={[
          ...named.map(({ name, label, color, dash }) => ({
            column: `r_${name}`,
            label,
            color,
            dash,
            smooth: true,
          })),
          ...(weighting === 'constraint'
            ? [{ column: 'level', label: 'held at', color: rewardLook(constrained).color, dash: [6, 4] }]
            : []),
        ]}
        behind={popo}
        alongside={alongside}
        empty="Begins with alignment"
      />
      <StepChart
        title="Weights"
        columns={view.popo}
        lines={[
          ...named.map(({ name, label, color, dash }) => ({
            column: `w_${name}`,
            label,
            color,
            dash,
          })),
          // Two shares sum to 1, so one says both.
          ...(named.length === 2 ? [pulls[0]] : []),
        ]}
        behind={popo}
        range={sharesRange(named.length)}
        baseline={1 / named.length}
        alongside={alongside}
        empty="Begins with alignment"
      />
      {named.length > 1 && <CovarianceGauge behind={popo} alongside={alongside} />}
      {named.length > 2 && (
        <StepChart
          title="Shares of the pull, w·σ"
          columns={view.popo}
          lines={pulls.map((line, k) => ({ ...line, dash: named[k].dash }))}
          range={sharesRange(named.length)}
          baseline={1 / named.length}
          behind={popo}
          alongside={alongside}
          empty="Begins with alignment"
        />
      )}
      <StepChart
        title="Gradient norms"
        columns={view.popo}
        lines={named.map(({ name, label, color, dash }) => ({
          column: `g_${name}`,
          label,
          color,
          dash,
          smooth: true,
        }))}
        range={[0, null]}
        behind={popo}
        alongside={alongside}
        empty={gradients}
      />
      {named.length > 1 && (
        <StepChart
          title="Do the rewards agree?"
          columns={view.popo}
          lines={pairsOf(named.length).map(([i, j], pair) => ({
            column: `cosine_${pairName(rewards[i], rewards[j])}`,
            label: `cosine, ${named[i].label} and ${named[j].label}`,
            ...pairLook(pair),
            smooth: true,
          }))}
          range={[-1, 1]}
          baseline={0}
          behind={popo}
          alongside={alongside}
          empty={gradients}
        />
      )}
    </>
  );
}

/** C w and C beneath the weights, with what they say of any rule. */
function CovarianceGauge({ behind, alongside }: Pick<ChartProps, 'behind' | 'alongside'>) {
  const { shownConfig, view } = useSession();
  void view.tick.value;
  const { rewards, weighting, constrained } = shownConfig.value.popo;
  const named = rewards.map((name) => ({ name, ...rewardLook(name) }));
  const held = weighting === 'constraint';
  return (
    <div>
      <StepChart
        title="Does each reward gain?"
        columns={view.popo}
        lines={[
          ...named.map(({ name, label, color, dash }) => ({
            column: `gain_${name}`,
            label,
            color,
            dash,
            smooth: true,
          })),
          ...pairsOf(named.length).map(([i, j], pair) => ({
            column: `covariance_${pairName(rewards[i], rewards[j])}`,
            label: `covariance, ${named[i].label} and ${named[j].label}`,
            color: pairLook(pair).color,
            dash: [2, 3],
            smooth: true,
          })),
        ]}
        baseline={0}
        behind={behind}
        alongside={alongside}
        empty="Begins with alignment"
      />
      <p class="plot-note">
        {covarianceSentence(rewards, (name) => view.popo.column(name))}{' '}
        {held && heldSentence(constrained, view.popo.last('level'), view.popo.last(`w_${constrained}`))}
      </p>
    </div>
  );
}

interface Gauge {
  label: string;
  hint: string;
  columns: Columns;
  column: string;
  write(value: number | null): string;
  isAlarming?(value: number): boolean;
}

/** The gauges of how this family of methods fails: where each stands, and how it came there. */
export function Gauges() {
  const session = useSession();
  void session.view.tick.value;
  const { popo, heldout } = session.view;
  if (popo.length === 0) return null;
  const gauges: Gauge[] = [
    {
      label: 'Groups without signal',
      hint: 'frac_reward_zero_std: all answers of a prompt earned the same',
      columns: popo,
      column: 'zero_std',
      write: percent,
      isAlarming: (value) => value > 0.7,
    },
    {
      label: 'Repeated samples',
      hint: 'duplicate_rate: samples of a prompt that name the same item as another',
      columns: popo,
      column: 'duplicates',
      write: percent,
      isAlarming: (value) => value > 0.85,
    },
    {
      label: 'Distance from SFT',
      hint: 'kl, in nats per token',
      columns: popo,
      column: 'kl',
      write: short,
      isAlarming: (value) => value > 1,
    },
    {
      label: 'Entropy',
      hint: 'Of the next token while it samples, in nats; near 0 it explores no more',
      columns: popo,
      column: 'entropy',
      write: short,
    },
    {
      label: 'Valid samples',
      hint: 'valid_rate: well formed',
      columns: popo,
      column: 'valid',
      write: percent,
      isAlarming: (value) => value < 0.5,
    },
    {
      label: 'Cut off samples',
      hint: inFieldWords('clipped_ratio: reached text.max_completion_length'),
      columns: popo,
      column: 'clipped',
      write: percent,
      isAlarming: (value) => value > 0.5,
    },
    {
      label: 'Distinct answers',
      hint: 'distinct_top1, held out; few means collapse',
      columns: heldout,
      column: 'distinct',
      write: (value) => (value === null ? '–' : count(value)),
    },
    {
      label: 'Most popular answer',
      hint: 'popularity_share, held out: how often the same item is answered',
      columns: heldout,
      column: 'popularity',
      write: percent,
      isAlarming: (value) => value > 0.33,
    },
  ];
  return (
    <dl class="gauges" aria-label="Signs of trouble">
      {gauges.map(({ label, hint, columns, column, write, isAlarming }) => {
        const value = columns.last(column);
        const alarms = value !== null && isAlarming?.(value) === true;
        return (
          <div key={label} title={hint} class={alarms ? 'alarm' : undefined}>
            <dt>{label}</dt>
            <dd>
              {write(value)}
              {alarms && <span class="hidden"> – beyond what is healthy</span>}
              <Sparkline values={columns.column(column)} />
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
