import type { Reward } from './reward';

/** 1 when it reasons before it answers and the categories it names are the item's own, else 0. */
export const format: Reward<'format', unknown> = {
  name: 'format',
  words: {
    label: 'format',
    symbol: 'f',
    question: 'Format: does it reason first?',
    about: 'form',
    sentence: 'Whether it reasons before it answers, and names the item’s own categories',
    example: 1,
  },
  score: ({ parsed }) => (parsed.think && parsed.coherent ? 1 : 0),
};
