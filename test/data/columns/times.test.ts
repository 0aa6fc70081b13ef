import { expect, test } from 'vitest';
import { parseTime } from '../../../src/data/columns/times';

test.each([
  ['1112484027', 1112484027],
  ['-5.5', -5.5],
  ['1e9', 1e9],
  ['2017-01-28T19:06:53Z', Date.UTC(2017, 0, 28, 19, 6, 53)],
  ['2017-01-28 19:06:53', Date.UTC(2017, 0, 28, 19, 6, 53)],
  ['2017-01-28T19:06:53.250+02:00', Date.UTC(2017, 0, 28, 17, 6, 53, 250)],
  ['2017-01-28T19:06-0330', Date.UTC(2017, 0, 28, 22, 36)],
  ['2017-1-2', Date.UTC(2017, 0, 2)],
  ['2017-01-28 19:06:53 UTC', Date.UTC(2017, 0, 28, 19, 6, 53)],
])('%s is %s', (text, expected) => {
  expect(parseTime(text)).toBe(expected);
});

test.each([
  '',
  'NaN',
  'Infinity',
  '1e999',
  '0x10',
  '3/4/2017',
  '2017-13-01',
  '2017-01-32',
  '2017-01-01T25:00',
  'soon',
])('“%s” is no time', (text) => {
  expect(parseTime(text)).toBeNaN();
});
