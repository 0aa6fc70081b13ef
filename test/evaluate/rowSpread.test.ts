import { expect, it } from 'vitest';
import { MORE_OUTCOMES, OUTCOMES } from '../../src/evaluate/metrics';
import { rowSpreads } from '../../src/evaluate/rowSpread';

/** Of 100 users: who hits at L3 by a rule, and CTCVR; other outcomes are 0. */
function judged(stage: string, hits: (user: number) => boolean, ctcvr: (user: number) => number) {
  const outcomes = new Float32Array(100 * OUTCOMES.length);
  for (let user = 0; user < 100; user++) {
    outcomes[user * OUTCOMES.length + OUTCOMES.indexOf('Category_L3_ACC')] = Number(hits(user));
    outcomes[user * OUTCOMES.length + OUTCOMES.indexOf('CTCVR')] = ctcvr(user);
  }
  return { row: { stage }, outcomes };
}

it('compares each row with the one above it, user by user', () => {
  const half = (user: number) => user % 2 === 0;
  const spreads = rowSpreads([
    judged('warmup', half, (user) => Number(half(user))),
    // The same users and 20 of the others.
    judged(
      'sft',
      (user) => half(user) || user < 40,
      () => 0.5,
    ),
    // As many hits as before, of entirely other users: no change that outlasts luck.
    judged(
      'popo',
      (user) => !half(user) || user < 40,
      () => 0.5,
    ),
  ]);
  const [warmup, sft, popo] = spreads;
  expect(spreads.map(({ stage, from }) => `${stage} after ${from}`)).toEqual([
    'warmup after null',
    'sft after warmup',
    'popo after sft',
  ]);
  expect(warmup.changes).toEqual({});
  // 50 of 100 at 0 or 1: a standard error of 0.0503.
  expect(warmup.ctcvr.low).toBeCloseTo(0.5 - 1.96 * 0.0503, 3);
  expect(warmup.ctcvr.high).toBeCloseTo(0.5 + 1.96 * 0.0503, 3);
  expect(sft.ctcvr).toEqual({ low: 0.5, high: 0.5 });
  const gain = sft.changes.Category_L3_ACC!;
  expect(gain.mean).toBeCloseTo(0.2, 6);
  // Paired, its standard error is 0.04; unpaired it would be 0.068, and the interval would come to .07.
  expect(gain.low).toBeGreaterThan(0.1);
  expect(gain.high).toBeLessThan(0.3);
  const same = popo.changes.Category_L3_ACC!;
  expect(same.mean).toBeCloseTo(0, 6);
  expect(same.low).toBeLessThan(0);
  expect(same.high).toBeGreaterThan(0);
});

it('compares rows by slice too, each slice over its own users', () => {
  // Every fourth user is of the second slice, the third has nobody.
  const slices = {
    names: ['seen', 'composed', 'cold'],
    of: Array.from({ length: 100 }, (_, user) => Number(user % 4 === 1)),
  };
  const rows = [
    judged(
      'sft',
      (user) => user % 4 === 1 && user < 20,
      () => 0.25,
    ),
    judged(
      'popo',
      (user) => user % 4 === 1,
      (user) => (user % 4 === 1 ? 0.25 : 0.5),
    ),
  ];
  const [first, spread] = rowSpreads(rows.map((row) => ({ ...row, slices })));
  expect(first.slices).toBeUndefined();
  expect(spread.slices!.map(({ name, users }) => [name, users])).toEqual([
    ['seen', 75],
    ['composed', 25],
  ]);
  const [seen, composed] = spread.slices!.map(({ changes }) => changes);
  expect(seen.Category_L3_ACC).toMatchObject({ mean: 0, low: 0, high: 0, users: 75 });
  for (const end of ['mean', 'low', 'high'] as const) expect(seen.CTCVR[end]).toBeCloseTo(0.25, 6);
  // 20 of 25 rise: a standard error of .08, where one over all users would be .04.
  expect(composed.Category_L3_ACC.mean).toBeCloseTo(0.8, 9);
  expect(composed.Category_L3_ACC.low).toBeGreaterThan(0.8 - 1.96 * 0.08 - 0.05);
  expect(composed.Category_L3_ACC.low).toBeLessThan(0.8 - 1.96 * 0.04);
  expect(composed.CTCVR).toMatchObject({ mean: 0, low: 0, high: 0, users: 25 });
  // Older checkpoints do not tell slices.
  expect(rowSpreads(rows)[1]).toEqual({ ...spread, slices: undefined });
});

it('compares also what is kept beside the outcomes, where both rows have it', () => {
  const wellFormed = (isValid: (user: number) => boolean) => {
    const more = new Float32Array(100 * MORE_OUTCOMES.length);
    for (let user = 0; user < 100; user++) {
      more[user * MORE_OUTCOMES.length + MORE_OUTCOMES.indexOf('valid_rate')] = Number(isValid(user));
    }
    return {
      ...judged(
        '',
        (user) => user < 50,
        () => 0,
      ),
      more,
    };
  };
  const { more: _, ...older } = wellFormed(() => true);
  const [, first, second, third] = rowSpreads([
    wellFormed((user) => user < 40),
    wellFormed((user) => user < 90),
    older,
    wellFormed(() => true),
  ]);
  const gain = first.changes.valid_rate!;
  expect(gain.mean).toBeCloseTo(0.5, 6);
  expect([gain.low > 0.35, gain.high < 0.65]).toEqual([true, true]);
  expect(first.changes.exact_title_rate).toMatchObject({ mean: 0, low: 0, high: 0 });
  for (const { changes } of [second, third]) {
    expect(changes.valid_rate).toBeUndefined();
    expect(changes.Category_L3_ACC).toMatchObject({ mean: 0 });
  }
});
