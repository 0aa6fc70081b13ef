import { Chart } from './chart';
import { useSession } from './context';
import { percent, short } from './format';
import { STAGE_WORDS } from './stages';

/** What is learnt, in the order in which it happens. */
export function LearningCharts() {
  const session = useSession();
  const marks = session.view.lossMarks.value.map(({ x, label }) => ({ x, label: STAGE_WORDS[label].label }));
  const { weighting } = session.config.value.popo;
  const gradients =
    weighting === 'popo' ? 'Begins with alignment' : 'Only POPO looks at the gradients of each reward';
  return (
    <section class="charts" aria-labelledby="charts-title">
      <h2 id="charts-title" class="overline">
        Learning
      </h2>
      <div class="charts-grid">
        <Chart
          title="Training loss"
          columns={session.view.loss}
          lines={[{ column: 'loss', label: 'Training loss', color: 'ink', smooth: true }]}
          marks={marks}
          empty="Begins with warm-up"
        />
        <Chart
          title="Held-out users"
          columns={session.view.heldout}
          lines={[
            { column: 'l3', label: 'L3 hit', color: 'semantic' },
            { column: 'hr50', label: 'HR@50', color: 'third', dash: [4, 3] },
            { column: 'ctcvr', label: 'CTCVR', color: 'id' },
          ]}
          synced
          empty="Begins with alignment"
        />
        <Chart
          title="Rewards"
          columns={session.view.popo}
          lines={[
            { column: 'semantic', label: 'semantic', color: 'semantic', smooth: true },
            { column: 'id', label: 'ID', color: 'id', smooth: true },
          ]}
          synced
          empty="Begins with alignment"
        />
        <Chart
          title="Weights"
          columns={session.view.popo}
          lines={[
            { column: 'w_semantic', label: 'w_s', color: 'semantic' },
            { column: 'w_id', label: 'w_id', color: 'id' },
          ]}
          range={[0, 1]}
          baseline={0.5}
          synced
          empty="Begins with alignment"
        />
        <Chart
          title="Gradient norms"
          columns={session.view.popo}
          lines={[
            { column: 'g_semantic', label: '‖g_s‖', color: 'semantic', smooth: true },
            { column: 'g_id', label: '‖g_id‖', color: 'id', smooth: true },
          ]}
          range={[0, null]}
          synced
          empty={gradients}
        />
        <Chart
          title="Do they agree?"
          columns={session.view.popo}
          lines={[{ column: 'cosine', label: 'cos(g_s, g_id)', color: 'ink', smooth: true }]}
          range={[-1, 1]}
          baseline={0}
          synced
          empty={gradients}
        />
      </div>
    </section>
  );
}

/** The gauges of how this family of methods fails (taiji.md §6). */
export function Gauges() {
  const session = useSession();
  void session.view.tick.value;
  const { popo, heldout } = session.view;
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
      value: short(heldout.last('distinct')),
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
