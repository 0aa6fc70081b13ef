/** The ranker (ESMM) behind the ID reward. */
import type { RewardName } from '../../popo/rewards';
import { field } from './field';
import { oneOf, real, whole } from './kinds';

const ID = {
  holds: ({ popo }: { popo: { rewards: readonly RewardName[] } }) => popo.rewards.includes('id'),
  reason: 'No answer is paid by its ID: popo.rewards leaves id out.',
};

export const ranker = {
  steps: field(
    whole(1, 1_000_000),
    { tiny: 400, small: 1500, base: 1500, medium: 1500, large: 1500 },
    {
      version2: { tiny: 600, small: 1500, base: 1500, medium: 1500, large: 1500 },
      help: 'Updates of the ranker.',
      unit: 'steps',
    },
  ),
  batch_size: field(whole(1, 65_536), 256, { help: 'Impressions of a step.', unit: 'impressions' }),
  learning_rate: field(
    real(0, 1),
    { tiny: 3e-3, small: 2e-3, base: 2e-3, medium: 2e-3, large: 2e-3 },
    {
      version2: { tiny: 5e-3, small: 3e-3, base: 3e-3, medium: 3e-3, large: 3e-3 },
      help: 'Learning rate of the ranker.',
    },
  ),
  embedding_size: field(
    whole(1, 512),
    { tiny: 8, small: 16, base: 16, medium: 16, large: 16 },
    { help: 'Width of its embeddings.' },
  ),
  attended: field(
    whole(0, 64),
    { tiny: 0, small: 4, base: 4, medium: 4, large: 4 },
    {
      help: 'Last behaviours that target attention looks at. 0: none, and no attention.',
      unit: 'behaviours',
    },
  ),
  features: field(oneOf(['strongest', 'joined']), 'strongest', {
    version2: 'joined',
    help:
      'What it sees of a context and an item. `strongest`: the best call of the last behaviours for the item’s need. `joined`: their sum and ' +
      'second best too, and words that titles share, such as brands.',
  }),
  reward: field(oneOf(['ctcvr', 'lift']), 'ctcvr', {
    help:
      'What the ID reward is. `ctcvr`: the chance of a click and a purchase, as in the paper. `lift`: its log against the item’s mean over ' +
      'shoppers, so that popularity alone earns nothing.',
    appliesWhen: ID,
  }),
};
