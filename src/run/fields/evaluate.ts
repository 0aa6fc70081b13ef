/** How many held-out examples are answered, and how often. */
import { field } from './field';
import { oneOf, real, whole } from './kinds';

const ALL = {
  holds: ({ evaluate }: { evaluate: { baselines: string } }) => evaluate.baselines === 'all',
  reason: 'SASRec is left out.',
};

export const evaluate = {
  users: field(
    whole(1, 100_000),
    { tiny: 200, small: 1000, base: 1000, medium: 1000, large: 1000 },
    { version2: 1000, help: 'Held-out test users of the stage table.', unit: 'users' },
  ),
  curve_users: field(
    whole(1, 10_000),
    { tiny: 64, small: 128, base: 128, medium: 128, large: 128 },
    { help: 'Held-out validation users of the curves that are drawn while POPO trains.', unit: 'users' },
  ),
  curve_every: field(
    whole(1, 1_000_000),
    { tiny: 15, small: 10, base: 10, medium: 10, large: 10 },
    { help: 'Steps of POPO from one point of those curves to the next.', unit: 'steps' },
  ),
  baselines: field(oneOf(['quick', 'all']), 'quick', {
    help:
      'Recommenders without language beside the table. quick: popularity, item bigram, counters of needs, item graph, ItemKNN and EASE, in seconds. ' +
      'all: also SASRec, which is trained, and content neighbours, which load a sentence encoder of 28 MB. No other result depends on it.',
    form: { group: 'ranking', hint: 'all trains SASRec too, loads 28 MB' },
  }),
  sasrec_steps: field(
    whole(1, 1_000_000),
    { tiny: 400, small: 2000, base: 2000, medium: 4000, large: 4000 },
    { help: 'Updates of SASRec.', unit: 'steps', appliesWhen: ALL },
  ),
  sasrec_batch_size: field(
    whole(1, 4096),
    { tiny: 32, small: 64, base: 128, medium: 128, large: 128 },
    { help: 'Histories of a step, of which at most 50 items are read.', unit: 'histories', appliesWhen: ALL },
  ),
  sasrec_hidden_size: field(
    whole(4, 512),
    { tiny: 32, small: 64, base: 64, medium: 128, large: 128 },
    { help: 'Width of SASRec, a multiple of 4; heads are 32 wide where that divides it.', appliesWhen: ALL },
  ),
  sasrec_learning_rate: field(
    real(0, 1),
    { tiny: 5e-3, small: 2e-3, base: 2e-3, medium: 1e-3, large: 1e-3 },
    {
      help: 'Learning rate of SASRec.',
      appliesWhen: ALL,
    },
  ),
};
