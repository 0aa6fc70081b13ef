import { describe, expect, test } from 'vitest';
import { eventMeaning, ratingMeaning, readFlag } from '../../../src/data/columns/conversions';
import { caseCells, column } from './cells';

const counted = <Value>(values: readonly Value[]) => {
  const counts = new Map<Value, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
};
const events = (...values: string[]) => eventMeaning(counted(values));

describe('events', () => {
  test.each([
    ['RetailRocket', ['view', 'addtocart', 'transaction'], ['transaction'], []],
    ['REES46', ['view', 'cart', 'purchase', 'remove_from_cart'], ['purchase'], ['remove_from_cart']],
    ['Taobao', ['pv', 'cart', 'fav', 'buy'], ['buy'], []],
    ['Tmall', ['0', '1', '2', '3'], ['2'], []],
    ['Tianchi', ['1', '2', '3', '4'], ['4'], []],
    ['impressions', ['impression', 'click', 'Order'], ['Order'], ['impression']],
    ['flags', ['0', '1'], ['1'], ['0']],
    [
      'words',
      ['Product View', 'Add to Cart', 'Completed Purchase', 'exposure', ''],
      ['Completed Purchase'],
      ['exposure', ''],
    ],
    ['no purchase', ['view', 'add_to_cart'], ['add_to_cart'], []],
    ['clicks alone', ['click'], ['click'], []],
  ])('%s', (_, values, conversions, neither) => {
    const meaning = events(...values);
    expect(meaning.conversions).toEqual(conversions);
    expect(meaning.neither).toEqual(neither);
    expect(meaning.behaviours).toEqual(
      values.filter((value) => ![...conversions, ...neither].includes(value)),
    );
  });

  test('a person may choose, and what is unknown is said', () => {
    expect(eventMeaning(counted(['view', 'cart', 'purchase']), ['cart']).conversions).toEqual(['cart']);
    const { remarks, kind, words } = events('zap', 'buy');
    expect(remarks.join()).toMatch(/“zap” is no event known/);
    expect([kind('zap'), kind('buy')]).toEqual(['behaviour', 'conversion']);
    expect(words).toBe('the event is “buy”');
  });
});

describe('ratings', () => {
  const ratings = (...values: number[]) => ratingMeaning(counted(values));
  test.each([
    [[1, 1, 1], 1],
    [[5, 5], 5],
    [[0, 1, 0], 1],
    [[0.5, 1, 4.5, 5], 4],
    [[1, 2, 3, 4, 5], 4],
    [[1, 5, 10], 8],
    [[10, 50, 90], 80],
    [[0.1, 0.9, 1], 0.8],
    [[-1, 1], 1],
    [[-1, 10, 8, 7], 8],
  ])('%j: from %d on', (values, threshold) => {
    expect(ratings(...values).threshold).toBe(threshold);
  });

  test('one mistyped 500 changes nothing', () => {
    const usual = Array.from({ length: 64 }, (_, index) => 1 + (index % 5));
    const { threshold, scale, converts, remarks, notRated } = ratings(...usual, 500);
    expect([threshold, scale, converts(500), notRated]).toEqual([4, [1, 5], false, [500]]);
    expect(remarks.join()).toMatch(/1 rating of 500/);
  });

  test('all equal ones tell nothing, and that is said', () => {
    const { converts, remarks } = ratings(1, 1);
    expect(converts(1)).toBe(true);
    expect(remarks.join()).toMatch(/tells nothing/);
  });

  test('-1 is not rated, and a common 0 of ten neither', () => {
    expect(ratings(-1, 10, 8).notRated).toEqual([-1]);
    expect(ratings(0, 0, 5, 8, 10).notRated).toEqual([0]);
    expect(ratings(0, 1, 0).notRated).toEqual([]);
  });

  test('the words tell scale and threshold; a person may choose it', () => {
    expect(ratings(1, 5, 3).words).toBe('the rating is 4 or more, where ratings go from 1 to 5');
    expect(ratingMeaning(counted([1, 5]), 3).converts(3)).toBe(true);
  });

  test.each([
    ['conv-implicit-rating-1.csv', 1],
    ['conv-rating-0-1.csv', 1],
    ['conv-rating-anime.csv', 8],
    ['conv-score-100.csv', 80],
  ])('%s: from %d on', (name, threshold) => {
    expect(ratings(...column(caseCells(name), 'rating').map(Number)).threshold).toBe(threshold);
  });
});

test.each([
  ...['ja', 'Yes', 'TRUE', 'oui', 'si', 'y', 't', '1', '1.0', '2'].map((cell) => [cell, true] as const),
  ...['nein', 'no', 'False', 'non', 'n', 'f', '0', '0.0', '', 'NULL', '-1'].map(
    (cell) => [cell, false] as const,
  ),
  ...['perhaps', '1.2.3', 'yesterday'].map((cell) => [cell, null] as const),
])('the flag “%s” is %s', (cell, flag) => {
  expect(readFlag(cell)).toBe(flag);
});
