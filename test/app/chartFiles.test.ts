import { expect, it } from 'vitest';
import { csvOf, evenly } from '../../src/app/charts/files';
import { isAveraged } from '../../src/app/charts/options';
import { tickLabel } from '../../src/app/charts/ticks';
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

it('writes a column for each series of each run that is drawn, named by the run, at the steps of all', () => {
  const made = (names: string[], rows: [number, number[]][]) => {
    const columns = new Columns(names);
    for (const [x, row] of rows) columns.push(x, row);
    return columns;
  };
  const lines = ['a', 'b'].map((column) => ({ column, label: column.toUpperCase(), color: 'ink' as const }));
  const columns = made(
    ['a', 'b'],
    [
      [1, [1, 2]],
      [2, [3, 4]],
    ],
  );
  const behind = [
    {
      label: 'as the link has it',
      columns: made(
        ['a'],
        [
          [2, [5]],
          [4, [6]],
        ],
      ),
    },
    {
      label: 'tiny: seed 7, not 1',
      columns: made(
        ['b'],
        [
          [1, [Number.NaN]],
          [3, [7]],
        ],
      ),
    },
    { label: 'of other rewards', columns: made(['c'], [[1, [9]]]) },
  ];
  expect(csvOf({ columns, lines, behind })).toBe(
    [
      'step,A (this run),B (this run),A (as the link has it),"B (tiny: seed 7, not 1)"',
      '1,1,2,,',
      '2,3,4,5,',
      '3,,,,7',
      '4,,,6,',
      '',
    ].join('\n'),
  );
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
  expect([-0.5, 0, 0.5, 1].map((tick) => tickLabel(tick, 0.5))).toEqual(['−0.5', '0', '0.5', '1.0']);
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
