import { useSignal } from '@preact/signals';
import { late } from '../parts/late';
import { useSession } from '../state/context';
import { Gauges, LearningCharts } from './charts';
import { LiveKnobs } from './liveKnobs';
import { TradeOff } from './tradeoff';

const Glass = late('The view of one group', async () => (await import('./glass')).Glass);

/** What a run shows from its first step on: charts, and beside them the trade-off and the signs of trouble. */
export function Course() {
  return (
    <>
      <LearningCharts />
      <div class="aside">
        <TradeOff />
        <LiveKnobs />
        <Gauges />
      </div>
      <OneGroup />
    </>
  );
}

/** The way to one group of one step, once there is one. */
function OneGroup() {
  const { tick, popo } = useSession().view;
  const isOpen = useSignal(false);
  void tick.value;
  if (popo.length === 0) return null;
  return (
    <div class="one-group">
      <button
        type="button"
        data-action="glass"
        aria-expanded={isOpen.value}
        onClick={() => {
          isOpen.value = !isOpen.value;
        }}
      >
        {isOpen.value ? 'Close the group' : 'Look at one group'}
      </button>
      {!isOpen.value && (
        <span class="faint">How one step learns, from a prompt to the weights, in slow motion.</span>
      )}
      {isOpen.value && <Glass />}
    </div>
  );
}
