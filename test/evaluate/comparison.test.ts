/** What a comparison of rankers is made of: which rows, features, weights and options each part is given, step by step. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { generateWorld } from '../../src/data/world';
import {
  aucGains,
  drawnAucs,
  groupedGains,
  intervalsOf,
  type Judgement,
  metricsOf,
} from '../../src/evaluate/judgement';
import { liftOf } from '../../src/evaluate/lift';
import { longTailOf } from '../../src/evaluate/longTail';
import { compareRankers, enhance, FEATURE_SETS, rankingSteps } from '../../src/evaluate/ranking';
import { useSlowPath } from '../../src/gpu/tfjs';
import { Random } from '../../src/numeric/random';
import { auction, drawBids } from '../../src/rank/abTest';
import { FeatureColumns } from '../../src/rank/featureColumns';
import { trainOnlineRanker } from '../../src/rank/onlineRanker';
import { fitQuantiser } from '../../src/rank/quantiser';
import { rankOf } from '../../src/rank/rankingMetrics';
import { type Enhancement, leaning, PLAIN, Requests } from '../../src/rank/requests';
import {
  crowdsOf,
  type Moments,
  meanCosine,
  type PastMoments,
  pastMoments,
} from '../../src/rank/similarUsers';

const SEED = 6;
const DIMENSION = 4;
const hooks = { gate: async () => 'go' as const };
const options = {
  ...{ steps: 5, tuningSteps: 3, batchSize: 16, learningRate: 0.05, embeddingSize: 4 },
  ...{ subspaces: 2, bits: 2 },
  ...{ embedded: 'whole' as const, whitenAbove: 1, headSteps: 0 },
};

let world: Dataset;
let later: Dataset;
/** Nothing asks for the catalogue’s vectors. */
const NONE = new Float32Array(0);
let said: Moments;
let past: PastMoments;
/** The items named at requests; none at the first. */
let answers: number[];
let columns: FeatureColumns;
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
    next: moments.next,
  };
  answers = asked.map((_, row) => (row % later.items.length) - Number(row === 0));
  columns = new FeatureColumns(world);
});

describe('what the model says, as features', () => {
  it('is coded by what was said of the requests that are learnt from, and matched with the past', async () => {
    const trained = later.splits.train.length;
    const made = await enhance(
      { said, answers, past, itemVectors: NONE, trained, columns },
      options,
      SEED,
      hooks,
    );
    const fitted = { vectors: said.vectors.subarray(0, trained * DIMENSION), dimension: DIMENSION };
    const quantiser = await fitQuantiser(fitted, options, SEED, hooks);
    const codes = await quantiser.encode(said.vectors);
    expect(made.enhancement.codes).toEqual(codes);
    expect([made.enhancement.subspaces, made.enhancement.size]).toEqual([2, 4]);
    expect(made.quantisationError).toBeCloseTo(
      quantiser.error(said.vectors.subarray(trained * DIMENSION), codes.subarray(trained * 2)),
      12,
    );
    const { paths, categoryCount: width } = columns;
    const crowds = await crowdsOf({ requests: said, past, columns: { paths, width } }, hooks);
    expect(made.crowds).toEqual(crowds);
    const { crowd, answer } = made.enhancement;
    const usual = (column: number) =>
      Array.from(past.next).filter((item) => paths[item].includes(column)).length / past.next.length;
    for (const row of [0, 1, 9])
      for (let column = 0; column < width; column++) {
        const share = crowds.shares[row * width + column];
        expect(crowd(row, column)).toBeCloseTo(leaning(share, usual(column)), 5);
        const isNamed = row > 0 && paths[answers[row]].includes(column);
        const lean = row === 0 ? 0 : leaning(Number(isNamed), usual(column));
        expect(answer(row, column)).toBeCloseTo(lean, 5);
      }
    // Of the last request nothing was said: it leans nowhere.
    const last = answers.length - 1;
    expect([crowds.size[last], crowd(last, 0), crowd(last, 3)]).toEqual([0, 0, 0]);
  });
});

describe('a comparison, part by part', () => {
  it('is of rankers that go on from the past with other features, judged on the same requests', async () => {
    const progress: number[][] = [];
    const watched = { ...hooks, onProgress: (...numbers: number[]) => void progress.push(numbers) };
    const kind = ({ position }: { position: number }) => (position % 4 === 0 ? 2 : 0);
    const deployment = { ...later, slices: { names: ['seen', 'composed', 'cold'], of: kind } };
    const comparison = { dataset: world, deployment, said, answers, past, itemVectors: NONE };
    const { report, losses } = await compareRankers(comparison, options, SEED, watched);
    expect(rankingSteps(options)).toBe(5 + 6 * 3);
    expect(progress).toEqual([5, 8, 11, 14, 17, 20, 23].map((done) => [done, 23]));

    const { train, test } = later.splits;
    const examples = [...train, ...test];
    const trainRows = train.map((_, row) => row);
    const testRows = test.map((_, row) => train.length + row);
    const { enhancement, crowds, quantisationError } = await enhance(
      { said, answers, past, itemVectors: NONE, trained: train.length, columns },
      options,
      SEED,
      hooks,
    );
    const matched = testRows.filter((row) => crowds.size[row] > 0);
    expect(matched).toHaveLength(testRows.length - 1);
    const tail = longTailOf(test);
    expect(report).toMatchObject({
      requests: { train: train.length, test: test.length },
      long_tail_behaviours: tail.behaviours,
      users: { test: new Set(test.map(({ user }) => user)).size, long_tail: tail.users.size },
      short_behaviours: 3,
      mean_cosine: meanCosine(past),
      quantisation_error: quantisationError,
    });
    expect(report.similarity).toBeCloseTo(
      matched.reduce((sum, row) => sum + crowds.cosine[row], 0) / matched.length,
      12,
    );
    expect(report.crowd).toBeCloseTo(
      matched.reduce((sum, row) => sum + crowds.size[row], 0) / matched.length,
      9,
    );
    expect(report.notes).toHaveLength(1);

    // The past: each moment at which something was shown to a training user, once.
    const { user, historyLength } = world.impressions;
    const moments = [...new Set(Array.from(user, (who, row) => `${who} ${historyLength[row]}`))]
      .map((key) => key.split(' ').map(Number))
      .filter(([who, position]) => position < world.users[who].history.length)
      .map(([who, position]) => ({ user: who, position }));
    const earlier = new Requests(world, moments, columns, PLAIN);
    const plain = { answer: false, intra: false, cross: false };
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
      crowd: (row, column) => enhancement.crowd(from[row], column),
    };
    const sets = {
      none: plain,
      answer: { ...plain, answer: true },
      intra: { ...plain, intra: true },
      cross: { ...plain, cross: true },
      both: { ...plain, intra: true, cross: true },
      shuffled: { ...plain, intra: true, cross: true },
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
    const isShort = test.map(({ position }) => position <= 3);
    expect(new Set(isShort)).toEqual(new Set([true, false]));
    const aucs = (index: number, some: readonly boolean[] | null) => drawnAucs(judgements[index], some, SEED);
    expect(report.cross_over_answer!.short).toEqual(aucGains(aucs(1, isShort), aucs(3, isShort)));
    // By slice, of the requests that are of it; nobody here is of the second.
    const ofKind = (wanted: number) => test.map((request) => kind(request) === wanted);
    report.rankers.forEach(({ slices }, index) => {
      expect(slices!.map(({ name }) => name)).toEqual(['seen', 'cold']);
      for (const [at, wanted] of [0, 2].entries()) {
        const some = ofKind(wanted);
        const { auc, requests } = metricsOf(judgements[index], some);
        expect(slices![at]).toEqual({
          name: ['seen', 'cold'][at],
          requests,
          auc: { ctr: expect.closeTo(auc.ctr, 9), ctcvr: expect.closeTo(auc.ctcvr, 9) },
          ends: {
            ctr: intervalsOf(judgements[index], aucs(index, some), some, SEED).auc.ctr,
            ctcvr: intervalsOf(judgements[index], aucs(index, some), some, SEED).auc.ctcvr,
          },
          gain: index === 0 ? null : aucGains(aucs(0, some), aucs(index, some)),
        });
      }
    });
    const before = judgements[0];
    report.rankers.forEach((ranker, index) => {
      const after = judgements[index];
      expect(ranker.features).toBe(FEATURE_SETS[index]);
      expect(ranker.all).toEqual(metricsOf(after, null));
      expect(ranker.long_tail).toEqual(metricsOf(after, isIn));
      expect(ranker.short).toEqual(metricsOf(after, isShort));
      const all = <T>(of: (isIn: readonly boolean[] | null) => T) => {
        return { all: of(null), long_tail: of(isIn), short: of(isShort) };
      };
      const each: typeof all | (() => null) = index === 0 ? () => null : all;
      expect(ranker.intervals).toEqual(all((some) => intervalsOf(after, aucs(index, some), some, SEED)));
      expect(ranker.gain).toEqual(each((some) => aucGains(aucs(0, some), aucs(index, some))));
      expect(ranker.gauc_gain).toEqual(each((some) => groupedGains({ before, after, isIn: some }, SEED)));
      expect(ranker.lift).toEqual(
        each((some) => liftOf({ before: before.outcomes!, after: after.outcomes!, isIn: some }, test, SEED)),
      );
    });
  });

  it('begins without a past where nothing was shown in it, and stops when it is told to', async () => {
    const impressions = { ...world.impressions, user: new Int32Array(0) };
    const comparison = {
      dataset: { ...world, impressions },
      deployment: later,
      said,
      answers,
      past,
      itemVectors: NONE,
    };
    const { losses } = await compareRankers(comparison, options, SEED, hooks);
    expect(losses).toHaveLength(6 * 3);
    const stop = { gate: async () => 'stop' as const };
    await expect(compareRankers(comparison, options, SEED, stop)).rejects.toThrow('was stopped');
  });
});
