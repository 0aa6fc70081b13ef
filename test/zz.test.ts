import { mkdirSync, writeFileSync } from 'node:fs';
import { it } from 'vitest';
import { packRun } from '../src/run/runFile';
import { runPipeline } from '../src/run/runner';
import { minusculeConfig, recordedRun } from './run/tinyRun';

it.each(['popo-light', 'popo'] as const)('%s', async (weighting) => {
  const { context } = recordedRun(
    minusculeConfig((c) => {
      Object.assign(c.popo, {
        weighting,
        rewards: ['semantic', 'id', 'novelty'],
        reward_weights: [0.4, 0.3, 0.3],
        prompts_per_step: 4,
        num_generations: 4,
        num_iterations: 2,
        steps: 4,
      });
      c.warmup.steps = 12;
    }),
  );
  const start = performance.now();
  const { checkpoint } = await runPipeline(context);
  console.log((performance.now() - start) / 1000);
  mkdirSync(`/tmp/elsw/${weighting}`, { recursive: true });
  writeFileSync(`/tmp/elsw/${weighting}/run.zip`, (await packRun(checkpoint)).bytes);
});
