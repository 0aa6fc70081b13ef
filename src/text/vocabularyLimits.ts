/** How many tokens a tokenizer can have, special ones included: pairs of ids are packed into one number (bpe.ts). */
export const MIN_VOCABULARY = 64;
export const MAX_VOCABULARY = 65_535;
