import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { generateWorld } from '../../src/data/world';
import { compareRankers, FEATURE_SETS, type RankingReport } from '../../src/evaluate/ranking';
import { useCpu } from '../../src/gpu/tfjs';
import { Random } from '../../src/numeric/random';
import type { Moments } from '../../src/rank/similarUsers';

const DIMENSION = 8;
const hooks = { gate: async () => 'go' as const };
const options = {
  steps: 40,
  tuning_steps: 60,
  batch_size: 32,
  learning_rate: 5e-3,
  embedding_size: 8,
  subspaces: 2,
  bits: 4,
};

let world: Dataset;
let later: Dataset;

/** A model that knows what each visitor is after: the leaf of the item most likely to be bought, and a little noise. */
function knowing(): Moments {
  const examples = [...later.splits.train, ...later.splits.test];
  const vectors = new Float32Array(examples.length * DIMENSION);
  examples.forEach(({ user, position }, row) => {
    const chances = later.items.map((_, item) => later.oracle!.ctcvr(user, position, item));
    const leaf = later.items[chances.indexOf(Math.max(...chances))].categories[2];
    const own = new Random(1, leaf);
    const noise = new Random(1, 'noise', row);
    const vector = Array.from({ length: DIMENSION }, () => own.normal() + 0.05 * noise.normal());
    const length = Math.hypot(...vector);
    vectors.set(
      vector.map((x) => x / length),
      row * DIMENSION,
    );
  });
  return { vectors, users: examples.map(({ user }) => later.users[user].id) };
}

const nobody = { vectors: new Float32Array(0), users: [], behaviours: [] };

beforeAll(async () => {
  await useCpu();
  world = await generateWorld({
    world: 'tradeoff',
    seed: 3,
    num_l1: 1,
    items_per_l3: 2,
    num_users: 200,
    num_heldout_users: 5,
  });
  later = await world.newcomers!(500);
});

describe('a comparison of rankers', () => {
  let report: RankingReport;
  let losses: number[];
  beforeAll(async () => {
    const progress: number[] = [];
    const watched = {
      ...hooks,
      onProgress: (done: number, total: number) => void progress.push(done / total),
    };
    ({ report, losses } = await compareRankers(
      world,
      later,
      knowing(),
      nobody,
      DIMENSION,
      options,
      1,
      watched,
    ));
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
  }, 240_000);

  it('finds features that know what is wanted useful, and the same ones shuffled useless', () => {
    const by = (name: string) => report.rankers.find(({ features }) => features === name)!;
    expect(report.rankers.map(({ features }) => features)).toEqual([...FEATURE_SETS]);
    expect(by('none').gain).toBeNull();
    expect(by('intra').gain!.all.ctcvr.low).toBeGreaterThan(0);
    expect(by('intra').gain!.all.ctcvr.low).toBeGreaterThan(by('shuffled').gain!.all.ctcvr.mean);
    expect(by('intra').all.auc.ctcvr - by('none').all.auc.ctcvr).toBeCloseTo(
      by('intra').gain!.all.ctcvr.mean,
      9,
    );
    // Not "at most 0": an interval of 95 % leaves out 0 now and then.
    expect(by('shuffled').gain!.all.ctr.low).toBeLessThan(0);
    expect(losses).toHaveLength(options.steps + FEATURE_SETS.length * options.tuning_steps);
  });

  it('counts all requests and the long tail, and gives rates, losses and intervals that can be', () => {
    for (const { all, long_tail, gain, lift } of report.rankers) {
      expect(all.requests).toBe(report.requests.test);
      expect(long_tail.requests).toBeGreaterThanOrEqual(0.25 * all.requests);
      expect(long_tail.impressions).toBeLessThan(all.impressions);
      for (const value of [...Object.values(all.auc), ...Object.values(all.gauc), all['HR@10']]) {
        expect(value).toBeGreaterThan(0);
        expect(value).toBeLessThan(1);
      }
      expect(all.gauc.ctr).toBeGreaterThan(0.45);
      expect(all.log_loss.ctcvr).toBeLessThan(all.log_loss.ctr);
      for (const interval of [gain?.all.ctr, gain?.long_tail.ctcvr, lift?.all.revenue.paired]) {
        if (!interval) continue;
        expect(interval.low).toBeLessThanOrEqual(interval.mean);
        expect(interval.high).toBeGreaterThanOrEqual(interval.mean);
      }
    }
    // Chance alone spreads two halves of the users more than what everybody gets from both.
    const { revenue } = report.rankers[1].lift!.all;
    expect(revenue.randomised.high - revenue.randomised.low).toBeGreaterThan(
      revenue.paired.high - revenue.paired.low,
    );
    expect(report.quantisation_error).toBeGreaterThan(0);
    expect(report.quantisation_error).toBeLessThan(0.5);
    expect(report.similarity).toBe(0);
  });

  it('repeats to the bit, and knows no lift where no outcome is known', async () => {
    const short = { ...options, steps: 2, tuning_steps: 2 };
    const run = (of: Dataset) => compareRankers(world, of, knowing(), nobody, DIMENSION, short, 1, hooks);
    const first = await run(later);
    expect(await run(later)).toEqual(first);
    const blind = await run({ ...later, oracle: undefined });
    expect(blind.report.rankers.map(({ lift }) => lift)).toEqual(FEATURE_SETS.map(() => null));
    expect(blind.losses).toEqual(first.losses);
  }, 120_000);
});
