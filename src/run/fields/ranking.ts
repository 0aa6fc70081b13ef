/** What the model's reasoning adds to an ordinary ranker. */
import { EMBEDDED } from '../../evaluate/embedded';
import { field } from './field';
import { oneOf, real, whole } from './kinds';

const RANKED = {
  holds: ({ ranking }: { ranking: { users: number } }) => ranking.users > 0,
  reason: 'Ranking is left out: ranking.users is 0.',
};

/** What a run did before there were these fields, which stand last: configs that were kept then lack them. */
export const RANKING_BEFORE = { embedded: 'whole', whiten_above: 1, head_steps: 0 } as const;

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
  embedded: field(oneOf(EMBEDDED), RANKING_BEFORE.embedded, {
    help:
      'What of the model’s words becomes a feature: `whole`, or `conclusion`, which is what it concludes and answers without that from ' +
      'which it is concluded.',
    appliesWhen: RANKED,
  }),
  whiten_above: field(real(-1, 1), RANKING_BEFORE.whiten_above, {
    help:
      'Similar users are sought among whitened vectors where two moments of the past have a mean cosine above this. Above .5 what all of ' +
      'them have in common is more than half of a vector. 1: never.',
    appliesWhen: RANKED,
  }),
  head_steps: field(whole(0, 100_000), RANKING_BEFORE.head_steps, {
    help:
      'Updates of a contrastive head, behind which similar users are sought: it brings what was said of a training user near the item ' +
      'that the user chose next. 0: none.',
    unit: 'steps',
    appliesWhen: RANKED,
  }),
};
