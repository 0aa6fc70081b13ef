import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Dataset, type Example, type Item, targetItem } from '../../src/data/dataset';
import { generateWorld, type WorldOptions } from '../../src/data/world';
import { corpus, PromptFormat } from '../../src/text/prompt';
import { trainTokenizer } from '../../src/text/tokenizer';

const tinyWorld: WorldOptions = {
  world: 'tradeoff',
  seed: 7,
  numL1: 2,
  itemsPerL3: 3,
  numUsers: 200,
  numHeldoutUsers: 40,
};
const data = await generateWorld(tinyWorld);
const TEACHER = ['saw', 'intend', 'need'];
const tokenizer = trainTokenizer(corpus(data, TEACHER), 320);
const options = { historyLength: 3, maxPromptLength: 32, maxCompletionLength: 24 };
const format = new PromptFormat(data, tokenizer, options);
const { think, endThink, answer, endAnswer, separator } = tokenizer.special;
const COT = 'saw Cribs intend Outings need Strollers';

/** A small catalogue with the awkward things that imported data has. */
function imported(items: Item[], history: number[], profile = ''): Dataset {
  const users = [{ id: 'a', profile, history: Int32Array.from(history) }];
  const example = { sampleId: 's', user: 0, position: history.length - 1 };
  const none = new Int32Array(0);
  return {
    id: 'test',
    sha256: '',
    items,
    users,
    impressions: {
      user: none,
      item: none,
      historyLength: none,
      click: new Uint8Array(0),
      conversion: new Uint8Array(0),
    },
    splits: { train: [example], validation: [], test: [] },
    facts: [],
    notes: [],
  };
}

describe('corpus', () => {
  it('holds the catalogue, the facts, the teacher’s words and no held-out behaviour', () => {
    const texts = corpus(data, TEACHER);
    for (const text of [...data.facts, ...TEACHER]) expect(texts).toContain(text);
    const item = (title: string): Item => ({ id: title, title, categories: ['x', 'y', 'z'] });
    const leaveOneOut = imported([item('early'), item('middle'), item('late')], [0, 1, 2], 'me');
    leaveOneOut.splits.train[0].position = 1;
    const count = (title: string) => corpus(leaveOneOut).filter((text) => text === `${title} x y z`).length;
    expect([count('early'), count('middle'), count('late')]).toEqual([2, 2, 1]);
  });

  it('gives every word of a world one token, within the preset’s vocabulary', async () => {
    const small = await generateWorld({ ...tinyWorld, numL1: 4, itemsPerL3: 6 });
    for (const [world, bound, n, longest] of [
      [data, 256, 3, 43],
      [small, 320, 6, 64],
    ] as const) {
      const trained = trainTokenizer(corpus(world, TEACHER), bound);
      const texts = [...world.items.flatMap((item) => [item.title, ...item.categories]), ...TEACHER];
      for (const word of texts.flatMap((text) => text.split(' '))) {
        expect(trained.encode(word), word).toHaveLength(1);
      }
      const lengths = { historyLength: n, maxPromptLength: 64, maxCompletionLength: 32 };
      const formatted = new PromptFormat(world, trained, lengths);
      const total = world.splits.test.map((example) => formatted.example(example, COT).tokens.length);
      expect(Math.max(...total)).toBe(longest);
    }
  });
});

describe('PromptFormat', () => {
  const example = data.splits.test[0];
  const history = data.users[example.user].history;

  it('writes the profile, then the newest behaviours first', () => {
    const newest = [1, 2, 3].map((back) => data.items[history[example.position - back]]);
    const shown = newest.map((item) => `<sep> ${item.title} ${item.categories.join(' ')}`).join('');
    expect(format.promptText(example)).toBe((data.users[example.user].profile + shown).toLowerCase());
    expect(tokenizer.encode(format.promptText(example))).toEqual(format.prompt(example));
  });

  it('shows nothing of the behaviour that is asked for', () => {
    for (const one of data.splits.train.slice(0, 200)) {
      const before = {
        ...data.users[one.user],
        history: data.users[one.user].history.slice(0, one.position),
      };
      const users = data.users.map((user, index) => (index === one.user ? before : user));
      expect(new PromptFormat({ ...data, users }, tokenizer, options).prompt(one)).toEqual(
        format.prompt(one),
      );
    }
  });

  it('reads back every answer it writes, with and without a CoT', () => {
    data.items.forEach((item, index) => {
      for (const cot of [null, COT]) {
        const parsed = format.parse(format.completion(cot, index));
        expect(parsed).toEqual({
          think: cot === null ? null : cot.toLowerCase(),
          answer: `${item.title} ${item.categories.join(' ')}`.toLowerCase(),
          title: item.title.toLowerCase(),
          categories: item.categories,
          item: index,
          valid: true,
          coherent: true,
        });
        expect(format.categoryHits(parsed.categories, index)).toEqual([true, true, true]);
      }
    });
    expect(format.categoryHits(null, 0)).toEqual([false, false, false]);
    expect(format.categoryHits(['baby', 'Nursery', 'sofas'], 0)).toEqual([true, true, false]);
  });

  it('puts the completion after the prompt', () => {
    const { tokens, promptLength } = format.example(example, COT);
    expect(tokens.slice(0, promptLength)).toEqual(format.prompt(example));
    expect(tokens.slice(promptLength)).toEqual(format.completion(COT, targetItem(data, example)));
    expect(tokens[promptLength]).toBe(think);
    expect(format.example(example, null).tokens[promptLength]).toBe(answer);
  });

  it('drops the oldest behaviours first, and keeps the newest', () => {
    const full = new PromptFormat(data, tokenizer, { ...options, maxPromptLength: 999 }).prompt(example);
    for (let maxPromptLength = 12; maxPromptLength < full.length; maxPromptLength++) {
      const cut = new PromptFormat(data, tokenizer, { ...options, maxPromptLength }).prompt(example);
      expect(cut.length).toBeLessThanOrEqual(maxPromptLength);
      expect(cut).toEqual(full.slice(0, cut.length));
      const rest = full.slice(cut.length);
      expect(rest[0]).toBe(separator);
      expect(cut.length + 7).toBeGreaterThan(maxPromptLength);
    }
    const least = new PromptFormat(data, tokenizer, { ...options, maxPromptLength: 6 }).prompt(example);
    expect(least).toEqual(full.slice(0, 6));
  });

  it('cuts the CoT, never the answer', () => {
    const whole = format.answer(5);
    for (let room = whole.length; room < whole.length + 10; room++) {
      const tight = new PromptFormat(data, tokenizer, { ...options, maxCompletionLength: room });
      const completion = tight.completion(COT, 5);
      expect(completion.length).toBeLessThanOrEqual(room);
      expect(completion.slice(-whole.length)).toEqual(whole);
      expect(tight.parse(completion)).toMatchObject({ item: 5, valid: true });
    }
    expect(() => new PromptFormat(data, tokenizer, { ...options, maxCompletionLength: 8 })).toThrow(
      /max_completion_length/,
    );
  });

  it('cuts a title that is too long, and still resolves it', () => {
    const tight = new PromptFormat(data, tokenizer, { ...options, maxCompletionLength: 10 });
    const parsed = tight.parse(tight.answer(5));
    expect(tight.answer(5)).toHaveLength(10);
    expect(parsed.valid).toBe(true);
    expect(data.items[parsed.item].categories).toEqual(data.items[5].categories);
    expect(tight.longestAnswer).toBe(11);
  });

  it('tells items of equal titles apart by category, and takes the first otherwise', () => {
    const items: Item[] = [
      { id: '1', title: 'Milk', categories: ['Food', 'Dairy', 'Fresh'] },
      { id: '2', title: 'MILK ', categories: ['Food', 'Dairy', 'Dried'] },
      { id: '3', title: '<answer>Oops</answer>', categories: ['<sep>', 'Dairy', 'Fresh'] },
    ];
    const catalogue = imported(items, [0, 1, 2]);
    const trained = trainTokenizer(corpus(catalogue), 200);
    const own = new PromptFormat(catalogue, trained, {
      ...options,
      maxPromptLength: 200,
      maxCompletionLength: 80,
    });
    for (let item = 0; item < 3; item++) expect(own.parse(own.answer(item)).item).toBe(item);
    const mixed = trained.encode('<answer>milk<sep>food<sep>dairy<sep>frozen</answer>');
    expect(own.parse(mixed)).toMatchObject({ item: 0, valid: true, categories: ['Food', 'Dairy', 'frozen'] });
    const unknown = trained.encode('<answer>honey<sep>food<sep>dairy<sep>fresh</answer>');
    expect(own.parse(unknown)).toMatchObject({ item: -1, valid: true, title: 'honey' });
    const first: Example = { sampleId: '', user: 0, position: 0 };
    expect(own.prompt(first)).toEqual([trained.special.separator]);
  });

  it('calls malformed what is malformed', () => {
    const good = format.answer(3);
    const title = good.slice(1, good.indexOf(separator));
    const bad: Record<string, number[]> = {
      nothing: [],
      'no end': good.slice(0, -1),
      'no start': good.slice(1),
      'text before': [...title, ...good],
      'three fields': [answer, ...title, separator, ...title, separator, ...title, endAnswer],
      'five fields': [...good.slice(0, -1), separator, ...title, endAnswer],
      'empty field': [answer, ...title, separator, separator, ...title, separator, ...title, endAnswer],
      'open think': [think, ...title, ...good],
      'think in answer': [...good.slice(0, 2), think, ...good.slice(2)],
      'two thinks': [think, endThink, think, endThink, ...good],
      'outside the vocabulary': [1e6, -1, 0.5],
    };
    for (const [name, tokens] of Object.entries(bad)) {
      expect(format.parse(tokens), name).toMatchObject({ item: -1, valid: false, categories: null });
    }
    expect(format.parse(good.slice(0, -1)).title).toBe(data.items[3].title.toLowerCase());
    expect(format.parse([think, ...title]).think).toBe(data.items[3].title.toLowerCase());
    expect(format.parse([think, endThink, ...good])).toMatchObject({ think: '', item: 3, valid: true });
    expect(format.parse(Uint32Array.from([...good, 0, 0]))).toMatchObject({ item: 3, valid: true });
  });

  it('never throws on garbage, and resolves only what it calls valid', () => {
    const token = fc.oneof(
      fc.integer({ min: 0, max: 10 }),
      fc.integer({ min: -2, max: tokenizer.vocabSize + 2 }),
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 30 }), (tokens) => {
        const parsed = format.parse(tokens);
        if (parsed.item >= 0) expect(parsed.valid).toBe(true);
        expect(parsed.valid).toBe(parsed.categories !== null);
      }),
      { numRuns: 1000 },
    );
  });
});
