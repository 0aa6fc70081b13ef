import { describe, expect, test } from 'vitest';
import { NumberColumn } from '../../../src/data/columns/numbers';
import { caseCells, column } from './cells';

function read(cells: readonly string[]) {
  const numbers = new NumberColumn();
  const codes = cells.map((cell, row) => numbers.add(cell, row));
  const read = numbers.finish();
  return { ...read, values: codes.map((code) => read.value(code)) };
}

describe('by the whole column', () => {
  test.each([
    [
      ['4.5', '3', '1,234'],
      [4.5, 3, 1234],
    ],
    [
      ['4,5', '3', '1.234'],
      [4.5, 3, 1234],
    ],
    [
      ['4,5', '1,250'],
      [4.5, 1.25],
    ],
    [
      ['1.234,5', '2.000'],
      [1234.5, 2000],
    ],
    [
      ['1,234.5', '2,000'],
      [1234.5, 2000],
    ],
    [
      ['1.234.567', '1.234'],
      [1234567, 1234],
    ],
    [
      ['0,500', '1,500'],
      [0.5, 1.5],
    ],
    [
      ['1.500', '2.250'],
      [1.5, 2.25],
    ],
    [
      ['1,234', '5'],
      [1234, 5],
    ],
    [
      ['€ 1.234,50', '3 €'],
      [1234.5, 3],
    ],
    [
      ['$1,234.50', 'USD 3', '-$2'],
      [1234.5, 3, -2],
    ],
    [
      ['1 234,5', '1 234,5'],
      [1234.5, 1234.5],
    ],
    [
      ["1'234.50", '(5)', '7-', '−3'],
      [1234.5, -5, -7, -3],
    ],
    [
      ['85%', '1e3', '.5', '5.'],
      [85, 1000, 0.5, 5],
    ],
  ])('%j', (cells, expected) => {
    expect(read(cells).values).toEqual(expected);
  });

  test('what is empty is missing, what is no number is bad', () => {
    const { values, missing, bad } = read(['', 'NaN', 'NULL', 'many', '1.2.3', '3']);
    expect(values).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN, 3]);
    expect(missing).toBe(3);
    expect(bad).toEqual([
      {
        kind: 'no number that can be read',
        count: 2,
        rows: [
          { row: 3, cell: 'many' },
          { row: 4, cell: '1.2.3' },
        ],
      },
    ]);
  });

  test('what no row tells is said, and what is mixed', () => {
    expect(read(['1,234']).remarks.join()).toMatch(/taken for thousands/);
    expect(read(['4,5', '4.5']).remarks.join()).toMatch(/mixed: 1/);
    expect(read(['4,5', '4.5']).values).toEqual([4.5, 4.5]);
  });
});

test('the case with decimal commas', () => {
  const { values, words } = read(column(caseCells('num-decimal-comma.csv', ';'), 'rating'));
  expect(new Set(values)).toEqual(new Set([3, 4.5]));
  expect(words).toMatch(/comma/);
});
