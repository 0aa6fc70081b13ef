import { expect, it } from 'vitest';
import { changesInWords, differences } from '../../src/app/words/differences';
import type { RunChange } from '../../src/run/changes';
import { presetConfig } from '../../src/run/presets';

it('says in words what differs from the preset, and nothing of what does not', () => {
  const config = presetConfig({ preset: 'tiny', version: 1 });
  expect(differences(config)).toEqual([]);
  config.seed = 9;
  config.orft.threshold = 'margin';
  config.data.map = 'user=who';
  Object.assign(config.popo, { steps: 200, rewards: ['id'], reward_weights: [1] });
  config.text.vocab_size = 300;
  expect(differences(config).map(({ words }) => words)).toEqual([
    'seed 9, not 1',
    expect.stringMatching(/^most tokens of the tokenizer 300, not \d+$/),
    'keep reasoning below margin, not median',
    'steps of alignment 200, not 60',
    'rewards id, not semantic and id',
    'reward weights 1, not 0.5 and 0.5',
  ]);
});

it('says of which stage a setting is where several call theirs the same', () => {
  const config = presetConfig({ preset: 'tiny', version: 1 });
  config.sft.learning_rate = 0.5;
  config.warmup.batch_size = 3;
  expect(differences(config).map(({ words }) => words)).toEqual([
    expect.stringMatching(/^examples of a step of warm-up 3, not \d+$/),
    expect.stringMatching(/^highest learning rate of fine-tuning 0\.5, not [\d.]+$/),
  ]);
});

it('tells every change of a run', () => {
  const config = presetConfig({ preset: 'tiny', version: 1 });
  const changes = Array.from({ length: 6 }, (_, k): RunChange => {
    return { stage: 'popo', step: 10 * k, field: 'popo.learning_rate', from: k, to: k + 1 };
  });
  expect(changesInWords([], config)).toEqual([]);
  expect(changesInWords(changes.slice(0, 1), config)).toEqual([
    'From step 1 of alignment on: learning rate of the policy 1, not 0.',
  ]);
  expect(changesInWords(changes, config)).toHaveLength(6);
});
