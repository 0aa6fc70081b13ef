import { expect, it } from 'vitest';
import { csvOf, evenly } from '../../src/app/charts/files';
import { isAveraged, tickLabel } from '../../src/app/charts/options';
import { Columns } from '../../src/app/state/columns';

it('writes all rows of a chart, raw, in the order of its lines, and leaves empty what was not measured', () => {
  const columns = new Columns(['a', 'other', 'b']);
  columns.push(0, [0.5, 9, Number.NaN]);
  columns.push(10, [0.25, 9, 1e-7]);
  const lines = [
    { column: 'b', label: 'cos(g_s, g_id)', color: 'ink' as const },
    { column: 'a', label: 'loss', color: 'id' as const },
  ];
  expect(csvOf({ columns, lines })).toBe('step,"cos(g_s, g_id)",loss\n0,,0.5\n10,1e-7,0.25\n');
});

it('takes rows evenly, both ends among them', () => {
  expect(evenly(3, 24)).toEqual([0, 1, 2]);
  expect(evenly(101, 5)).toEqual([0, 25, 50, 75, 100]);
});

it('labels ticks with as many digits as tell them apart', () => {
  expect([0.43, 0.4305, 0.431].map((tick) => tickLabel(tick, 0.0005))).toEqual([
    '0.4300',
    '0.4305',
    '0.4310',
  ]);
  expect([0, 0.5, 1].map((tick) => tickLabel(tick, 0.5))).toEqual(['0', '0.5', '1.0']);
  expect([2, 4].map((tick) => tickLabel(tick, 2))).toEqual(['2', '4']);
  expect([0.45, 0.475, 0.5].map((tick) => tickLabel(tick, 0.025))).toEqual(['0.450', '0.475', '0.500']);
  expect([0.0005, 0.001].map((tick) => tickLabel(tick, 0.0005))).toEqual(['0.0005', '0.0010']);
  expect([0.00005, 0.0001].map((tick) => tickLabel(tick, 0.00005))).toEqual(['5e-5', '1e-4']);
  expect(tickLabel(25_000, 5000)).toBe('2.5e+4');
  // A logarithmic axis leaves some out.
  expect([0.1, null, 3].map((tick) => tickLabel(tick, 0))).toEqual(['0.1', '', '3']);
});

it('draws a noisy line twice, unless nothing is averaged', () => {
  const line = { column: 'a', label: 'a', color: 'ink' as const };
  expect(isAveraged({ ...line, smooth: true }, 0.15)).toBe(true);
  expect(isAveraged({ ...line, smooth: true }, 1)).toBe(false);
  expect(isAveraged(line, 0.15)).toBe(false);
});
