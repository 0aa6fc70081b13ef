import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset, Example } from '../../src/data/dataset';
import { visibleToTraining } from '../../src/data/visibility';
import { generateWorld } from '../../src/data/world';
import {
  compareRankers,
  enhance,
  FEATURE_SETS,
  type RankingOptions,
  type RankingReport,
  rankingProblem,
} from '../../src/evaluate/ranking';
import { requestVectors } from '../../src/evaluate/requestVectors';
import { useSlowPath } from '../../src/gpu/tfjs';
import type { GenerateOptions, LanguageModel } from '../../src/model/languageModel';
import { Random } from '../../src/numeric/random';
import { FeatureColumns } from '../../src/rank/featureColumns';
import { Requests } from '../../src/rank/requests';
import { type Moments, type PastMoments, pastMoments } from '../../src/rank/similarUsers';
import { runPipeline } from '../../src/run/runner';
import { corpus, PromptFormat } from '../../src/text/prompt';
import { trainTokenizer } from '../../src/text/tokenizer';
import { minusculeConfig, recordedRun } from '../run/tinyRun';

const DIMENSION = 8;
const hooks = { gate: async () => 'go' as const };
const options = {
  steps: 40,
  tuningSteps: 60,
  batchSize: 32,
  learningRate: 5e-3,
  embeddingSize: 8,
  subspaces: 2,
  bits: 4,
  embedded: 'whole' as const,
  whitenAbove: 1,
  headSteps: 0,
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
  return { vectors, dimension: DIMENSION, users: examples.map(({ user }) => later.users[user].id) };
}

/** The same model on people of the past, one for each item: it knew what they chose next. */
function knowingPast(): PastMoments {
  const vectors = world.items.flatMap(({ categories }) => {
    const own = new Random(1, categories[2]);
    const vector = Array.from({ length: DIMENSION }, () => own.normal());
    return vector.map((x) => x / Math.hypot(...vector));
  });
  const next = world.items.map((_, item) => item);
  const users = next.map((item) => `past ${item}`);
  return { vectors: Float32Array.from(vectors), dimension: DIMENSION, users, next };
}

const nobody = { vectors: new Float32Array(0), dimension: DIMENSION, users: [], next: [] };
/** It names nothing. */
const silence = () => [...later.splits.train, ...later.splits.test].map(() => -1);

beforeAll(async () => {
  await useSlowPath();
  world = await generateWorld({
    world: 'tradeoff',
    seed: 3,
    numL1: 1,
    itemsPerL3: 2,
    numUsers: 200,
    numHeldoutUsers: 5,
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
    const comparison = {
      ...{ dataset: world, deployment: later },
      ...{ said: knowing(), answers: silence(), past: knowingPast(), itemVectors: knowingPast().vectors },
    };
    ({ report, losses } = await compareRankers(comparison, options, 1, watched));
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
  }, 240_000);

  it('finds features that know what is wanted useful, and the same ones shuffled useless', () => {
    const by = (name: string) => report.rankers.find(({ features }) => features === name)!;
    expect(report.rankers.map(({ features }) => features)).toEqual([...FEATURE_SETS]);
    expect(by('none').gain).toBeNull();
    expect(by('intra').gain!.all.ctcvr.low).toBeGreaterThan(0);
    expect(by('cross').gain!.all.ctcvr.low).toBeGreaterThan(by('shuffled').gain!.all.ctcvr.high);
    // It names nothing, so all that similar users tell is theirs.
    const { all } = report.cross_over_answer!;
    expect(all.ctcvr.low).toBeGreaterThan(0);
    expect(all.ctcvr.mean).toBeCloseTo(by('cross').all.auc.ctcvr - by('answer').all.auc.ctcvr, 9);
    expect(by('intra').gain!.all.ctcvr.low).toBeGreaterThan(by('shuffled').gain!.all.ctcvr.mean);
    expect(by('intra').all.auc.ctcvr - by('none').all.auc.ctcvr).toBeCloseTo(
      by('intra').gain!.all.ctcvr.mean,
      9,
    );
    // Not "at most 0": an interval of 95 % leaves out 0 now and then.
    expect(by('shuffled').gain!.all.ctr.low).toBeLessThan(0);
    expect(losses).toHaveLength(options.steps + FEATURE_SETS.length * options.tuningSteps);
  });

  it('counts all requests and the long tail, and gives rates, losses and intervals that can be', () => {
    for (const { all, long_tail, gain, lift } of report.rankers) {
      expect(all.requests).toBe(report.requests.test);
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
    // The long tail is of users, each with all requests: those with few behaviours before the last of these.
    const last = new Map<number, number>();
    for (const { user, position } of later.splits.test)
      last.set(user, Math.max(last.get(user) ?? 0, position));
    const sparse = (user: number) => last.get(user)! <= report.long_tail_behaviours;
    expect(report.users!.test).toBe(last.size);
    expect(report.users!.long_tail).toBe([...last.keys()].filter(sparse).length);
    expect(report.users!.long_tail).toBeGreaterThanOrEqual(0.25 * last.size);
    expect(report.users!.long_tail).toBeLessThan(last.size);
    const requests = later.splits.test.filter(({ user }) => sparse(user)).length;
    for (const { long_tail } of report.rankers) expect(long_tail.requests).toBe(requests);
    for (const { all, gauc_gain } of report.rankers.slice(1)) {
      const [plain] = report.rankers;
      expect(gauc_gain!.all.ctcvr.mean).toBeCloseTo(all.gauc.ctcvr - plain.all.gauc.ctcvr, 9);
    }
    expect(report.rankers[0].gauc_gain).toBeNull();
    // Leaves have two items each.
    expect(report.crowd).toBeGreaterThan(1.9);
    expect(report.similarity).toBeGreaterThan(0.9);
    expect(report.notes!.join()).not.toContain('Imported');
    // Chance alone spreads two halves of the users more than what everybody gets from both.
    const { revenue } = report.rankers[1].lift!.all;
    expect(revenue.randomised.high - revenue.randomised.low).toBeGreaterThan(
      revenue.paired.high - revenue.paired.low,
    );
    expect(report.quantisation_error).toBeGreaterThan(0);
    expect(report.quantisation_error).toBeLessThan(0.5);
  });

  it('repeats to the bit, and knows no lift where no outcome is known', async () => {
    const short = { ...options, steps: 2, tuningSteps: 2 };
    const run = (deployment: Dataset) =>
      compareRankers(
        {
          ...{ dataset: world, deployment, said: knowing(), answers: silence() },
          ...{ past: nobody, itemVectors: new Float32Array(0) },
        },
        short,
        1,
        hooks,
      );
    const first = await run(later);
    expect(await run(later)).toEqual(first);
    const blind = await run({ ...later, oracle: undefined });
    expect(blind.report.rankers.map(({ lift }) => lift)).toEqual(FEATURE_SETS.map(() => null));
    expect(blind.losses).toEqual(first.losses);
  }, 120_000);

  it('seeks similar users where it is told to, says so, and changes no other feature', async () => {
    const short = { ...options, steps: 2, tuningSteps: 2 };
    const run = async (changed: Partial<RankingOptions>) => {
      const past = knowingPast();
      const compared = { dataset: world, deployment: later, said: knowing(), answers: silence() };
      const comparison = { ...compared, past, itemVectors: past.vectors };
      return (await compareRankers(comparison, { ...short, ...changed }, 1, hooks)).report;
    };
    const notes = (report: RankingReport) => report.notes!.slice(1).join(' ');
    const plain = await run({});
    expect(notes(plain)).toBe('');
    const alike = plain.mean_cosine!;
    const [below, above] = [
      await run({ whitenAbove: alike - 1e-3 }),
      await run({ whitenAbove: alike + 1e-3, embedded: 'conclusion' }),
    ];
    expect(notes(below)).toMatch(/^Similar users are sought among whitened vectors/);
    expect(notes(above)).toMatch(/^Of what the model says, what it concludes and answers is embedded/);
    const headed = await run({ headSteps: 3 });
    expect(notes(headed)).toMatch(/^Similar users are sought behind a contrastive head/);
    for (const { crowd, mean_cosine, quantisation_error } of [below, headed]) {
      expect(crowd).not.toBe(plain.crowd);
      expect(mean_cosine).toBe(alike);
      expect(quantisation_error).toBe(plain.quantisation_error);
    }
    expect(above.crowd).toBe(plain.crowd);
    const of = (report: RankingReport, name: string) =>
      report.rankers.find(({ features }) => features === name)!.all.auc;
    expect(of(below, 'intra')).toEqual(of(plain, 'intra'));
    expect(of(below, 'cross')).not.toEqual(of(plain, 'cross'));
    expect(of(headed, 'cross')).not.toEqual(of(plain, 'cross'));
  }, 120_000);

  it('is refused before it begins where its tables would not fit', () => {
    const many = (requests: number) => ({
      items: { length: 5000 } as Dataset['items'],
      splits: { ...later.splits, test: { length: requests } as Dataset['splits']['test'] },
    });
    expect(rankingProblem(many(10_000))).toBeNull();
    expect(rankingProblem(many(10_001))).toContain('lower ranking.users');
    expect(rankingProblem({ ...later, splits: { ...later.splits, train: [] } })).toContain('no impressions');
  });
});

/** Says each prompt back, so that whatever a prompt shows is in the features. */
const echo = {
  generate: async ({ prompts }: GenerateOptions) => ({
    completions: prompts.map((prompt) => Uint32Array.from(prompt)),
  }),
} as unknown as LanguageModel;
/** Told apart by any letter. */
const letters = {
  dimension: DIMENSION,
  embed(text: string) {
    const random = new Random(1, text);
    const vector = Array.from({ length: DIMENSION }, () => random.normal());
    return Float32Array.from(vector, (x) => x / Math.hypot(...vector));
  },
};

describe('all that the model gives a ranker', () => {
  it('is from before the request: nothing that happens later changes it to the bit', async () => {
    const tokenizer = trainTokenizer(corpus(world, []), 512);
    const shape = { historyLength: 5, maxPromptLength: 128, maxCompletionLength: 16 };
    const generation = { maxNewTokens: 128, batchSize: 64, embedded: 'whole' as const };
    const { train, test } = later.splits;
    const examples = [...train, ...test];
    const rows = examples.map((_, row) => row);
    const features = async (past: Dataset, now: Dataset) => {
      const moments = pastMoments(past, 100, 1);
      const say = (of: Dataset, asked: Example[]) => {
        const format = new PromptFormat(of, tokenizer, shape);
        return requestVectors(echo, { format, examples: asked, encoder: letters }, generation, hooks);
      };
      const { vectors, answers } = await say(now, examples);
      const said = {
        vectors,
        dimension: DIMENSION,
        users: examples.map(({ user }) => now.users[user].id),
      };
      const others = {
        vectors: (await say(past, moments.examples)).vectors,
        dimension: DIMENSION,
        users: moments.examples.map(({ user }) => past.users[user].id),
        next: moments.next,
      };
      const columns = new FeatureColumns(past);
      const itemVectors = new Float32Array(0);
      const words = { said, answers, past: others, itemVectors, trained: train.length, columns };
      const made = await enhance(words, options, 1, hooks);
      return new Requests(now, examples, columns, made.enhancement);
    };
    const inputs = (requests: Requests, of: number[]) =>
      [
        requests.codes(of),
        requests.leanings(
          'crowd',
          of,
          of.flatMap(() => [0, 7, 14]),
        ),
        requests.leanings(
          'answer',
          of,
          of.flatMap(() => [0, 7, 14]),
        ),
        requests.latest(of),
        requests.averages(of),
        requests.profiles(of),
      ].map((input) => [...input]);
    const other = (history: Int32Array, from: number) =>
      history.map((item, at) => (at < from ? item : (item + 1) % world.items.length));
    const before = await features(world, later);

    // A judged user buys something else from the second request on, and everybody of the past after training's last behaviour.
    const { user } = test.find((example) => example.position === 2)!;
    const first = Math.min(
      ...test.filter((example) => example.user === user).map(({ position }) => position),
    );
    const now = {
      ...later,
      users: later.users.map((one, index) =>
        index === user ? { ...one, history: other(one.history, first + 1) } : one,
      ),
    };
    const visible = visibleToTraining(world);
    const past = {
      ...world,
      users: world.users.map((one, index) => ({ ...one, history: other(one.history, visible[index]) })),
    };
    expect(past.users).not.toEqual(world.users);
    const after = await features(past, now);
    const isLater = (row: number) => examples[row].user === user && examples[row].position > first;
    const untouched = rows.filter((row) => !isLater(row));
    expect(inputs(after, untouched)).toEqual(inputs(before, untouched));
    expect(inputs(after, rows.filter(isLater))).not.toEqual(inputs(before, rows.filter(isLater)));

    // And what neighbours did before is in the features: the test can fail.
    const earlier = {
      ...world,
      users: world.users.map((one) => ({ ...one, history: other(one.history, 0) })),
    };
    expect(inputs(await features(earlier, later), rows)[1]).not.toEqual(inputs(before, rows)[1]);
  }, 120_000);
});

describe('a run', () => {
  it('keeps its report when ranking fails', async () => {
    const { context, events } = recordedRun(minusculeConfig());
    const load = context.loadDataset;
    context.loadDataset = async () => {
      const dataset = await load();
      const newcomers = async (users: number): Promise<Dataset> => ({
        ...(await dataset.newcomers!(users)),
        oracle: {
          ...dataset.oracle!,
          ctcvr() {
            throw new Error('no oracle today');
          },
        },
      });
      return { ...dataset, newcomers };
    };
    const { report } = await runPipeline(context);
    expect(report!.table).toHaveLength(3);
    expect(report!.ranking).toBeNull();
    expect(events).toContainEqual({
      type: 'notice',
      level: 'warning',
      message: 'Ranking was left out: it failed (no oracle today). All else is as it was.',
    });
  }, 120_000);
});
