/** Warm-up: history in, next item out, and sentences on the catalogue. */
import { field } from './field';
import { real, whole } from './kinds';

export const warmup = {
  steps: field(
    whole(0, 1_000_000),
    { tiny: 700, small: 1000, base: 2000, medium: 4000, large: 6000 },
    {
      version2: { tiny: 1000, small: 1500, base: 2000, medium: 4000, large: 6000 },
      help: 'Updates of the model. 0 leaves warm-up out.',
      unit: 'steps',
    },
  ),
  batch_size: field(
    whole(1, 1024),
    { tiny: 6, small: 12, base: 12, medium: 24, large: 24 },
    { help: 'Prompt and answer examples of a step.', unit: 'examples' },
  ),
  learning_rate: field(
    real(0, 1),
    { tiny: 5e-3, small: 3e-3, base: 2e-3, medium: 1e-3, large: 6e-4 },
    { help: 'Highest learning rate of the stage.' },
  ),
  catalogue_facts: field(
    whole(0, 256),
    { tiny: 12, small: 24, base: 24, medium: 24, large: 24 },
    {
      help: 'Sentences that join each batch and describe an item, or tell a fact that the data set brings.',
      unit: 'sentences',
    },
  ),
  need_sentences: field(
    whole(0, 256),
    { tiny: 6, small: 12, base: 12, medium: 12, large: 12 },
    {
      version2: 18,
      help: 'Sentences that join each batch in the form a chain of thought ends in, from a need to an item that meets it.',
      unit: 'sentences',
    },
  ),
  catalogue_sentences: field(
    whole(0, 256),
    { tiny: 3, small: 6, base: 6, medium: 6, large: 6 },
    { help: 'Sentences that join each batch and are an answer by itself.', unit: 'sentences' },
  ),
};
