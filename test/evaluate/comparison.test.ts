/** What a comparison of rankers is made of: which rows, features, weights and options each part is given, step by step. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { generateWorld } from '../../src/data/world';
import { gainOf, type Judgement, metricsOf } from '../../src/evaluate/judgement';
import { liftOf } from '../../src/evaluate/lift';
import { longTailOf } from '../../src/evaluate/longTail';
import { compareRankers, enhance, FEATURE_SETS, rankingSteps } from '../../src/evaluate/ranking';
import { useSlowPath } from '../../src/gpu/tfjs';
import { Random } from '../../src/numeric/random';
import { auction, drawBids } from '../../src/rank/abTest';
import { FeatureColumns } from '../../src/rank/featureColumns';
import { trainOnlineRanker } from '../../src/rank/onlineRanker';
import { fitQuantiser } from '../../src/rank/quantiser';
import { aucGain, groupedAucGain, rankOf } from '../../src/rank/rankingMetrics';
import { type Enhancement, PLAIN, Requests } from '../../src/rank/requests';
import { type Moments, nearestOthers, type PastMoments, pastMoments } from '../../src/rank/similarUsers';

const SEED = 6;
const DIMENSION = 4;
const hooks = { gate: async () => 'go' as const };
const options = {
  ...{ steps: 5, tuningSteps: 3, batchSize: 16, learningRate: 0.05, embeddingSize: 4 },
  ...{ subspaces: 2, bits: 2 },
};

let world: Dataset;
let later: Dataset;
let said: Moments;
let past: PastMoments;
beforeAll(async () => {
  await useSlowPath();
  world = await generateWorld({
    world: 'tradeoff',
    seed: 4,
    numL1: 1,
    itemsPerL3: 2,
    numUsers: 80,
    numHeldoutUsers: 5,
  });
  later = await world.newcomers!(60);
  const units = (purpose: string, rows: number) => {
    const random = new Random(1, purpose);
    return Float32Array.from(
      Array.from({ length: rows }, () => {
        const vector = Array.from({ length: DIMENSION }, () => random.normal());
        return vector.map((x) => x / Math.hypot(...vector));
      }).flat(),
    );
  };
  const asked = [...later.splits.train, ...later.splits.test];
  said = {
    vectors: units('said', asked.length),
    dimension: DIMENSION,
    users: asked.map(({ user }) => later.users[user].id),
  };
  // Of the last request nothing was said.
  said.vectors.fill(0, (asked.length - 1) * DIMENSION);
  const moments = pastMoments(world, 30, 1);
  past = {
    vectors: units('past', 30),
    dimension: DIMENSION,
    users: moments.examples.map(({ user }) => world.users[user].id),
    behaviours: moments.behaviours,
  };
});

describe('what the model says, as features', () => {
  it('is coded by what was said of the requests that are learnt from, and matched with the past', async () => {
    const trained = later.splits.train.length;
    const made = await enhance({ said, past, trained }, options, SEED, hooks);
    const fitted = { vectors: said.vectors.subarray(0, trained * DIMENSION), dimension: DIMENSION };
    const quantiser = await fitQuantiser(fitted, options, SEED, hooks);
    const codes = await quantiser.encode(said.vectors);
    expect(made.enhancement.codes).toEqual(codes);
    expect([made.enhancement.subspaces, made.enhancement.size]).toEqual([2, 4]);
    expect(made.quantisationError).toBeCloseTo(
      quantiser.error(said.vectors.subarray(trained * DIMENSION), codes.subarray(trained * 2)),
      12,
    );
    const neighbours = await nearestOthers(said, past, SEED, hooks);
    expect(made.neighbours).toEqual(neighbours);
    expect(neighbours.row.at(-1)).toBe(-1);
    expect(made.enhancement.similar).toEqual(
      Array.from(neighbours.row, (row) => (row < 0 ? new Int32Array(0) : past.behaviours[row])),
    );
  });
});

describe('a comparison, part by part', () => {
  it('is of rankers that go on from the past with other features, judged on the same requests', async () => {
    const progress: number[][] = [];
    const watched = { ...hooks, onProgress: (...numbers: number[]) => void progress.push(numbers) };
    const comparison = { dataset: world, deployment: later, said, past };
    const { report, losses } = await compareRankers(comparison, options, SEED, watched);
    expect(rankingSteps(options)).toBe(5 + 5 * 3);
    expect(progress).toEqual([5, 8, 11, 14, 17, 20].map((done) => [done, 20]));

    const { train, test } = later.splits;
    const examples = [...train, ...test];
    const trainRows = train.map((_, row) => row);
    const testRows = test.map((_, row) => train.length + row);
    const { enhancement, neighbours, quantisationError } = await enhance(
      { said, past, trained: train.length },
      options,
      SEED,
      hooks,
    );
    const matched = testRows.filter((row) => neighbours.row[row] >= 0);
    expect(matched).toHaveLength(testRows.length - 1);
    const names = matched.map((row) => past.users[neighbours.row[row]]);
    const tail = longTailOf(test);
    expect(report).toMatchObject({
      requests: { train: train.length, test: test.length },
      long_tail_behaviours: tail.behaviours,
      users: { test: new Set(test.map(({ user }) => user)).size, long_tail: tail.users.size },
      distinct_neighbours: new Set(names).size,
      quantisation_error: quantisationError,
    });
    expect(report.similarity).toBeCloseTo(
      matched.reduce((sum, row) => sum + neighbours.cosine[row], 0) / matched.length,
      12,
    );
    expect(report.notes).toHaveLength(1);

    // The past: each moment at which something was shown to a training user, once.
    const { user, historyLength } = world.impressions;
    const moments = [...new Set(Array.from(user, (who, row) => `${who} ${historyLength[row]}`))]
      .map((key) => key.split(' ').map(Number))
      .filter(([who, position]) => position < world.users[who].history.length)
      .map(([who, position]) => ({ user: who, position }));
    const columns = new FeatureColumns(world);
    const earlier = new Requests(world, moments, columns, PLAIN);
    const plain = { intra: false, cross: false };
    const start = await trainOnlineRanker(
      { requests: earlier, rows: moments.map((_, row) => row), features: plain, start: null },
      options,
      SEED,
      hooks,
    );
    // Dealt anew within each part.
    const from = [trainRows, testRows].flatMap((rows, part) =>
      new Random(SEED, 'shuffled features', part).shuffle([...rows]),
    );
    expect(from).not.toEqual([...trainRows, ...testRows]);
    const dealt: Enhancement = {
      ...enhancement,
      codes: Int32Array.from(
        from.flatMap((row) => [enhancement.codes[2 * row], enhancement.codes[2 * row + 1]]),
      ),
      similar: from.map((row) => enhancement.similar[row]),
    };
    const sets = {
      none: plain,
      intra: { intra: true, cross: false },
      cross: { intra: false, cross: true },
      both: { intra: true, cross: true },
      shuffled: { intra: true, cross: true },
    };
    const bids = drawBids(later.items.length, SEED);
    const expectedLosses = [...start.losses];
    const judgements: Judgement[] = [];
    for (const name of FEATURE_SETS) {
      const requests = new Requests(later, examples, columns, name === 'shuffled' ? dealt : enhancement);
      const ranker = await trainOnlineRanker(
        { requests, rows: trainRows, features: sets[name], start },
        { ...options, steps: options.tuningSteps },
        SEED,
        hooks,
      );
      expectedLosses.push(...ranker.losses);
      const { ctr, ctcvr } = await ranker.tables(testRows, hooks);
      ranker.dispose();
      const items = later.items.length;
      const chancesOf = (request: number) => ctcvr.subarray(request * items, (request + 1) * items);
      judgements.push({
        impressions: test.flatMap((example, request) => {
          const slate = requests.slates[testRows[request]];
          return slate.items.map((item, at) => ({
            request,
            user: example.user,
            click: ctr[request * items + item],
            both: ctcvr[request * items + item],
            clicked: slate.clicks[at],
            converted: slate.conversions[at],
          }));
        }),
        ranks: test.map((example, request) => ({
          request,
          rank: rankOf(chancesOf(request), later.users[example.user].history[example.position]),
        })),
        outcomes: test.map((example, request) =>
          auction(
            chancesOf(request),
            bids,
            (item) => later.oracle!.ctcvr(example.user, example.position, item),
            (item) => new Random(SEED, 'auction', example.user, example.position, item).uniform(),
          ),
        ),
      });
    }
    start.dispose();
    expect(losses).toEqual(expectedLosses);

    const isIn = test.map((example) => tail.users.has(example.user));
    const before = judgements[0];
    report.rankers.forEach((ranker, index) => {
      const after = judgements[index];
      expect(ranker.features).toBe(FEATURE_SETS[index]);
      expect(ranker.all).toEqual(metricsOf(after, null));
      expect(ranker.long_tail).toEqual(metricsOf(after, isIn));
      const pairs = { all: null, long_tail: isIn } as const;
      const each = <T>(of: (isIn: readonly boolean[] | null) => T) =>
        index === 0 ? null : { all: of(pairs.all), long_tail: of(pairs.long_tail) };
      expect(ranker.gain).toEqual(each((some) => gainOf(aucGain, { before, after, isIn: some }, SEED)));
      expect(ranker.gauc_gain).toEqual(
        each((some) => gainOf(groupedAucGain, { before, after, isIn: some }, SEED)),
      );
      expect(ranker.lift).toEqual(
        each((some) => liftOf({ before: before.outcomes!, after: after.outcomes!, isIn: some }, test, SEED)),
      );
    });
  });

  it('begins without a past where nothing was shown in it, and stops when it is told to', async () => {
    const impressions = { ...world.impressions, user: new Int32Array(0) };
    const comparison = { dataset: { ...world, impressions }, deployment: later, said, past };
    const { losses } = await compareRankers(comparison, options, SEED, hooks);
    expect(losses).toHaveLength(5 * 3);
    const stop = { gate: async () => 'stop' as const };
    await expect(compareRankers(comparison, options, SEED, stop)).rejects.toThrow('was stopped');
  });
});
