/** ORFT: which chains of thought are learnt from. */
import { field } from './field';
import { whole, wordOr } from './kinds';

const PERPLEXITY = {
  low: 1,
  high: 1_000_000,
  name: 'a perplexity',
  label: 'perplexity',
  hint: 'Reasoning below it is kept',
  // R of the paper, for a backbone far larger than these.
  start: 4.6,
};

export const orft = {
  threshold: field(wordOr(['median', 'margin', 'none'], PERPLEXITY), 'median', {
    version2: 'margin',
    help:
      'Which survive. `median`: perplexity of the true answer below the median of a validation subset. `margin`: likelihood, against ' +
      'the mean of the same prompt, in the better half. `none`: all. A number: perplexity below it.',
    form: {
      group: 'reasoning',
      label: 'Keep reasoning below',
      hint: 'margin compares within a prompt',
      place: 2,
    },
  }),
  scorer_steps: field(whole(0, 100_000), 80, {
    help: 'Updates that tune the scorer on the form of a chain of thought before it judges. They are undone afterwards.',
    unit: 'steps',
  }),
};
