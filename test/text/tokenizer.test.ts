import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/numeric/random';
import { normalize, Tokenizer, TokenizerFileError, trainTokenizer } from '../../src/text/tokenizer';

const texts = [
  'Nordal Soft Crib baby nursery cribs',
  'Velmo Soft Stroller baby outings strollers',
  'the player plays; playing players play the playground',
  'need strollers : Velmo Soft Stroller',
  'Łódź Straße ＦＵＬＬ ﬁne café 東京 タワー 🙂',
];
const corpus = [...texts, ...texts, ...texts.slice(0, 3)];
const tokenizer = trainTokenizer(corpus, 160);
const huggingFace = new HuggingFaceTokenizer(tokenizer.toJSON(), tokenizer.configJSON());

const hard = [
  '',
  ' ',
  '\n\t',
  'Crib',
  '  double  spaces \n and\r\nlines\u00a0nbsp\u0085nel\ufeffbom\u2003em ',
  'unseen zebra quick-brown fox; 50% "quoted" (x)',
  'ﬁ ＡＢＣ ½ ① İstanbul ΣΑΣ',
  '日本語の本 mixed日本 東京タワー',
  '🙂🙃 👩‍👩‍👧 e\u0301 \u0300',
  '▁literal▁marker ▁▁',
  '<think>saw crib</think><answer> Velmo Soft Stroller<sep>baby</answer>',
  '<<think>> </ think> <sep><sep>x<unk>y<pad>',
  'playplayplayground aaaaaaaa abababab',
];

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc
    .array(fc.constantFrom('play', 'er', 's', ' ', '  ', 'crib', '<sep>', '<', '▁', '東', 'É', '\n'), {
      maxLength: 20,
    })
    .map((parts) => parts.join('')),
);

describe('Tokenizer', () => {
  it('gives frequent words one token', () => {
    for (const word of ['soft', 'Stroller', 'NURSERY', 'crib', 'play']) {
      expect(tokenizer.encode(word), word).toHaveLength(1);
    }
    expect(tokenizer.decode(tokenizer.encode('  Soft\nCRIB '))).toBe('soft crib');
  });

  it('gives the ids of Hugging Face’s own loader, on hard texts', () => {
    for (const text of hard)
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(huggingFace.encode(text).ids);
  });

  it('gives the ids and the text of Hugging Face’s own loader, on any text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const ids = tokenizer.encode(text);
        expect(ids).toEqual(huggingFace.encode(text).ids);
        if (ids.length > 0) expect(tokenizer.decode(ids)).toBe(huggingFace.decode(ids));
      }),
      { numRuns: 500 },
    );
  });

  it('agrees with that loader when merges, not whole words, carry the text', () => {
    const random = new Random(3, 'test/words');
    const syllables = ['ba', 'na', 'ab', 'an', 'a', 'b', 'n', 'aa', 'nab'];
    const word = () => Array.from({ length: 1 + random.int(5) }, () => random.pick(syllables)).join('');
    const sentences = Array.from({ length: 400 }, () => Array.from({ length: 5 }, word).join(' '));
    const trained = trainTokenizer(sentences, 110);
    const json = trained.toJSON() as { model: { merges: unknown[] } };
    expect(json.model.merges.length).toBeGreaterThan(10);
    const loaded = new HuggingFaceTokenizer(json, trained.configJSON());
    for (let i = 0; i < 400; i++) {
      const text = word() + word() + word();
      expect(trained.encode(text), text).toEqual(loaded.encode(text).ids);
    }
  });

  it('decodes what it encodes, up to normalisation', () => {
    const known = Array.from("abcdefghijklmnopqrstuvwxyz0123456789.,:'- ABZ");
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...known), maxLength: 60 }), (text) => {
        expect(tokenizer.decode(tokenizer.encodePlain(text))).toBe(normalize(text));
      }),
    );
    expect(normalize(' Ａ\u00a0 ﬁNE▁x ')).toBe('a fine x');
  });

  it('reads special tokens in encode, and only text in encodePlain', () => {
    const { answer, endAnswer } = tokenizer.special;
    expect(tokenizer.encode('<answer></answer>')).toEqual([answer, endAnswer]);
    const plain = tokenizer.encodePlain('<answer></answer>');
    for (const id of Object.values(tokenizer.special)) {
      if (id !== tokenizer.special.unknown) expect(plain).not.toContain(id);
    }
  });

  it('is the same for the same texts in any order', () => {
    const reversed = trainTokenizer([...corpus].reverse(), 160);
    expect(JSON.stringify(reversed.toJSON())).toBe(JSON.stringify(tokenizer.toJSON()));
  });

  it('keeps to the bound, and stops where nothing is saved', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 12 }), { maxLength: 30 }),
        fc.integer({ min: 64, max: 200 }),
        (some, bound) => {
          expect(trainTokenizer(some, bound).vocabSize).toBeLessThanOrEqual(bound);
        },
      ),
    );
    expect(tokenizer.vocabSize).toBeLessThanOrEqual(160);
    expect(trainTokenizer(['one two'], 1000).vocabSize).toBeLessThan(64);
    const kanji = Array.from({ length: 3000 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join('');
    expect(trainTokenizer([kanji], 128).vocabSize).toBeLessThanOrEqual(128);
    expect(() => trainTokenizer([], 20)).toThrow(RangeError);
  });

  it('comes back from its file, and refuses others', () => {
    const file = JSON.parse(JSON.stringify(tokenizer.toJSON()));
    const back = Tokenizer.fromJSON(file);
    expect(JSON.stringify(back.toJSON())).toBe(JSON.stringify(tokenizer.toJSON()));
    for (const text of hard) expect(back.encode(text)).toEqual(tokenizer.encode(text));
    const broken: unknown[] = [
      null,
      'x',
      {},
      { ...file, normalizer: null },
      { ...file, model: { ...file.model, type: 'Unigram' } },
      { ...file, model: { ...file.model, merges: [['zz', 'q']] } },
      { ...file, model: { ...file.model, merges: [1] } },
      { ...file, model: { ...file.model, vocab: { '<pad>': 0, x: 5 } } },
      { ...file, model: { ...file.model, vocab: { ...file.model.vocab, '<pad>': 1e9 } } },
    ];
    for (const json of broken) expect(() => Tokenizer.fromJSON(json)).toThrow(TokenizerFileError);
  });

  it('trains on a real catalogue’s size in seconds', () => {
    const random = new Random(1, 'test/catalogue');
    const letters = 'etaoinshrdlu';
    const vocabulary = Array.from({ length: 8000 }, () =>
      Array.from({ length: 3 + random.int(7) }, () => letters[random.int(letters.length)]).join(''),
    );
    const word = () => vocabulary[Math.floor(vocabulary.length * random.uniform() ** 3)];
    const titles = Array.from({ length: 10_000 }, () => Array.from({ length: 7 }, word).join(' '));
    const started = performance.now();
    const trained = trainTokenizer(titles, 4096);
    const pieces = titles.slice(0, 500).reduce((sum, title) => sum + trained.encode(title).length, 0);
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(pieces / 3500).toBeLessThan(1.6);
  });
});
