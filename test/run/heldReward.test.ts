import { expect, it } from 'vitest';
import type { RunChange } from '../../src/run/changes';
import { heldByRun } from '../../src/run/heldReward';
import type { PopoStep, Report } from '../../src/run/report';
import { minusculeConfig } from './tinyRun';

/** One prompt with two answers, of which the first earns nothing: so means are half of what the second earns. */
const step = (index: number, semantic: number, level?: number) =>
  ({
    step: index,
    rewards: [
      [
        [0, 0],
        [2 * semantic, 0.2],
      ],
    ],
    ...(level !== undefined && { level }),
  }) as unknown as PopoStep;

function run(steps: PopoStep[], more: { best?: number; changes?: RunChange[] } = {}) {
  const config = minusculeConfig((own) => {
    Object.assign(own.popo, {
      rewards: ['semantic', 'id'],
      weighting: 'constraint',
      constrained: 'semantic',
    });
  });
  const popo = {
    rewardNames: ['semantic', 'id'],
    steps,
    curve: [],
    ...(more.best !== undefined && { best: { step: more.best, score: 1 } }),
  } as Report['popo'];
  return heldByRun({ config, popo, ...(more.changes && { changes: more.changes }) });
}

it('is of the steps up to the model that is handed over', () => {
  const steps = [0.1, 0.2, 0.3, 0.4].map((mean, index) => step(index, mean, 0.25));
  expect(run(steps)).toEqual({ reward: 'semantic', level: 0.25, rewards: [0.1, 0.2, 0.3, 0.4] });
  expect(run(steps, { best: 2 })!.rewards).toEqual([0.1, 0.2]);
  // Fine-tuning’s own model: nothing became of it.
  expect(run(steps, { best: 0 })).toBeNull();
  expect(run([])).toBeNull();
});

it('goes by the reward that was held last, and is nothing where another rule came after', () => {
  const at = { stage: 'popo', step: 1 } as const;
  const changes: RunChange[] = [{ ...at, field: 'popo.constrained', from: 'semantic', to: 'id' }];
  const steps = [step(0, 0.4, 0.25), step(1, 0.4, 0.05)];
  expect(run(steps, { changes })).toEqual({ reward: 'id', level: 0.05, rewards: [0.1] });
  expect(run([step(0, 0.4, 0.25), step(1, 0.4)])).toBeNull();
});
