/** What a run's rule `constraint` held, and what that reward earned at the end. */
import { type HeldSteps, heldSteps } from '../evaluate/heldReward';
import { configAt } from './changes';
import type { Report } from './report';
import { meanReward } from './result/linkResult';

/**
 * Up to the model that is handed over.
 * @returns null where the last of these steps held nothing
 */
export function heldByRun({
  config,
  changes = [],
  popo,
}: Pick<Report, 'config' | 'changes' | 'popo'>): HeldSteps | null {
  const steps = popo.steps.slice(0, popo.best?.step);
  const last = steps.at(-1);
  if (last?.level === undefined) return null;
  const { constrained } = configAt(config, changes, { stage: 'popo', step: last.step }).popo;
  const k = popo.rewardNames.indexOf(constrained);
  return heldSteps(
    constrained,
    steps.map(({ level }) => level),
    steps.map((step) => meanReward(step, k) ?? Number.NaN),
  );
}
