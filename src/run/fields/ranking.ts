/** What the model's reasoning adds to an ordinary ranker. */
import { field } from './field';
import { real, whole } from './kinds';

const RANKED = {
  holds: ({ ranking }: { ranking: { users: number } }) => ranking.users > 0,
  reason: 'Ranking is left out: ranking.users is 0.',
};

export const ranking = {
  users: field(
    whole(0, 100_000),
    { tiny: 600, small: 4000, base: 4000, medium: 4000, large: 4000 },
    {
      help: 'People whose requests after training are ranked with and without the model’s features. 0 leaves ranking out.',
      unit: 'users',
      form: { group: 'ranking', hint: 'Newcomers to rank for; 0 leaves it out' },
    },
  ),
  steps: field(
    whole(1, 1_000_000),
    { tiny: 500, small: 1800, base: 1800, medium: 1800, large: 1800 },
    { help: 'Updates of the ranker on the past’s impressions.', unit: 'steps', appliesWhen: RANKED },
  ),
  tuning_steps: field(
    whole(1, 1_000_000),
    { tiny: 60, small: 200, base: 200, medium: 200, large: 200 },
    {
      help: 'Updates after that of each ranker with other features, on the newcomers’ impressions.',
      unit: 'steps',
      appliesWhen: RANKED,
    },
  ),
  batch_size: field(whole(1, 4096), 64, {
    help: 'Requests of a step.',
    unit: 'requests',
    appliesWhen: RANKED,
  }),
  learning_rate: field(real(0, 1), 2e-3, { help: 'Learning rate of the rankers.', appliesWhen: RANKED }),
  embedding_size: field(
    whole(1, 256),
    { tiny: 16, small: 32, base: 32, medium: 32, large: 32 },
    { help: 'Width of their embeddings.', appliesWhen: RANKED },
  ),
  subspaces: field(whole(1, 64), 4, {
    help: 'M, codes per user that the product quantiser makes.',
    unit: 'codes',
    form: { group: 'ranking', hint: 'M, codes per user' },
    appliesWhen: RANKED,
  }),
  bits: field(whole(1, 12), 6, {
    help: 'Bits of a code, which is one of 2^bits.',
    unit: 'bits',
    form: { group: 'ranking', hint: 'Of a code: one of 2^bits' },
    appliesWhen: RANKED,
  }),
};
