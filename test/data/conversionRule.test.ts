/** What counts as a conversion, by what the file has. */
import { describe, expect, test } from 'vitest';
import type { Role } from '../../src/data/columns/roles';
import { conversionRuleOf, undoReturns } from '../../src/data/conversionRule';
import { InteractionLog } from '../../src/data/interactions';
import type { LogPart } from '../../src/data/layouts/layout';
import { type Mapping, NOTHING_MAPPED } from '../../src/data/mapping';

/** Cells are user, item, then one per role; the row's number is its time. */
function read(
  roles: readonly Role[],
  rows: readonly (readonly string[])[],
  mapping: Mapping = NOTHING_MAPPED,
) {
  const part = { roles: Object.fromEntries(roles.map((role, at) => [role, [at + 2]])) } as unknown as LogPart;
  const reader = conversionRuleOf(part, mapping);
  const log = new InteractionLog();
  const unusable: string[] = [];
  rows.forEach((cells, row) => {
    const value = reader.read(cells, row);
    if (typeof value === 'number') log.add(cells[0], cells[1], row, value);
    else unusable.push(`${row} ${value.problem} (${value.cell})`);
  });
  const rule = reader.finish(log);
  log.keep(Uint8Array.from({ length: log.length }, (_, row) => (rule.isRead(log.value[row]) ? 1 : 0)));
  const returns = undoReturns(log, rule);
  const seen = new Set<string>();
  const converts = Array.from({ length: log.length }, (_, row) => {
    const key = `${log.user[row]} ${log.item[row]}`;
    const isRepeat = seen.has(key);
    seen.add(key);
    return `${log.time[row]}${rule.converts(log.value[row], isRepeat) ? '+' : '-'}`;
  }).join(' ');
  return { rule, converts, unusable, returns };
}

describe('of what a file has, the first decides', () => {
  const all: Role[] = ['conversion', 'event', 'rating', 'quantity'];
  const rows = [
    ['u', 'a', '1', 'view', '1', '1'],
    ['u', 'b', '0', 'purchase', '2', '1'],
    ['u', 'c', '0', 'view', '5', '1'],
    ['u', 'd', '0', 'view', '2', '3'],
  ];
  test.each([
    [0, '0+ 1- 2- 3-', 'its conversion column says so'],
    [1, '0- 1+ 2- 3-', 'the event is “purchase”'],
    [2, '0- 1- 2+ 3-', 'the rating is 4 or more, where ratings go from 1 to 5'],
    [3, '0- 1- 2- 3+', 'two or more were taken, or the user had taken the item before'],
    [4, '0+ 1+ 2+ 3+', 'it happened at all: the file says no more, so CTCVR equals the click rate'],
  ])('without the first %i: %s', (without, expected, words) => {
    const { converts, rule } = read(
      all.slice(without),
      rows.map(([user, item, ...cells]) => [user, item, ...cells.slice(without)]),
    );
    expect(converts).toBe(expected);
    expect(rule.words).toBe(words);
  });
});

test('events say what is a behaviour, a flag beside them what is a conversion', () => {
  const { converts, rule } = read(
    ['event', 'conversion'],
    [
      ['u', 'a', '1', '0'],
      ['u', 'b', '1', '1'],
      ['u', 'c', '0', '0'],
      ['u', 'd', '0', '1'],
      ['u', 'e', '1', '1'],
    ],
  );
  expect(converts).toBe('0- 1+ 4+');
  expect(rule.words).toBe('its conversion column says so');
  expect(rule.neither).toEqual([{ kind: 'the event “0” is no behaviour', rows: 2 }]);
  expect(rule.events).toBeNull();
});

test('events are counted by what they are', () => {
  const events = ['view', 'addtocart', 'purchase', 'remove_from_cart', 'view', 'remove_from_cart'];
  const { rule, converts } = read(
    ['event'],
    events.map((event, item) => ['u', `i${item}`, event]),
  );
  expect(converts).toBe('0- 1- 2+ 4-');
  expect(rule.events).toEqual([
    { value: 'view', rows: 2, meaning: 'behaviour' },
    { value: 'addtocart', rows: 1, meaning: 'behaviour' },
    { value: 'purchase', rows: 1, meaning: 'conversion' },
    { value: 'remove_from_cart', rows: 2, meaning: 'neither' },
  ]);
});

test('purchases and the threshold are a person’s to choose', () => {
  const events = [
    ['u', 'a', 'view'],
    ['u', 'b', 'cart'],
    ['u', 'c', 'purchase'],
  ];
  const chosen = read(['event'], events, { roles: {}, purchases: ['cart', 'view'] });
  expect([chosen.converts, chosen.rule.words]).toEqual(['0+ 1+ 2-', 'the event is “view” or “cart”']);
  const ratings = ['1', '2', '3', '4', '5'].map((rating) => ['u', rating, rating]);
  const told = read(['rating'], ratings, { roles: {}, threshold: 2.5 });
  expect([told.converts, told.rule.threshold?.value]).toEqual(['0- 1- 2+ 3+ 4+', 2.5]);
  expect(read(['rating'], ratings).rule.threshold?.value).toBe(4);
});

test('cells that say nothing, and cells that cannot be read', () => {
  expect(
    read(
      ['conversion'],
      [
        ['u', 'a', ''],
        ['u', 'b', 'maybe'],
        ['u', 'c', 'yes'],
      ],
    ),
  ).toMatchObject({
    converts: '0- 2+',
    unusable: ['1 no conversion that can be read (yes or no) (maybe)'],
  });
  expect(
    read(
      ['rating'],
      [
        ['u', 'a', 'NaN'],
        ['u', 'b', 'good'],
        ['u', 'c', '5'],
        ['u', 'd', '1'],
      ],
    ),
  ).toMatchObject({
    converts: '0- 2+ 3-',
    unusable: ['1 no rating that is a number (good)'],
  });
  expect(
    read(
      ['quantity'],
      [
        ['u', 'a', ''],
        ['u', 'b', 'two'],
        ['u', 'c', '2'],
        ['u', 'a', '1'],
      ],
    ),
  ).toMatchObject({
    converts: '0- 2+ 3+',
    unusable: ['1 no quantity that is a number (two)'],
  });
});

describe('a return', () => {
  test('undoes the last conversion of that user and item before it, and is no behaviour', () => {
    const { converts, returns } = read(
      ['quantity'],
      [
        ['u', 'a', '2'],
        ['v', 'a', '2'],
        ['u', 'b', '2'],
        ['u', 'a', '3'],
        ['u', 'a', '-3'],
        ['u', 'a', '4'],
      ],
    );
    expect(converts).toBe('0+ 1+ 2+ 3- 5+');
    expect(returns).toBe(1);
  });

  test('undoes the purchase, not the view that came after it', () => {
    const rows = [
      ['u', 'a', 'purchase', '1'],
      ['u', 'a', 'view', '1'],
      ['u', 'a', 'purchase', '-1'],
    ];
    expect(read(['event', 'quantity'], rows).converts).toBe('0- 1-');
    const flagged = rows.map(([user, item, event, quantity]) => [
      user,
      item,
      event === 'view' ? '0' : '1',
      quantity,
    ]);
    expect(read(['conversion', 'quantity'], flagged).converts).toBe('0- 1-');
  });

  test('after a return undoes the one before that; without any before it undoes nothing', () => {
    const quantities = ['-1', '2', '2', '-2', '-2', '2'];
    const { converts, returns } = read(
      ['quantity'],
      quantities.map((quantity) => ['u', 'a', quantity]),
    );
    expect(converts).toBe('1- 2- 5+');
    expect(returns).toBe(3);
  });

  test.each(['-1', '−1', '(1)', '- 1'])('is known by %s', (quantity) => {
    const { returns, converts } = read(
      ['event', 'quantity'],
      [
        ['u', 'a', 'purchase', '1'],
        ['u', 'a', 'purchase', quantity],
      ],
    );
    expect([returns, converts]).toEqual([1, '0-']);
  });
});
