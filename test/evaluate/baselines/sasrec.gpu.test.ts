/**
 * SASRec on the engine: the plain decoder's logits and the loss and gradient of a step, the same bits twice and over a resume, and its
 * place among the baselines.
 */
import { beforeAll, expect, it } from 'vitest';
import type { StageHooks } from '../../../src/control/hooks';
import { fitBest, oneByOne, ranked } from '../../../src/evaluate/baselines/ask';
import { type Baseline, visibleOf } from '../../../src/evaluate/baselines/baseline';
import { ease } from '../../../src/evaluate/baselines/ease';
import { itemKnn } from '../../../src/evaluate/baselines/itemKnn';
import { popularity } from '../../../src/evaluate/baselines/popularity';
import { sasRecAsker, sasRecBatches, trainSasRec } from '../../../src/evaluate/baselines/sasrec';
import { sasRecLength, sasRecShape } from '../../../src/evaluate/baselines/sasrecShape';
import { describeAdapter, Gpu } from '../../../src/gpu/device';
import { TUNINGS } from '../../../src/gpu/kernels';
import type { ModelState } from '../../../src/model/languageModel';
import { parameterTable } from '../../../src/model/parameters';
import { createTransformer, type Transformer } from '../../../src/model/transformer';
import { Random } from '../../../src/numeric/random';
import { hitsAt } from '../../../src/rank/rankingMetrics';
import { learningRateAt } from '../../../src/sft/schedule';
import { freshDevice } from '../../adapter';
import { finiteDifference, plainLogits, plainLogSoftmax } from '../../model/plain';
import { hyper, relativeError } from '../../model/shapes';
import { cutAt } from '../../run/stages/cut';
import { films } from './shop';

const hooks = { gate: async () => 'go' as const, onProgress: () => {} };
const dataset = films(300, 3, 48);
const visible = visibleOf(dataset);
const validation = { dataset, examples: dataset.splits.validation.slice(0, 100), again: false };
const test = { dataset, examples: dataset.splits.test, again: false };
const length = sasRecLength(dataset.users.map(({ history }) => history));

/** One for all, since a software adapter takes longer to compile than to train. */
let model: Transformer;
let first: ModelState;
beforeAll(async () => {
  const { device, info } = await freshDevice();
  const gpu = new Gpu(device, describeAdapter(info));
  model = await createTransformer(gpu, sasRecShape(48, 16, length), 1, TUNINGS.portable);
  first = await model.snapshot();
});

async function train(steps: number, own: StageHooks = hooks) {
  await model.restore(first);
  const options = {
    batchSize: 32,
    steps,
    seed: 7,
    hyper: (update: number) => ({
      ...hyper,
      weightDecay: 0,
      step: update + 1,
      learningRate: learningRateAt({ learningRate: 0.02, steps }, update),
    }),
  };
  return trainSasRec(model, { visible, validation }, options, own);
}

it('scores every item as the plain decoder does', async () => {
  const { parameters } = first;
  await model.restore(first);
  const found: Float64Array[] = [];
  const histories = [Int32Array.of(3, 1, 4), Int32Array.of(), dataset.users[0].history];
  const ask = sasRecAsker(model, 48, { batchSize: 32, length }, hooks);
  await ask(histories, (index, scores) => {
    found[index] = scores;
  });
  histories.forEach((history, index) => {
    const newest = history.slice(Math.max(0, history.length - length + 1));
    const wanted = plainLogits(model.config, parameters, [48, ...newest]).at(-1)!;
    expect(found[index]).toHaveLength(48);
    found[index].forEach((score, item) => {
      expect(score).toBeCloseTo(wanted[item], 4);
    });
  });
});

it('takes a step by the loss and the gradient that f64 has: of every item of a window, from those before it', async () => {
  const { config } = model;
  const batch = sasRecBatches(visible, { seed: 7, batchSize: 4, length })(0);
  const rows = Array.from({ length: 4 }, (_, b) => [
    ...batch.tokens.subarray(b * length, b * length + batch.lengths[b]),
  ]);
  // Each is somebody's whole visible history behind the token of the beginning.
  const known = new Set(visible.histories.map((history) => [48, ...history].join(' ')));
  for (const row of rows) expect(known).toContain(row.join(' '));
  const surprises = (weights: ArrayLike<number>) =>
    rows.flatMap((row) => {
      const logits = plainLogits(config, weights, row);
      return row.slice(1).map((item, at) => -plainLogSoftmax(logits[at])[item]);
    });
  const loss = (weights: ArrayLike<number>) => {
    const all = surprises(weights);
    return all.reduce((sum, one) => sum + one, 0) / all.length;
  };

  await model.restore(first);
  // A first step of AdamW with eps = 1 moves a weight by g / (|g| + 1), from which g follows.
  const step = { ...hyper, learningRate: 1, eps: 1, weightDecay: 0, maxGradNorm: Number.POSITIVE_INFINITY };
  const taken = await model.trainStep([batch], step);
  const before = Float64Array.from(first.parameters);
  const after = (await model.snapshot()).parameters;
  expect(taken.loss).toBeCloseTo(loss(before), 5);

  const random = new Random(1, 'coordinates');
  for (const { name, offset, size } of parameterTable(config).parameters) {
    const places = Array.from({ length: 6 }, () => offset + random.int(size));
    const moved = places.map((at) => before[at] - after[at]);
    const found = moved.map((move) => move / (1 - Math.abs(move)));
    const wanted = places.map((at) => finiteDifference(loss, before, at));
    expect(relativeError(found, wanted), name).toBeLessThan(5e-5);
  }
}, 120_000);

it('comes to the same bits wherever it was cut off: between steps, with some in flight, and at a check', async () => {
  const trained = async (own: StageHooks = hooks) => [
    await train(20, own),
    (await model.snapshot()).parameters,
  ];
  const whole = await trained();
  for (const cut of [3, 9, 26]) {
    const { result, passed } = await cutAt([cut], trained);
    expect(result, `cut at ${cut} of ${passed[1]}`).toEqual(whole);
    expect(passed[0]).toBe(cut + 1);
  }
  expect((await cutAt([7], trained, { isCrash: true })).result).toEqual(whole);
});

it('learns, and ranks above EASE, that above ItemKNN, and that above popularity, where order matters', async () => {
  const state = await train(150);
  const mean = (losses: number[]) => losses.reduce((a, b) => a + b, 0) / losses.length;
  expect(mean(state.losses.slice(0, 10))).toBeCloseTo(Math.log(52), 0);
  expect(mean(state.losses.slice(-20))).toBeLessThan(2.8);
  const own = await ranked(sasRecAsker(model, 48, { batchSize: 32, length }, hooks), test);
  const ndcgOf = async (baseline: Baseline) => {
    const { scorer } = await fitBest(baseline, visible, validation, hooks);
    return hitsAt((await ranked(oneByOne(scorer, hooks), test)).ranks, 10).ndcg;
  };
  const linear = await ndcgOf(ease);
  const neighbours = await ndcgOf(itemKnn);
  expect(hitsAt(own.ranks, 10).ndcg).toBeGreaterThan(1.2 * linear);
  expect(linear).toBeGreaterThan(neighbours);
  expect(neighbours).toBeGreaterThan(await ndcgOf(popularity));
  // The weights that were kept are those of the best check.
  const ask = sasRecAsker(model, 48, { batchSize: 32, length }, hooks);
  expect(hitsAt((await ranked(ask, validation)).ranks, 10).ndcg).toBe(Math.max(...state.validation));
});
