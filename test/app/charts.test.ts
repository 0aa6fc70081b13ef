/** What charts are told: which columns other runs share, how far axes go, and what becomes a point. */
import { describe, expect, it } from 'vitest';
import { behindOf, isOfPoints } from '../../src/app/charts/options';
import { sharesRange, stepRange, valueRange } from '../../src/app/charts/ranges';
import { Columns } from '../../src/app/state/columns';
import { createRunView } from '../../src/app/state/runView';
import type { RewardName } from '../../src/popo/rewards';
import { defaultConfig } from '../../src/run/presets';
import { fakePopoSteps } from '../page/fakeTrainer';

it('names what is measured of two rewards by them, whatever other rewards a run has and in whatever order', () => {
  const config = defaultConfig();
  const rewards: RewardName[] = ['novelty', 'id', 'semantic'];
  config.popo = { ...config.popo, rewards, reward_weights: [0.2, 0.3, 0.5] };
  const [step] = fakePopoSteps(config, 1);
  let now = 0;
  const { popo, receive } = createRunView(
    (callback) => callback(),
    () => (now += 200),
    () => rewards,
    (_, message) => expect.fail(message),
  );
  receive({ type: 'popo', step });
  // Pairs come as (novelty, id), (novelty, semantic), (id, semantic).
  expect(popo.last('cosine_id_novelty')).toBe(step.gradCosines![0]);
  expect(popo.last('cosine_semantic_novelty')).toBe(step.gradCosines![1]);
  expect(popo.last('cosine_semantic_id')).toBe(step.gradCosines![2]);
  // Row by row: row 1 is of id, and its column 2 of semantic.
  expect(popo.last('covariance_semantic_id')).toBe(step.covariance![1 * 3 + 2]);
  expect(popo.last('covariance_id_novelty')).toBe(step.covariance![1]);
  expect(popo.last('covariance_semantic_format')).toBeNull();
});

it('draws of another run the lines that it has, in the dashes of its place', () => {
  const lines = ['a', 'b'].map((column) => ({ column, label: column, color: 'ink' as const }));
  const made = (names: string[], row: number[]) => {
    const columns = new Columns(names);
    columns.push(0, row);
    return columns;
  };
  const [other, one] = [made(['other'], [1]), made(['b', 'a'], [1, Number.NaN])];
  const chart = { title: '', empty: '', columns: one, lines };
  const behind = [other, one].map((columns, at) => ({ label: `run ${at}`, columns }));
  expect(behindOf({ ...chart, behind })).toEqual([
    { label: 'run 1', columns: one, lines: [lines[1]], dash: [8, 4] },
  ]);
});

describe('an axis of shares', () => {
  const two = (low: number | null, high: number | null) => valueRange(low, high, sharesRange(2));

  it('shows two that are nearly equal large, and equal ones or none with a tenth around them', () => {
    expect(two(0.48, 0.52)).toEqual([0.45, 0.55]);
    expect(two(0.5, 0.5)).toEqual([0.45, 0.55]);
    expect(two(null, null)).toEqual([0.45, 0.55]);
    expect(valueRange(null, null, sharesRange(4))).toEqual([0.2, 0.3]);
    expect(valueRange(1 / 3, 1 / 3, sharesRange(3))).toEqual([0.25, 0.4]);
  });

  it('goes as far as the values, to round ends, and never beyond 0 and 1', () => {
    expect(two(0.44, 0.56)).toEqual([0.4, 0.6]);
    expect(two(0.23, 0.77)).toEqual([0.2, 0.8]);
    expect(two(0, 1)).toEqual([0, 1]);
    expect(two(-1e-8, 1 + 1e-7)).toEqual([0, 1]);
    // One reward has the whole weight.
    expect(valueRange(1, 1, sharesRange(1))).toEqual([0.95, 1]);
    // Equal shares stay on it when all that is drawn lies to one side.
    expect(two(0.7, 0.72)).toEqual([0.45, 0.75]);
  });

  it('stands still while values move between its ends, or reach one but for rounding', () => {
    for (let high = 0.551; high < 0.6; high += 0.007) expect(two(1 - high, high)).toEqual([0.4, 0.6]);
    expect(two(0.4 - 1e-9, 0.6 + 1e-9)).toEqual([0.4, 0.6]);
  });
});

it('gives values room beyond free ends, and one that stands alone a frame of its own size', () => {
  expect(valueRange(0, 1)).toEqual([-0.08, 1.08]);
  expect(valueRange(0.5, 2, [0, null])).toEqual([0, 2.16]);
  expect(valueRange(0.2, 0.3, [-1, 1])).toEqual([-1, 1]);
  expect(valueRange(2, 2)).toEqual([1.6, 2.4]);
});

it('has one axis of steps over all that stand together, with one point as with many', () => {
  const at = (...steps: number[]) => {
    const columns = new Columns(['a']);
    for (const step of steps) columns.push(step, [1]);
    return columns;
  };
  expect(stepRange([at(0), at(0, 1, 2, 3, 4)])).toEqual([0, 4]);
  expect(stepRange([at(2, 3), at(), at(0, 150)])).toEqual([0, 150]);
  expect(stepRange([at(0)])).toEqual([0, 1]);
  expect(stepRange([at()])).toEqual([0, 1]);
});

it('shows as points what is too little for a line, whatever else stands at those steps', () => {
  const data: [number[], ...(number | null | undefined)[][]] = [
    [0, 1, 2],
    [null, 0.5, undefined],
    [0.1, null, 0.2],
  ];
  expect([1, 2].map((series) => isOfPoints(1)({ data }, series))).toEqual([true, false]);
  expect(isOfPoints(15)({ data }, 2)).toBe(true);
});
