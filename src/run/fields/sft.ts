/** Supervised fine-tuning on the chains of thought that were kept. */
import { field } from './field';
import { real, truth, whole } from './kinds';

export const sft = {
  steps: field(
    whole(0, 1_000_000),
    { tiny: 1500, small: 3000, base: 3000, medium: 2000, large: 3000 },
    {
      version2: { tiny: 1500, small: 4000, base: 4000, medium: 4000, large: 4000 },
      help: 'Updates of the model. 0 leaves fine-tuning out.',
      unit: 'steps',
    },
  ),
  batch_size: field(
    whole(1, 1024),
    { tiny: 12, small: 16, base: 16, medium: 32, large: 32 },
    { help: 'Examples of a step, of the scorer’s too.', unit: 'examples' },
  ),
  learning_rate: field(
    real(0, 1),
    { tiny: 4e-3, small: 2e-3, base: 1e-3, medium: 5e-4, large: 3e-4 },
    { help: 'Highest learning rate of the stage, and of the scorer.' },
  ),
  catalogue_sentences: field(whole(0, 256), 0, {
    version2: 12,
    help: 'Sentences of warm-up that join each batch, half facts and half needs, so that the catalogue is not forgotten.',
    unit: 'sentences',
  }),
  cot: field(truth, true, {
    help: 'Whether the chain of thought is learnt before the answer. `false`: answers only, the control.',
    form: {
      group: 'reasoning',
      label: 'Fine-tune on reasoning',
      hint: 'Off: answers only, the control',
      place: 1,
    },
  }),
};
