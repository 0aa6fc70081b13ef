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

function AlignmentCharts() {
  const { config, view } = useSession();
  const { weighting } = config.value.popo;
  const gradients =
    weighting === 'popo' ? 'Measured every few steps' : 'Only POPO looks at the gradients of each reward';
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
        lines={[
          { column: 'semantic', label: 'semantic', color: 'semantic', smooth: true },
          { column: 'id', label: 'ID', color: 'id', smooth: true },
        ]}
        synced
        empty="Begins with alignment"
      />
      <Chart
        title="Weights"
        columns={view.popo}
        lines={[
          { column: 'w_semantic', label: 'w_s', color: 'semantic' },
          { column: 'w_id', label: 'w_id', color: 'id' },
          { column: 'pull_semantic', label: 'pull_s', color: 'third', dash: [4, 3] },
        ]}
        range={[0, 1]}
        baseline={0.5}
        synced
        empty="Begins with alignment"
      />
      <Chart
        title="Gradient norms"
        columns={view.popo}
        lines={[
          { column: 'g_semantic', label: '‖g_s‖', color: 'semantic', smooth: true },
          { column: 'g_id', label: '‖g_id‖', color: 'id', smooth: true },
        ]}
        range={[0, null]}
        synced
        empty={gradients}
      />
      <Chart
        title="Do the rewards agree?"
        columns={view.popo}
        lines={[{ column: 'cosine', label: 'cos(g_s, g_id)', color: 'ink', smooth: true }]}
        range={[-1, 1]}
        baseline={0}
        synced
        empty={gradients}
      />
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
