import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { phrase, shortNames, threeLevels, uniqueTitles, words } from '../../../src/data/columns/titles';

describe('words', () => {
  test.each([
    ['ICE - CRUSHED/CUBED, 22 LB', 'ice crushed cubed 22 lb'],
    ['  Crème brûlée (100% ORGANIC) | <new>', 'crème brûlée 100% organic new'],
    ['65+ 13.25 OZ. don’t', "65+ 13.25 oz don't"],
    ['ｆｕｌｌ ｗｉｄｔｈ 東京', 'full width 東京'],
    ['—', ''],
    ['Women’s / Women‘s / Womenʼs', "women's women's women's"],
    ['‘quoted’', 'quoted'],
    ['Tom &amp; Jerry&#39;s &quot;Fun&quot; 0', "tom jerry's fun 0"],
    ['کتاب‌های 0', 'کتاب‌های 0'],
    ['soft\u00adhyphen', 'softhyphen'],
  ])('%s', (text, expected) => {
    expect(words(text).join(' ')).toBe(expected);
  });
  test('are short, lower-case and free of marks that the prompt uses, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        for (const word of words(text)) {
          expect(Array.from(word).length).toBeLessThanOrEqual(24);
          expect(word).toMatch(/^[^\s|<>"]+$/u);
        }
      }),
    );
  });
});

test('phrases are cut by words', () => {
  expect(phrase(['One two', 'three four'], 3)).toBe('one two three');
});

test('categories are filled from their parents', () => {
  expect(threeLevels(['Home', 'Bed', 'Sheets', 'Cotton'])).toEqual(['home', 'bed', 'sheets']);
  expect(threeLevels(['Home', ' ', 'Bed'])).toEqual(['home', 'bed', 'bed']);
  expect(threeLevels(['Home'])).toEqual(['home', 'home', 'home']);
  expect(threeLevels([])).toEqual(['unknown', 'unknown', 'unknown']);
});

test('short names stay distinct and no longer than needed', () => {
  const names = new Set([
    'frozen pizza thin crust',
    'frozen pizza thick crust',
    'frozen peas',
    'milk',
    'frozen pizza',
  ]);
  expect(Object.fromEntries(shortNames(names, 1))).toEqual({
    'frozen pizza thin crust': 'frozen pizza thin',
    'frozen pizza thick crust': 'frozen pizza thick',
    'frozen peas': 'frozen peas',
    milk: 'milk',
    'frozen pizza': 'frozen pizza',
  });
  const name = fc
    .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 6 })
    .map((parts) => parts.join(' '));
  fc.assert(
    fc.property(fc.array(name), fc.integer({ min: 1, max: 3 }), (list, least) => {
      const set = new Set(list);
      expect(new Set(shortNames(set, least).values()).size).toBe(set.size);
    }),
  );
});

describe('unique titles', () => {
  test('use hints first, then numbers', () => {
    const items = [
      { title: 'tea', hints: ['maker 1'] },
      { title: 'tea', hints: ['maker 2'] },
      { title: 'tea', hints: ['maker 2'] },
      { title: 'milk', hints: ['maker 1'] },
      { title: 'tea maker 2 no 2', hints: [] },
    ];
    expect(uniqueTitles(items)).toEqual([
      'tea maker 1',
      'tea maker 2',
      'tea maker 2 no 3',
      'milk',
      'tea maker 2 no 2',
    ]);
  });
  test('are unique whatever the titles and hints are', () => {
    const word = fc.constantFrom('a', 'a no 2', 'b', 'a b', 'no 2');
    const item = fc.record({
      title: word,
      hints: fc.array(fc.constantFrom('', 'b', 'no 2'), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 30 }), (items) => {
        const titles = uniqueTitles(items);
        expect(new Set(titles).size).toBe(items.length);
        titles.forEach((title, index) => {
          expect(title.startsWith(items[index].title)).toBe(true);
        });
      }),
    );
  });
  test('tell long titles apart by what differs', () => {
    const start = '超'.repeat(30);
    const items = ['红色大号', '蓝色大号', '蓝色大号'].map((end) => ({
      title: start.slice(0, 24),
      hints: [],
      text: start + end,
    }));
    expect(uniqueTitles(items.slice(0, 2)).map((title) => title.slice(24))).toEqual([' 红', ' 蓝']);
    expect(new Set(uniqueTitles(items)).size).toBe(3);
    const long = ['red', 'blue'].map((end) => ({ title: 'a b c', hints: [], text: `a b c d e ${end} f` }));
    expect(uniqueTitles(long)).toEqual(['a b c red', 'a b c blue']);
  });
  test('of 300,000 items overflow nothing', () => {
    const items = Array.from({ length: 300_000 }, (_, index) => ({
      title: `t ${index % 100_000}`,
      hints: [`${index % 7}`],
    }));
    expect(new Set(uniqueTitles(items)).size).toBe(300_000);
  });
});
