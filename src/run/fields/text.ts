/** How behaviours become tokens. Limits for real titles: the embedded worlds need half of them, and batches fit the data (shapes.ts). */
import { MAX_VOCABULARY, MIN_VOCABULARY } from '../../text/vocabularyLimits';
import { field } from './field';
import { whole } from './kinds';

/** Longest sequence, prompt and completion together. */
export const MAX_SEQUENCE = 4096;

export const text = {
  vocab_size: field(
    whole(MIN_VOCABULARY, MAX_VOCABULARY),
    { tiny: 768, small: 1024, base: 1024, medium: 2048, large: 4096 },
    { help: 'Most tokens that the tokenizer may learn.', unit: 'tokens' },
  ),
  history_length: field(
    whole(1, 256),
    { tiny: 3, small: 6, base: 6, medium: 12, large: 12 },
    { version2: 5, help: 'n, behaviours in the prompt, newest first.', unit: 'behaviours' },
  ),
  max_prompt_length: field(
    whole(8, MAX_SEQUENCE),
    { tiny: 96, small: 160, base: 160, medium: 176, large: 176 },
    { help: 'Longest prompt.', unit: 'tokens' },
  ),
  max_completion_length: field(
    whole(8, 1024),
    { tiny: 56, small: 64, base: 64, medium: 48, large: 48 },
    { help: 'Longest completion. A rollout that has not ended by then is cut off.', unit: 'tokens' },
  ),
};
