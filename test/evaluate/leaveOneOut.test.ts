/**
 * Where a data set is split by leave-one-out, held-out targets stand in the very histories that are learnt from. Nothing at or after
 * one may be seen: each test changes what is held out and expects the same bits, and then changes what is not and expects others.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { deploymentOf } from '../../src/data/deployment';
import { needsOf } from '../../src/data/needs';
import { TransitionStatistics } from '../../src/data/transitions';
import { visibleToTraining } from '../../src/data/visibility';
import { compareRankers } from '../../src/evaluate/ranking';
import { useSlowPath } from '../../src/gpu/tfjs';
import { FeatureColumns } from '../../src/rank/featureColumns';
import { Features } from '../../src/rank/features';
import { trainRanker } from '../../src/rank/ranker';
import { PLAIN, Requests } from '../../src/rank/requests';
import { pastMoments } from '../../src/rank/similarUsers';
import { corpus } from '../../src/text/prompt';
import { joined, leaveOneOutData, withAnotherFuture } from '../data/leaveOneOut';

const hooks = { gate: async () => 'go' as const };

let data: Dataset;
/** The same with other held-out targets, and with another last training target. */
let heldOut: Dataset;
let seen: Dataset;
beforeAll(async () => {
  await useSlowPath();
  data = await leaveOneOutData();
  heldOut = withAnotherFuture(data, 2);
  seen = withAnotherFuture(data, 3);
});

describe('on data split by leave-one-out', () => {
  it('training sees up to its last target where there is one, and never a held-out one', () => {
    const length = (user: number) => data.users[user].history.length;
    const whole = visibleToTraining(data);
    expect([...whole]).toEqual(data.users.map((_, user) => length(user) - 2));
    // Training examples that were thinned: what comes after the last of them is nobody's.
    const thinned = { ...data.splits, train: [{ sampleId: 'x', user: 1, position: 2 }] };
    const seen = visibleToTraining({ ...data, splits: thinned });
    expect([...seen.slice(0, 3)]).toEqual([0, 3, 0]);
  });

  it('what follows what is counted before the held-out behaviours', () => {
    const counts = (dataset: Dataset) => {
      const statistics = new TransitionStatistics(dataset);
      const leaves = Array.from({ length: statistics.leaves }, (_, leaf) => leaf);
      const profile = statistics.profileWords(0);
      return {
        prior: leaves.map((leaf) => statistics.logPrior(leaf)),
        following: leaves.map((leaf) => statistics.successors(leaf)),
        lifts: leaves.flatMap((from) => leaves.map((to) => statistics.logLift(from, to, profile))),
        telling: dataset.users.map((_, user) => statistics.tellingWord(user)),
      };
    };
    expect(counts(heldOut)).toEqual(counts(data));
    expect(counts(seen)).not.toEqual(counts(data));
  });

  it('what is bought together, and the words of the tokenizer, are of behaviours before the held-out ones', () => {
    const bare = (dataset: Dataset): Dataset => ({
      ...dataset,
      items: dataset.items.map((item) => ({ ...item, categories: ['all', 'all', 'all'] as const })),
    });
    const labels = (dataset: Dataset) => needsOf(bare(dataset)).map(({ label }) => label);
    expect(labels(heldOut)).toEqual(labels(data));
    // Everything else, so that what a word tells is another thing.
    expect(labels(withAnotherFuture(data, 9))).not.toEqual(labels(data));
    expect(corpus(heldOut)).toEqual(corpus(data));
    expect(corpus(seen)).not.toEqual(corpus(data));
  });

  it('what a similar user did next is before its own held-out behaviours', () => {
    const { examples, next } = pastMoments(data, 100, 1);
    expect(examples).toHaveLength(100);
    expect(new Set(examples.map(({ user }) => user)).size).toBe(100);
    examples.forEach(({ user, position }, index) => {
      const { history } = data.users[user];
      expect(position).toBeGreaterThan(0);
      expect(position).toBeLessThan(history.length - 2);
      expect(next[index]).toBe(history[position]);
    });
    expect(pastMoments(heldOut, 100, 1).next).toEqual(next);
    expect(pastMoments(seen, 100, 1).next).not.toEqual(next);
  });

  it('features of a moment are of behaviours before it', () => {
    const before = new Features(data);
    const after = new Features(heldOut);
    const moments = data.splits.validation.map(({ user, position }) => ({ user, historyLength: position }));
    const items = moments.map((_, index) => index % data.items.length);
    const all = (features: Features) => [
      features.historyBags(moments),
      features.latestBags(moments, 3),
      features.crossPairs(moments, items),
      features.crossTable(moments),
      features.profileBags(moments),
    ];
    expect(all(after)).toEqual(all(before));
    expect(all(new Features(seen))).not.toEqual(all(before));
  });

  it('a ranker learns from no impression at or after a held-out behaviour, and its table is of what was before', async () => {
    const { impressions, heldOutImpressions } = data;
    const held = heldOutImpressions!;
    const options = { steps: 8, batchSize: 32, learningRate: 0.01, embeddingSize: 4, attended: 2 };
    const flipped = { ...held, click: held.click.map((click) => 1 - click) };
    const once = async (dataset: Dataset, shown: typeof impressions) => {
      const ranker = await trainRanker({ ...dataset, impressions: shown }, options, 1, hooks);
      const table = await ranker.ctcvr(dataset.splits.validation.slice(0, 5));
      ranker.dispose();
      return { losses: ranker.losses, auc: ranker.auc, table };
    };
    const first = await once(data, joined(impressions, held));
    expect(await once(heldOut, joined(impressions, flipped))).toEqual(first);
    const others = { ...impressions, click: impressions.click.map((click) => 1 - click) };
    expect((await once(data, joined(others, held))).losses).not.toEqual(first.losses);
  });

  it('a request knows what was before it: validation’s neither target, the test’s not its own', async () => {
    const features = async (dataset: Dataset, split: 'train' | 'test') => {
      const later = (await deploymentOf(dataset, 1000, 1))!;
      const requests = new Requests(later, later.splits[split], new FeatureColumns(dataset), PLAIN);
      const rows = later.splits[split].map((_, row) => row);
      expect(rows).toHaveLength(data.users.length);
      return [requests.latest(rows), requests.averages(rows), requests.profiles(rows)];
    };
    expect(await features(heldOut, 'train')).toEqual(await features(data, 'train'));
    expect(await features(seen, 'train')).not.toEqual(await features(data, 'train'));
    expect(await features(withAnotherFuture(data, 1), 'test')).toEqual(await features(data, 'test'));
    expect(await features(heldOut, 'test')).not.toEqual(await features(data, 'test'));
  });

  it('rankers that are compared start from impressions before the held-out behaviours', async () => {
    const deployment = (await deploymentOf(data, 30, 1))!;
    const asked = [...deployment.splits.train, ...deployment.splits.test];
    const dimension = 4;
    const said = {
      vectors: Float32Array.from({ length: asked.length * dimension }, (_, i) => Number(i % 5 === 0)),
      dimension,
      users: asked.map(({ user }) => data.users[user].id),
    };
    const past = { vectors: new Float32Array(0), dimension, users: [], next: [] };
    const answers = asked.map(() => -1);
    const options = {
      ...{ steps: 6, tuningSteps: 1, batchSize: 16, learningRate: 0.01, embeddingSize: 4 },
      ...{ subspaces: 2, bits: 2 },
      ...{ embedded: 'whole' as const, whitenAbove: 1, headSteps: 0 },
    };
    const { impressions, heldOutImpressions } = data;
    const run = (shown: typeof impressions) => {
      const dataset = { ...data, impressions: shown };
      return compareRankers(
        { dataset, deployment, said, answers, past, itemVectors: new Float32Array(0) },
        options,
        1,
        hooks,
      );
    };
    const first = await run(impressions);
    expect(await run(joined(impressions, heldOutImpressions!))).toEqual(first);
    // What is learnt from there: other clicks, other losses.
    const others = { ...impressions, click: impressions.click.map((click) => 1 - click) };
    expect((await run(others)).losses).not.toEqual(first.losses);
    // And the reader is told what the order of behaviours does not say.
    expect(first.report.notes!.join()).toContain('Imported data keeps the order');
  });
});
