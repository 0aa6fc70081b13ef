import { beforeAll, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device';
import { adamW, globalNorm, NORM_PARTIALS } from '../../src/gpu/kernels';
import { composeEnds, updateEnds } from '../../src/gpu/kernels/ends';
import type { AdamWStep } from '../../src/model/config';
import { hyper } from '../model/shapes';
import { adversarial, expectClose, expectFinite, normals, runKernel, stream, testGpu } from './harness';
import * as twins from './twins';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const random = stream('ends');
type Pool = Float32Array<ArrayBuffer>;
type End = Record<'parameters' | 'moment1' | 'moment2', Pool>;

const uniformOf = (step: AdamWStep) =>
  new Float32Array([
    step.learningRate,
    step.beta1,
    step.beta2,
    step.eps,
    step.weightDecay,
    1 - step.beta1 ** step.step,
    1 - step.beta2 ** step.step,
    Math.min(step.maxGradNorm, 3e38),
  ]);

const someEnds = (count: number, size: number, draw: typeof normals = normals): End[] =>
  Array.from({ length: count }, () => ({
    parameters: draw(random, size),
    moment1: draw(random, size),
    moment2: draw(random, size).map(Math.abs),
  }));

/** One update at the mixture of the ends under the shares, and the mixture of what came of it. */
async function run(ends: End[], shares: number[], gradient: Pool, step: AdamWStep, repeats = 1) {
  const size = gradient.length;
  const decayed = Math.floor(size / 3);
  const outputs: Record<string, number | Pool> = { parameters: size, partial: NORM_PARTIALS, metrics: 16 };
  ends.forEach((end, k) => {
    for (const name of ['parameters', 'moment1', 'moment2'] as const) outputs[`${k} ${name}`] = end[name];
  });
  const result = await runKernel(
    gpu,
    outputs,
    (s) => {
      const bound = ends.map((_, k) => ({
        parameters: s.out[`${k} parameters`],
        moment1: s.out[`${k} moment1`],
        moment2: s.out[`${k} moment2`],
        share: s.uniform(Float32Array.of(shares[k], k === 0 ? 1 : 0, 0, 0)),
      }));
      const { parameters, partial, metrics } = s.out;
      const common = {
        gradient: s.input(gradient),
        metrics,
        hyper: s.uniform(uniformOf(step)),
        size,
        decayed,
      };
      composeEnds(s.plan, { parameters, ends: bound, size });
      globalNorm(s.plan, { ...common, partial });
      updateEnds(s.plan, { ...common, parameters, ends: bound });
      composeEnds(s.plan, { parameters, ends: bound, size });
    },
    repeats,
  );
  const moved = ends.map((_, k): End => {
    const [parameters, moment1, moment2] = ['parameters', 'moment1', 'moment2'].map(
      (name) => result[`${k} ${name}`],
    );
    return { parameters, moment1, moment2 };
  });
  return { parameters: result.parameters, ends: moved, decayed };
}

it.each<[string, number, number[], Partial<AdamWStep>]>([
  ['two ends', 257, [0.25, 0.75], { maxGradNorm: 1 }],
  ['three ends, not clipped', 12_345, [0.5, 0.125, 0.375], { step: 9, maxGradNorm: 1e3, weightDecay: 0.5 }],
  ['one end', 4, [1], { step: 3 }],
])('moves and mixes as its twin does: %s', async (_name, size, shares, change) => {
  const step = { ...hyper, learningRate: 0.3, ...change };
  const [ends, gradient] = [someEnds(shares.length, size), normals(random, size)];
  const found = await run(ends, shares, gradient, step);
  const parameters = twins.composeEnds(
    ends.map((end) => end.parameters),
    shares,
  );
  const expected = twins.updateEnds(ends, shares, { parameters, gradient, decayed: found.decayed }, step);
  expected.forEach((end, k) => {
    for (const name of ['parameters', 'moment1', 'moment2'] as const)
      expectClose(found.ends[k][name], end[name]);
  });
  expectClose(
    found.parameters,
    twins.composeEnds(
      expected.map((end) => end.parameters),
      shares,
    ),
  );
});

it.each([0, 1])(
  'end %i with all of the share is updated as adamw does, to the bit, and the other stays',
  async (whole) => {
    const step = { ...hyper, step: 4, learningRate: 0.1, maxGradNorm: 0.5, weightDecay: 0.2 };
    const [ends, gradient] = [someEnds(2, 257), normals(random, 257)];
    const found = await run(ends, [1 - whole, whole], gradient, step);
    const alone = await runKernel(gpu, { ...ends[whole], partial: NORM_PARTIALS, metrics: 16 }, (s) =>
      adamW(s.plan, {
        ...s.out,
        gradient: s.input(gradient),
        hyper: s.uniform(uniformOf(step)),
        size: 257,
        decayed: found.decayed,
      }),
    );
    for (const name of ['parameters', 'moment1', 'moment2'] as const)
      expect(found.ends[whole][name]).toEqual(alone[name]);
    expect(found.parameters).toEqual(found.ends[whole].parameters);
    expect(found.ends[1 - whole]).toEqual(ends[1 - whole]);
  },
);

it('is equal to the bit in twenty runs', async () => {
  const found = await run(
    someEnds(3, 257, adversarial),
    [0.2, 0.3, 0.5],
    adversarial(random, 257),
    hyper,
    20,
  );
  expectFinite(found.parameters);
});
