import { describe, expect, test } from 'vitest';
import { type DateOrder, parseTime, type ReadTimes, TimeColumn } from '../../../src/data/columns/times';
import { caseCells, column } from './cells';

const at = Date.UTC;

function read(cells: readonly string[], order?: DateOrder): ReadTimes {
  const times = new TimeColumn(order);
  cells.forEach((cell, index) => {
    times.add(cell, index + 2);
  });
  return times.finish();
}

const timesOf = (cells: readonly string[]) => [...read(cells).times];

describe('one form', () => {
  test.each([
    ['1262304000', at(2010, 0, 1)],
    ['1262304000.5', at(2010, 0, 1, 0, 0, 0, 500)],
    ['1.262304e+9', at(2010, 0, 1)],
    ['1262304000123', at(2010, 0, 1, 0, 0, 0, 123)],
    ['1262304000123456', at(2010, 0, 1) + 123.456],
    ['1262304000123000000', at(2010, 0, 1, 0, 0, 0, 123)],
    ['2010-01-01', at(2010, 0, 1)],
    ['2010-1-1 8:26', at(2010, 0, 1, 8, 26)],
    ['2010-01-01T10:15:30.250Z', at(2010, 0, 1, 10, 15, 30, 250)],
    ['2010-01-01 10:15:30+00', at(2010, 0, 1, 10, 15, 30)],
    ['2010-01-01 10:15:30.5+0530', at(2010, 0, 1, 4, 45, 30, 500)],
    ['2010-01-01T10:15:30-03:30', at(2010, 0, 1, 13, 45, 30)],
    ['2010-01-01 10:15:30 UTC', at(2010, 0, 1, 10, 15, 30)],
    ['2010-01-01 10:15:30 +0000 UTC', Number.NaN],
    ['2010-01-01T10:15:30Z[UTC]', at(2010, 0, 1, 10, 15, 30)],
    ['2010-01-01 10:15 PST', at(2010, 0, 1, 18, 15)],
    ['2010-01-01 24:00', at(2010, 0, 2)],
    ['20100101T101530Z', at(2010, 0, 1, 10, 15, 30)],
    ['20191001', at(2019, 9, 1)],
    ['20191001101500', at(2019, 9, 1, 10, 15)],
    ['20191001 10:15', at(2019, 9, 1, 10, 15)],
    ['20191001 101500', at(2019, 9, 1, 10, 15)],
    ['2017/01/03 10:00', at(2017, 0, 3, 10)],
    ['2017.01.03', at(2017, 0, 3)],
    ['2017年1月3日 10:00', at(2017, 0, 3, 10)],
    ['13/2/2017', at(2017, 1, 13)],
    ['2/13/2017', at(2017, 1, 13)],
    ['13.02.17 10:15', at(2017, 1, 13, 10, 15)],
    ['13-02-1998', at(1998, 1, 13)],
    ['11/15/2019 8:55:22 AM', at(2019, 10, 15, 8, 55, 22)],
    ['11/15/2019 12:05 am', at(2019, 10, 15, 0, 5)],
    ['11/15/2019, 12:05 p.m.', at(2019, 10, 15, 12, 5)],
    ['08 28, 2012', at(2012, 7, 28)],
    ['8 2, 2012', at(2012, 7, 2)],
    ['Aug 28, 2012', at(2012, 7, 28)],
    ['August 28, 2012 10:15 PM', at(2012, 7, 28, 22, 15)],
    ['28 Aug 2012', at(2012, 7, 28)],
    ['28-Aug-12', at(2012, 7, 28)],
    ['1st March 2012', at(2012, 2, 1)],
    ['28. August 2012', at(2012, 7, 28)],
    ['Fri, 01 Jan 2010 00:00:00 GMT', at(2010, 0, 1)],
    ['Fri, 1 Jan 2010 10:00:00 +0200', at(2010, 0, 1, 8)],
    ['Friday, January 1, 2010 at 10:00 AM', at(2010, 0, 1, 10)],
    ['Tue Apr 03 18:00:09 +0000 2012', at(2012, 3, 3, 18, 0, 9)],
    ['Tue Apr 03 18:00:09 2012', at(2012, 3, 3, 18, 0, 9)],
    ['Fri Jan 01 2010 10:00:00 GMT+0100 (CET)', at(2010, 0, 1, 9)],
    ['40179.25', at(2010, 0, 1, 6)],
    ['40179', at(2010, 0, 1)],
    ['2016-05-09 00:00:00 10:15', at(2016, 4, 9, 10, 15)],
    ['-1000000000', -1e12],
    ['17', 17],
    ['-5.5', -5.5],
    ['19700', 19700],
  ])('“%s”', (cell, expected) => {
    expect(timesOf([cell, cell])).toEqual([expected, expected]);
  });

  test.each(
    [
      'soon',
      '2010-02-30',
      '2009-02-29',
      '2010-13-01',
      '31/04/2019',
      '13/13/2019',
      '0/1/2019',
      '2010-01-01 25:00',
    ]
      .concat([
        '2010-01-01 10:61',
        '13:99',
        '10:15',
        'Feb 30, 2012',
        '2010-01-01 10:00 XYZ',
        '32 Jan 2010',
        '2010-01-01 13:00 PM',
      ])
      .concat([
        '0x10',
        '1e999',
        'Infinity',
        '-',
        '2017-01-01-01',
        '1/2/3/4',
        `2010-01-01 ${'9'.repeat(200)}`,
      ]),
  )('“%s” is no time', (cell) => {
    const { times, bad } = read(['2019-01-01', cell, '2019-01-02']);
    expect(times[1]).toBeNaN();
    expect([times[0], times[2]]).toEqual([at(2019, 0, 1), at(2019, 0, 2)]);
    expect(bad.map(({ count, rows }) => [count, rows[0]])).toEqual([[1, { row: 3, cell }]]);
  });

  test('does not depend on the zone of the reader', () => {
    const zone = process.env.TZ;
    process.env.TZ = 'America/New_York';
    const read = timesOf(['28 Aug 2012 10:00', '1/13/2012', '2012-08-28']);
    process.env.TZ = zone;
    expect(read).toEqual([at(2012, 7, 28, 10), at(2012, 0, 13), at(2012, 7, 28)]);
  });
});

describe('the order of day and month', () => {
  test('is told by one row', () => {
    const european = read(['03/04/2019', '31/12/2019', '01/02/2019']);
    expect([...european.times]).toEqual([at(2019, 3, 3), at(2019, 11, 31), at(2019, 1, 1)]);
    expect(european).toMatchObject({
      order: 'dmy',
      isAmbiguous: false,
      bad: [],
      words: 'dates, day first, taken as UTC',
    });
    const american = read(['03/04/2019', '12/31/2019']);
    expect([...american.times]).toEqual([at(2019, 2, 4), at(2019, 11, 31)]);
    expect(american).toMatchObject({
      order: 'mdy',
      isAmbiguous: false,
      bad: [],
      words: 'dates, month first, taken as UTC',
    });
  });

  test('is said to be open where no row tells, and a person may choose', () => {
    const cells = ['12/1/2010 8:26', '12/2/2010 8:26', '12/3/2010 8:26'];
    expect(read(cells)).toMatchObject({ order: 'mdy', isAmbiguous: true });
    expect(read(['01.12.2010', '02.12.2010'])).toMatchObject({ order: 'dmy', isAmbiguous: true });
    expect(read(cells, 'dmy')).toMatchObject({ order: 'dmy', isAmbiguous: false });
    expect(read(cells, 'dmy').times[1]).toBe(at(2010, 1, 12, 8, 26));
  });

  test('of most rows holds; the others are bad', () => {
    const { times, bad, order } = read(['31/12/2019', '30/12/2019', '12/29/2019', '01/12/2019']);
    expect(order).toBe('dmy');
    expect(times[2]).toBeNaN();
    expect(bad).toEqual([
      { kind: expect.stringMatching(/other way round/), count: 1, rows: [{ row: 4, cell: '12/29/2019' }] },
    ]);
  });
});

describe('beside others', () => {
  test('a 0 is no time, nor is the year 3269, and nor is a null date', () => {
    const { times, bad } = read([
      '1262304000',
      '0',
      '1262390400',
      '41024448000',
      '1262476800',
      '1262476801',
      '',
    ]);
    expect([...times].map(Number.isNaN)).toEqual([false, true, false, true, false, false, true]);
    expect(bad.map(({ kind, count, rows }) => [kind.slice(0, 12), count, rows[0].row])).toEqual([
      ['no time is g', 1, 8],
      ['a time of 0 ', 1, 3],
      ['a time far f', 1, 5],
    ]);
    const dates = [
      '2010-01-01',
      '1970-01-01',
      '2010-01-02',
      '9999-12-31',
      '2010-01-03',
      '1900-01-01',
      '2010-01-04',
      '2010-01-05',
    ];
    expect(timesOf(dates).map(Number.isNaN)).toEqual([false, true, false, true, false, true, false, false]);
  });

  test('ranks may be 0, and any numbers', () => {
    expect(timesOf(['0', '1', '2', '500'])).toEqual([0, 1, 2, 500]);
    expect(read(['0', '1']).words).toBe('numbers, in their own order');
  });

  test('seconds and milliseconds are both read, and that is said', () => {
    const { times, remarks } = read([
      '1262304000',
      '1262304001',
      '1262304002000',
      '1262304003',
      '1262304004',
    ]);
    expect([...times].map((time) => time - at(2010, 0, 1))).toEqual([0, 1000, 2000, 3000, 4000]);
    expect(remarks.join()).toMatch(/several units.*1 in milliseconds/);
  });

  test('dates and epochs are both read where the epochs fit', () => {
    const { times, remarks, bad } = read(['2010-01-01', '1262390400', '2010-01-03', '17', '2010-01-04']);
    expect([...times]).toEqual([at(2010, 0, 1), at(2010, 0, 2), at(2010, 0, 3), Number.NaN, at(2010, 0, 4)]);
    expect(remarks.join()).toMatch(/two forms: 3 as dates and 2 as numbers/);
    expect(bad).toEqual([
      { kind: expect.stringMatching(/another form/), count: 1, rows: [{ row: 5, cell: '17' }] },
    ]);
  });

  test('a few dates among ranks are bad', () => {
    expect(timesOf(['1', '2', '3', '2010-01-01'])).toEqual([1, 2, 3, Number.NaN]);
  });

  test('some zones and some none are said', () => {
    expect(read(['2010-01-01 10:00Z', '2010-01-01 10:00']).remarks.join()).toMatch(
      /1 time has no zone and 1 has one/,
    );
  });

  test('numbers beside dates are hours, a clock or milliseconds', () => {
    const day = at(2016, 4, 9);
    const offsets = (cells: string[]) =>
      timesOf(cells.map((cell) => `2016-05-09 ${cell}`)).map((time) => time - day);
    expect(offsets(['8', '23'])).toEqual([8 * 3_600_000, 23 * 3_600_000]);
    expect(offsets(['0815', '2330'])).toEqual([(8 * 60 + 15) * 60_000, (23 * 60 + 30) * 60_000]);
    expect(offsets(['0', '1000', '526309'])).toEqual([0, 1000, 526_309]);
  });
});

test('entries that are not kept are gone', () => {
  const times = new TimeColumn();
  ['2010-01-01', '2010-01-02', '13/01/2010', 'x'].forEach((cell, row) => {
    times.add(cell, row);
  });
  times.keep(Uint8Array.of(0, 1, 0, 1));
  const { times: kept, order, bad } = times.finish();
  expect([...kept]).toEqual([at(2010, 0, 2), Number.NaN]);
  expect(order).toBeNull();
  expect(bad).toMatchObject([{ count: 1 }]);
});

test('300,000 entries, across chunks', () => {
  const times = new TimeColumn();
  for (let index = 0; index < 300_000; index++) times.add(String(1_262_304_000 + index), index);
  times.keep(Uint8Array.from({ length: 300_000 }, (_, index) => index % 2));
  const { times: kept } = times.finish();
  expect([kept.length, kept[0], kept[149_999]]).toEqual([150_000, 1_262_304_001_000, 1_262_603_999_000]);
});

describe('the cases', () => {
  test.each([
    'time-excel-serial',
    'time-iso-z',
    'time-ms',
    'time-iso-space-utc',
    'time-rfc-foursquare',
    'time-mixed-iso-epoch',
  ])('%s: eight days from 2010 on', (name) => {
    const { times, bad } = read(column(caseCells(`${name}.csv`), 'time').slice(0, 8));
    expect([...times]).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((day) => at(2010, 0, 1 + day)));
    expect(bad).toEqual([]);
  });

  test('of impossible, zero and far times are counted', () => {
    const bad = (name: string) =>
      read(column(caseCells(name), 'time')).bad.map(({ kind, count }) => [kind, count]);
    expect(bad('time-feb30.csv')).toEqual([['a date that does not exist', 8]]);
    expect(bad('time-zero-epoch.csv')).toEqual([[expect.stringMatching(/^a time of 0/), 8]]);
    expect(bad('time-future.csv')).toEqual([['a time far from all others', 8]]);
  });
});

test.each([
  ['1112484027', 1112484027],
  ['-5.5', -5.5],
  ['1e9', 1e9],
  ['2017-01-28T19:06:53Z', at(2017, 0, 28, 19, 6, 53)],
  ['2017-1-2', at(2017, 0, 2)],
  ['3/4/2017', Number.NaN],
  ['NaN', Number.NaN],
  ['', Number.NaN],
])('alone, %s is %s', (text, expected) => {
  expect(parseTime(text)).toBe(expected);
});
