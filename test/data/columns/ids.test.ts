import { describe, expect, test } from 'vitest';
import { IdColumn } from '../../../src/data/columns/ids';
import { caseCells, column } from './cells';

const clean = (cell: string) => new IdColumn('user').clean(cell);

test.each([
  '',
  ' ',
  'NaN',
  'nan',
  'NULL',
  'null',
  'None',
  'NA',
  'N/A',
  'nil',
  '\\N',
  'undefined',
  '<NA>',
  '="" ',
])('“%s” is no id', (cell) => {
  expect(clean(cell)).toBeNull();
});

test.each([
  [' U0 ', 'U0'],
  ['u0', 'u0'],
  ['0001388703', '0001388703'],
  ['100.0', '100'],
  ['100.00', '100'],
  ['-1.0', '-1'],
  ['100.5', '100.5'],
  ['1e+05', '100000'],
  ['1.5e+01', '15'],
  ['1.23456789012e+11', '123456789012'],
  ['8.10056e+11', '8.10056E+11'],
  ['5e12', '5e12'],
  ['1E10', '1E10'],
  ['="0012"', '0012'],
  ['Nanna', 'Nanna'],
  ['10.1000/xyz', '10.1000/xyz'],
])('“%s” is “%s”', (cell, id) => {
  expect(clean(cell)).toBe(id);
});

function remarks(name: string, header: string): { ids: Set<string | null>; remarks: string[] } {
  const ids = new IdColumn('item');
  const found = new Set(column(caseCells(name), header).map((cell) => ids.clean(cell)));
  return { ids: found, remarks: ids.remarks() };
}

describe('remarks', () => {
  test('on both forms of whole numbers, which are one id', () => {
    const found = remarks('id-float-suffix-mixed.csv', 'user');
    expect(found.ids.has('100')).toBe(true);
    expect([...found.ids].some((id) => id?.includes('.'))).toBe(false);
    expect(found.remarks.join()).toMatch(/100 and others as 100\.0/);
  });
  test('on ids that a spreadsheet shortened, with how many there are', () => {
    const found = remarks('id-excel-sci.csv', 'item');
    expect(found.remarks.join()).toContain('8.10056E+11');
    expect(found.remarks.join()).toMatch(/hold 1 distinct one,/);
  });
  test('on nothing else', () => {
    expect(remarks('id-leading-zero.csv', 'item')).toMatchObject({ remarks: [] });
    expect(remarks('id-nan-user.csv', 'user').remarks).toEqual([]);
    expect(remarks('id-case-space.csv', 'user').ids.size).toBe(8);
  });
});
