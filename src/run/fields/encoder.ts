/** What measures how alike two titles are in meaning. */
import type { RewardName } from '../../popo/rewards';
import { field } from './field';
import { oneOf, whole } from './kinds';

/** Also of `popo.semantic_exponent`. */
export const SEMANTIC = {
  holds: ({ popo }: { popo: { rewards: readonly RewardName[] } }) => popo.rewards.includes('semantic'),
  reason: 'No answer is paid for its meaning: popo.rewards leaves semantic out.',
};

export const encoder = {
  steps: field(
    whole(0, 1_000_000),
    { tiny: 150, small: 400, base: 400, medium: 400, large: 400 },
    { help: 'Updates of the catalogue’s encoder.', unit: 'steps' },
  ),
  embedding_size: field(
    whole(1, 1024),
    { tiny: 16, small: 32, base: 32, medium: 32, large: 32 },
    { help: 'Width of its vectors.' },
  ),
  semantic_reward: field(oneOf(['catalogue', 'use-lite']), 'catalogue', {
    help:
      'What measures the semantic reward: the encoder trained on the catalogue, or the Universal Sentence Encoder lite, whose 28 MB are ' +
      'loaded when it is chosen. Title_Hit-Rate and the features for rankers are always the catalogue encoder’s.',
    form: { group: 'alignment', hint: 'use-lite loads 28 MB, once', place: 13 },
    appliesWhen: SEMANTIC,
  }),
};
