import { describe, expect, test } from 'vitest';
import { categoryReader } from '../../../src/data/columns/categories';
import { decodeEntities } from '../../../src/data/columns/entities';
import { caseCells, column } from './cells';

const levels = (...cells: string[]) => {
  const reader = categoryReader(new Set(cells));
  return cells.map((cell) => reader.levels(cell));
};

describe('by the whole column', () => {
  test.each([
    ['A > B > C', ['A', 'B', 'C']],
    ['A &gt; B', ['A', 'B']],
    ['A >> B', ['A', 'B']],
    ['Toys &amp; Games | Cars', ['Toys & Games', 'Cars']],
    ['Toys &amp; Games', ['Toys & Games']],
    ['a;b', ['a', 'b']],
    ['/a/b/c', ['a', 'b', 'c']],
    ['electronics.audio.headphone', ['electronics', 'audio', 'headphone']],
    ['Dr. No', ['Dr. No']],
    ['Home, Kitchen, Pans', ['Home', 'Kitchen', 'Pans']],
    ['Clothing, Shoes & Jewelry', ['Clothing, Shoes & Jewelry']],
    ['["Clothing, Shoes & Jewelry", "Women"]', ['Clothing, Shoes & Jewelry', 'Women']],
    ["['Women\\'s', \"Men's\", None]", ["Women's", "Men's"]],
    ["['Women's Shoes', 'Boots']", ["Women's Shoes", 'Boots']],
    ["[['Books', 'Fiction'], ['Gifts']]", ['Books', 'Fiction']],
    ["['Drama' 'Comedy']", ['Drama', 'Comedy']],
    ["[{'id': 18, 'name': 'Drama'}, {'id': 35, 'name': 'Comedy'}]", ['Drama', 'Comedy']],
    ['["Clothing >> Women\'s Clothing >> Lingerie"]', ['Clothing', "Women's Clothing", 'Lingerie']],
    ['{Home,"Kitchen Tools"}', ['Home', 'Kitchen Tools']],
    ['(Adult) Books', ['(Adult) Books']],
    ['A > B | C > D', ['A', 'B']],
    ['[]', []],
    ['[nan]', []],
    ['(no genres listed)', []],
    ['NULL', []],
    ['', []],
  ])('%s', (cell, expected) => {
    expect(levels(cell)).toEqual([expected]);
  });

  test('a comma is part of a name beside a stronger mark, and where parts do not recur', () => {
    expect(levels('Clothing, Shoes & Jewelry > Women', 'Toys')[0]).toEqual([
      'Clothing, Shoes & Jewelry',
      'Women',
    ]);
    const names = [
      'Clothing, Shoes & Jewelry',
      'Arts, Crafts & Sewing',
      'Toys & Games',
      'Patio, Lawn & Garden',
    ];
    expect(levels(...names)).toEqual(names.map((name) => [name]));
  });

  test('Yelp’s lists are split', () => {
    const cells = [
      'Restaurants, Bars, Nightlife',
      'Restaurants, Pizza',
      'Shopping, Home Services, Beauty & Spas',
      'Bars, Nightlife',
    ];
    expect(levels(...cells)[2]).toEqual(['Shopping', 'Home Services', 'Beauty & Spas']);
  });

  test('a slash within names does not split', () => {
    expect(levels('Crushed/Cubed Ice', 'Milk', 'Bread', 'Eggs')[0]).toEqual(['Crushed/Cubed Ice']);
  });

  test('RecBole’s sequences are split at spaces, and only they', () => {
    expect(categoryReader(['Action Comedy'], 'token_seq').levels('Action Comedy')).toEqual([
      'Action',
      'Comedy',
    ]);
    expect(levels('Action Comedy')).toEqual([['Action Comedy']]);
  });

  test('says how', () => {
    expect(categoryReader(['a > b']).words).toBe('levels between “>”');
    expect(categoryReader(["['a']", '[]']).words).toBe('lists');
    expect(categoryReader(['']).words).toBe('no categories');
  });

  test('a cell without end takes no time', () => {
    const start = performance.now();
    levels(
      `[${'['.repeat(50_000)}`,
      `['${"a'".repeat(50_000)}`,
      `${'>'.repeat(50_000)}`,
      `a${' '.repeat(50_000)}b`,
    );
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

test.each([
  ['cat-comma', ['Home', 'Kitchen', 'Pans 0']],
  ['cat-python-nested', ['Books', 'Fiction', 'Kind 0']],
  ['cat-python-list', ['Clothing, Shoes & Jewelry', 'Women', 'Dresses 0']],
  ['cat-dots', ['electronics', 'audio', 'headphone0']],
  ['cat-amp-entity', ['Toys & Games']],
  ['cat-empty-list', []],
])('%s', (name, expected) => {
  const cells = column(caseCells(`${name}.csv`), 'categories');
  expect(categoryReader(new Set(cells)).levels(cells[0])).toEqual(expected);
});

test.each([
  ['Tom &amp; Jerry&#39;s &quot;Fun&quot;&nbsp;&#x41;', 'Tom & Jerry\'s "Fun" A'],
  ['Caf&eacute; &Uuml;ber &szlig; &ntilde;', 'Café Über ß ñ'],
  ['R&amp;amp;D', 'R&D'],
  ['AT&T; &bogus; &#0; &#x110000; & &;', 'AT&T; &bogus; &#0; &#x110000; & &;'],
])('%s is decoded', (text, expected) => {
  expect(decodeEntities(text)).toBe(expected);
});
