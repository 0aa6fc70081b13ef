import type { RewardName } from '../popo/rewards';
import { Chart } from './chart';
import { useSession } from './context';
import { count, percent, short } from './format';
import { STAGE_WORDS } from './stages';

/** What is learnt, as it happens: the loss alone at first, then beside it what alignment trades. */
export function LearningCharts() {
  const session = useSession();
  void session.view.tick.value;
  const aligning = session.view.popo.length > 0;
  return (
    <section class="charts" aria-labelledby="charts-title">
      <h2 id="charts-title" class="overline">
        Learning
      </h2>
      {aligning ? (
        <div class="charts-grid">
          <LossChart key="small" height={112} />
          <AlignmentCharts />
        </div>
      ) : (
        <>
          <LossChart key="large" height={300} />
          <p class="charts-next">Rewards, weights and gradients join when alignment begins.</p>
        </>
      )}
    </section>
  );
}

function LossChart({ height }: { height: number }) {
  const { loss, lossMarks } = useSession().view;
  return (
    <Chart
      title="Training loss"
      columns={loss}
      lines={[{ column: 'loss', label: 'nats per answer token', color: 'ink', smooth: true }]}
      marks={lossMarks.value.map(({ x, label }) => ({ x, label: STAGE_WORDS[label].label }))}
      height={height}
      empty="Begins with warm-up"
    />
  );
}

/** How each reward is named and drawn. */
export const REWARD_LOOKS = {
  semantic: { label: 'semantic', index: 's', color: 'semantic' },
  id: { label: 'ID', index: 'id', color: 'id' },
  format: { label: 'format', index: 'f', color: 'third' },
  novelty: { label: 'novelty', index: 'n', color: 'fourth' },
} as const satisfies Record<RewardName, { label: string; index: string; color: string }>;

function AlignmentCharts() {
  const { config, view } = useSession();
  const { rewards, probe_every, weighting } = config.value.popo;
  const gradients =
    probe_every > 0 || weighting === 'mgda' ? 'Measured every few steps' : 'Not measured: probe_every is 0';
  const named = rewards.map((name) => ({ name, ...REWARD_LOOKS[name] }));
  const [first, second] = named;
  return (
    <>
      <Chart
        title="Held-out users"
        columns={view.heldout}
        lines={[
          { column: 'l3', label: 'L3', color: 'semantic' },
          { column: 'hr50', label: 'HR@50', color: 'third', dash: [4, 3] },
          { column: 'ctcvr', label: 'CTCVR', color: 'id' },
        ]}
        synced
        empty="Begins with alignment"
      />
      <Chart
        title="Rewards of sampled answers"
        columns={view.popo}
        lines={named.map(({ name, label, color }) => ({ column: name, label, color, smooth: true }))}
        synced
        empty="Begins with alignment"
      />
      <Chart
        title="Weights"
        columns={view.popo}
        lines={[
          ...named.map(({ name, index, color }) => ({ column: `w_${name}`, label: `w_${index}`, color })),
          { column: 'pull_first', label: `pull_${first.index}`, color: 'muted', dash: [4, 3] },
        ]}
        range={[0, 1]}
        baseline={1 / named.length}
        synced
        empty="Begins with alignment"
      />
      <Chart
        title="Gradient norms"
        columns={view.popo}
        lines={named.map(({ name, index, color }) => ({
          column: `g_${name}`,
          label: `‖g_${index}‖`,
          color,
          smooth: true,
        }))}
        range={[0, null]}
        synced
        empty={gradients}
      />
      {second !== undefined && (
        <Chart
          title="Do the rewards agree?"
          columns={view.popo}
          lines={[
            {
              column: 'cosine',
              label: `cos(g_${first.index}, g_${second.index})`,
              color: 'ink',
              smooth: true,
            },
          ]}
          range={[-1, 1]}
          baseline={0}
          synced
          empty={gradients}
        />
      )}
    </>
  );
}

/** The gauges of how this family of methods fails (taiji.md §6). */
export function Gauges() {
  const session = useSession();
  void session.view.tick.value;
  const { popo, heldout } = session.view;
  if (popo.length === 0) return null;
  const gauges = [
    {
      label: 'Groups without signal',
      hint: 'frac_reward_zero_std: all answers of a prompt earned the same',
      value: percent(popo.last('zero_std')),
      alarm: (popo.last('zero_std') ?? 0) > 0.7,
    },
    {
      label: 'Repeated samples',
      hint: 'duplicate_rate: samples of a prompt that name the same item as another',
      value: percent(popo.last('duplicates')),
      alarm: (popo.last('duplicates') ?? 0) > 0.85,
    },
    {
      label: 'Distance from SFT',
      hint: 'kl, in nats per token',
      value: short(popo.last('kl')),
      alarm: (popo.last('kl') ?? 0) > 1,
    },
    {
      label: 'Distinct answers',
      hint: 'distinct_top1 over the held-out users; few means collapse',
      value: whole(heldout.last('distinct')),
      alarm: false,
    },
    {
      label: 'Most popular answer',
      hint: 'popularity_share: how many users got the same item',
      value: percent(heldout.last('popularity')),
      alarm: (heldout.last('popularity') ?? 0) > 0.33,
    },
  ];
  return (
    <dl class="gauges" aria-label="Signs of trouble">
      {gauges.map((gauge) => (
        <div key={gauge.label} title={gauge.hint} class={gauge.alarm ? 'alarm' : undefined}>
          <dt>{gauge.label}</dt>
          <dd>
            {gauge.value}
            {gauge.alarm && <span class="hidden"> – beyond what is healthy</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function whole(value: number | null): string {
  return value === null ? '–' : count(value);
}
