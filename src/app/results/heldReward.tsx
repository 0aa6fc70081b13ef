import { heldOutcome, heldOutcomeSentence, heldSteps } from '../../evaluate/heldReward';
import { configAt } from '../../run/changes';
import { useSession } from '../state/context';

/** Whether the reward that `constraint` was to keep was kept, by the steps up to the model that is handed over. */
export function HeldReward() {
  const { view, runConfig, config } = useSession();
  void view.tick.value;
  const { popo } = view;
  const handedOver = view.table.value.find(({ stage }) => stage === 'popo')?.step;
  // At x stands what the x-th step saw.
  const count = popo.indexAt(handedOver ?? Number.POSITIVE_INFINITY) + 1;
  if (count === 0) return null;
  const at = { stage: 'popo', step: popo.xs()[count - 1] - 1 } as const;
  const { constrained } = configAt(runConfig.value ?? config.value, view.changes.value, at).popo;
  const until = (name: string) => popo.column(name).subarray(0, count);
  const held = heldSteps(constrained, until('level'), until(`r_${constrained}`));
  if (held === null) return null;
  const outcome = heldOutcome(held);
  return (
    <p class={outcome.verdict === 'missed' ? 'problem' : 'verdict'} data-held={outcome.verdict}>
      {heldOutcomeSentence(outcome)}
    </p>
  );
}
