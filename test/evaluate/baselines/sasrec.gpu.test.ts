/** SASRec on the engine: the plain decoder's logits, the same bits twice and over a resume, and its place among the baselines. */
import { beforeAll, expect, it } from 'vitest';
import type { StageHooks } from '../../../src/control/hooks';
import { fitBest, oneByOne, ranked } from '../../../src/evaluate/baselines/ask';
import { visibleOf } from '../../../src/evaluate/baselines/baseline';
import { ease } from '../../../src/evaluate/baselines/ease';
import { sasRecAsker, trainSasRec } from '../../../src/evaluate/baselines/sasrec';
import { sasRecLength, sasRecShape } from '../../../src/evaluate/baselines/sasrecShape';
import { describeAdapter, Gpu } from '../../../src/gpu/device';
import { TUNINGS } from '../../../src/gpu/kernels';
import type { ModelState } from '../../../src/model/languageModel';
import { createTransformer, type Transformer } from '../../../src/model/transformer';
import { hitsAt } from '../../../src/rank/rankingMetrics';
import { learningRateAt } from '../../../src/sft/schedule';
import { freshDevice } from '../../adapter';
import { plainLogits } from '../../model/plain';
import { hyper } from '../../model/shapes';
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

it('learns, and ranks better than EASE where order matters', async () => {
  const state = await train(150);
  const mean = (losses: number[]) => losses.reduce((a, b) => a + b, 0) / losses.length;
  expect(mean(state.losses.slice(0, 10))).toBeCloseTo(Math.log(52), 0);
  expect(mean(state.losses.slice(-20))).toBeLessThan(2.8);
  const own = await ranked(sasRecAsker(model, 48, { batchSize: 32, length }, hooks), test);
  const { scorer } = await fitBest(ease, visible, validation, hooks);
  const others = await ranked(oneByOne(scorer, hooks), test);
  const [sasrec, linear] = [own, others].map(({ ranks }) => hitsAt(ranks, 10).ndcg);
  expect(sasrec).toBeGreaterThan(1.2 * linear);
  // The weights that were kept are those of the best check.
  const ask = sasRecAsker(model, 48, { batchSize: 32, length }, hooks);
  expect(hitsAt((await ranked(ask, validation)).ranks, 10).ndcg).toBe(Math.max(...state.validation));
});
