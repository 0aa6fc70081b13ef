/**
 * Byte-pair encoding (Sennrich, Haddow and Birch, ACL 2016) over words with a leading `▁`, in Hugging Face's
 * tokenizer.json form: `toJSON()` loads in any library that reads those, with the same ids.
 *
 * One thing is not textbook. Frequent words enter the vocabulary whole, beside the merges (`ignore_merges` in the file):
 * a merge path to each of a catalogue's words would cost three slots of intermediate pieces for every useful one, and a
 * model of 0.1M parameters pays for each slot. `bpe.ts` trains.
 */
import { type MergeTable, mergeTable, mergeWord, trainVocabulary } from './bpe';
import { MAX_VOCABULARY, MIN_VOCABULARY } from './vocabularyLimits';

const MARKER = '▁';
const SPECIALS = ['<pad>', '<unk>', '<think>', '</think>', '<answer>', '</answer>', '<sep>'] as const;
const PAD = 0;
const UNKNOWN = 1;
const SPECIAL_PATTERN = new RegExp(`(${SPECIALS.join('|')})`);
/** Words whose pieces are remembered; a data set has fewer, a hostile text may have more. */
const CACHE_SIZE = 50_000;

/** Written into every tokenizer.json, and what `fromJSON` insists on: the text pipeline is not configurable. */
const PIPELINE = {
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'NFKC' },
      { type: 'Lowercase' },
      { type: 'Replace', pattern: { Regex: `[\\s\uFEFF${MARKER}]+` }, content: ' ' },
    ],
  },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'WhitespaceSplit' },
      { type: 'Metaspace', replacement: MARKER, prepend_scheme: 'always', split: false },
    ],
  },
  post_processor: null,
  decoder: { type: 'Metaspace', replacement: MARKER, prepend_scheme: 'always', split: false },
} as const;

/** A tokenizer.json that cannot be used here: what is wrong with it. */
export class TokenizerFileError extends Error {
  override name = 'TokenizerFileError';
}

/** Compatibility form, lower case, single spaces: what `decode` gives back of a text whose characters are all known. */
export function normalize(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\p{White_Space}\uFEFF▁]+/gu, ' ')
    .trim();
}

function words(normalized: string): string[] {
  return normalized === '' ? [] : normalized.split(' ').map((word) => MARKER + word);
}

/** Text to token ids and back. Immutable; ids 0 … vocabSize − 1. */
export class Tokenizer {
  readonly vocabSize: number;
  readonly special: {
    readonly pad: number;
    readonly unknown: number;
    readonly think: number;
    readonly endThink: number;
    readonly answer: number;
    readonly endAnswer: number;
    readonly separator: number;
  };
  readonly #tokens: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;
  readonly #merges: readonly (readonly [string, string])[];
  readonly #table: MergeTable;
  readonly #cache = new Map<string, readonly number[]>();

  /**
   * @param tokens id → token; the first are the special ones, in order
   * @param merges pairs of tokens, most important first; pieces and product are tokens
   */
  constructor(tokens: readonly string[], merges: readonly (readonly [string, string])[]) {
    this.#tokens = tokens;
    this.#merges = merges;
    this.#ids = new Map(tokens.map((token, id) => [token, id]));
    if (this.#ids.size !== tokens.length)
      throw new TokenizerFileError('Two tokens of the vocabulary are equal.');
    SPECIALS.forEach((token, id) => {
      if (tokens[id] !== token)
        throw new TokenizerFileError(`Token ${id} must be ${token}, not ${tokens[id]}.`);
    });
    const id = (token: string): number => {
      const found = this.#ids.get(token);
      if (found === undefined)
        throw new TokenizerFileError(`A merge names "${token}", which is not a token.`);
      return found;
    };
    this.#table = mergeTable(merges.map(([left, right]) => [id(left), id(right), id(left + right)]));
    this.vocabSize = tokens.length;
    this.special = {
      pad: PAD,
      unknown: UNKNOWN,
      think: id('<think>'),
      endThink: id('</think>'),
      answer: id('<answer>'),
      endAnswer: id('</answer>'),
      separator: id('<sep>'),
    };
  }

  /** Token ids of a text in which the special tokens' names stand for the tokens, as in Hugging Face's `encode`. */
  encode(text: string): number[] {
    const ids: number[] = [];
    text.split(SPECIAL_PATTERN).forEach((section, index) => {
      if (index % 2 === 1) ids.push(this.#ids.get(section)!);
      else this.#append(ids, section);
    });
    return ids;
  }

  /** Token ids of a text that is only text: "</answer>" in a product's title ends nothing. */
  encodePlain(text: string): number[] {
    const ids: number[] = [];
    this.#append(ids, text);
    return ids;
  }

  /** The text of token ids, special tokens by name. Ids outside the vocabulary read as `<unk>`. */
  decode(ids: ArrayLike<number>): string {
    let text = '';
    for (let i = 0; i < ids.length; i++) {
      const piece = (this.#tokens[ids[i]] ?? '<unk>').replaceAll(MARKER, ' ');
      text += i === 0 && piece.startsWith(' ') ? piece.slice(1) : piece;
    }
    return text;
  }

  /** The token's name, `▁` for a leading space; `<unk>` outside the vocabulary. */
  token(id: number): string {
    return this.#tokens[id] ?? '<unk>';
  }

  /** The content of a Hugging Face tokenizer.json. */
  toJSON(): object {
    return {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: SPECIALS.map((content, id) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      ...PIPELINE,
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: '<unk>',
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: true,
        byte_fallback: false,
        ignore_merges: true,
        vocab: Object.fromEntries(this.#ids),
        merges: this.#merges.map(([left, right]) => [left, right]),
      },
    };
  }

  /** The content of the tokenizer_config.json that goes with it. */
  configJSON() {
    return {
      tokenizer_class: 'PreTrainedTokenizerFast',
      clean_up_tokenization_spaces: false,
      pad_token: '<pad>',
      unk_token: '<unk>',
      eos_token: '</answer>',
    };
  }

  /**
   * The inverse of `toJSON`.
   * @throws TokenizerFileError for a file of another pipeline, or a vocabulary with gaps
   */
  static fromJSON(json: unknown): Tokenizer {
    const file = json as { model?: Record<string, unknown> } & Record<keyof typeof PIPELINE, unknown>;
    for (const part of Object.keys(PIPELINE) as (keyof typeof PIPELINE)[]) {
      if (JSON.stringify(file?.[part]) !== JSON.stringify(PIPELINE[part])) {
        throw new TokenizerFileError(`This tokenizer.json has a ${part} that taiji-lab does not write.`);
      }
    }
    const vocab = file.model?.vocab;
    const merges = file.model?.merges;
    if (
      file.model?.type !== 'BPE' ||
      file.model.ignore_merges !== true ||
      typeof vocab !== 'object' ||
      !vocab
    ) {
      throw new TokenizerFileError('This tokenizer.json has no BPE model with whole words (ignore_merges).');
    }
    const tokens: string[] = [];
    for (const [token, id] of Object.entries(vocab)) tokens[id as number] = token;
    for (let id = 0; id < tokens.length; id++) {
      if (typeof tokens[id] !== 'string') throw new TokenizerFileError(`No token has the id ${id}.`);
    }
    const isPair = (merge: unknown): merge is [string, string] =>
      Array.isArray(merge) && merge.length === 2 && merge.every((piece) => typeof piece === 'string');
    if (!Array.isArray(merges) || !merges.every(isPair)) {
      throw new TokenizerFileError('The merges of this tokenizer.json are not pairs of tokens.');
    }
    return new Tokenizer(tokens, merges);
  }

  #append(ids: number[], section: string): void {
    for (const word of words(normalize(section))) {
      for (const id of this.#encodeWord(word)) ids.push(id);
    }
  }

  #encodeWord(word: string): readonly number[] {
    const whole = this.#ids.get(word);
    if (whole !== undefined) return [whole];
    const cached = this.#cache.get(word);
    if (cached !== undefined) return cached;
    const pieces = mergeWord(
      Array.from(word, (character) => this.#ids.get(character) ?? UNKNOWN),
      this.#table,
    );
    const fused = pieces.filter((id, index) => id !== UNKNOWN || pieces[index - 1] !== UNKNOWN);
    if (this.#cache.size >= CACHE_SIZE) this.#cache.clear();
    this.#cache.set(word, fused);
    return fused;
  }
}

/**
 * Trains a tokenizer on texts: equal texts, in any order, give equal tokenizers.
 * @param vocabSize upper bound, special tokens included; training stops early when nothing saves a token any more
 * @throws RangeError for a bound that leaves no room for the alphabet
 */
export function trainTokenizer(texts: Iterable<string>, vocabSize: number): Tokenizer {
  if (!Number.isInteger(vocabSize) || vocabSize < MIN_VOCABULARY || vocabSize > MAX_VOCABULARY) {
    throw new RangeError(
      `A vocabulary of ${vocabSize} tokens cannot be trained; choose from ${MIN_VOCABULARY} to ${MAX_VOCABULARY}.`,
    );
  }
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const word of words(normalize(text))) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const { tokens, merges } = trainVocabulary(counts, vocabSize - SPECIALS.length);
  return new Tokenizer([...SPECIALS, ...tokens], merges);
}
