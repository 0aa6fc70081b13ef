/** The twins' gradients against finite differences of the twins themselves, and identities that tie them together. */
import { expect, test } from 'vitest';
import { packGroups, plainLayout } from '../../src/model/packing';
import { Random } from '../../src/numeric/random';
import { finiteDifference } from '../model/plain';
import * as twins from './twins';

const random = new Random(1, 'twins');
const normals = (n: number) => Float64Array.from({ length: n }, () => random.normal());

/** Every entry of `gradient` is the slope of `f` at `x` in that entry. */
function expectGradient(gradient: Float64Array, x: Float64Array, f: (x: Float64Array) => number) {
  expect(gradient.length).toBe(x.length);
  for (let i = 0; i < x.length; i++) {
    const slope = finiteDifference(f, x, i);
    expect(Math.abs(gradient[i] - slope), `[${i}]: ${gradient[i]}, ${slope}`).toBeLessThan(
      1e-7 * (1 + Math.abs(slope)),
    );
  }
}

const heads = { heads: 4, kvHeads: 2, headDim: 2 };
const width = twins.rowWidth(heads);
const lengths = [4, 0, 1, 3];
const length = 4;
const rows = lengths.length * length;

test('matmul: nn and tn are the gradients of nt', () => {
  const [rows, K, N] = [3, 4, 8];
  const [a, w, dy] = [normals(rows * K), normals(N * K), normals(rows * N)];
  expectGradient(twins.matmulNN(dy, w, rows, N, K), a, (x) =>
    twins.inner(twins.matmulNT(x, w, rows, K, N), dy),
  );
  expectGradient(twins.matmulTN(dy, a, rows, N, K), w, (x) =>
    twins.inner(twins.matmulNT(a, x, rows, K, N), dy),
  );
});

test('rms_norm', () => {
  const [x, weight, dy] = [normals(24), normals(8), normals(24)];
  const { dx, dWeight } = twins.rmsNormBackward(x, weight, dy, 8, 0.1);
  expectGradient(dx, x, (v) => twins.inner(twins.rmsNorm(v, weight, 8, 0.1), dy));
  expectGradient(dWeight, weight, (v) => twins.inner(twins.rmsNorm(x, v, 8, 0.1), dy));
});

test('rope: the inverse is the gradient, and undoes it', () => {
  const [x, dy] = [normals(5 * width), normals(5 * width)];
  const turn = (v: ArrayLike<number>, inverse: boolean) => twins.rope(v, heads, 100, (row) => row, inverse);
  expectGradient(turn(dy, true), x, (v) => twins.inner(turn(v, false), dy));
  turn(turn(x, false), true).forEach((value, i) => {
    expect(value).toBeCloseTo(x[i], 12);
  });
});

test('attention', () => {
  const [qkv, dO] = [normals(rows * width), normals(rows * 8)];
  const { spans } = plainLayout(lengths, length);
  expectGradient(twins.attentionBackward(qkv, spans, dO, heads, length), qkv, (x) =>
    twins.inner(twins.attention(x, spans, heads, length).o, dO),
  );
});

test('attention over a packed row', () => {
  // A prompt of 2 tokens with completions of 1 and 2, and a token of padding.
  const batch = {
    size: 2,
    length: 4,
    tokens: Uint32Array.of(7, 8, 1, 0, 7, 8, 2, 3),
    lengths: Uint32Array.of(3, 4),
    lossWeights: Float32Array.of(0, 0, 1, 0, 0, 0, 1, 1),
  };
  const { spans } = packGroups(batch, 2, 7).layout;
  const [qkv, dO] = [normals(7 * width), normals(7 * 8)];
  expectGradient(twins.attentionBackward(qkv, spans, dO, heads, 7), qkv, (x) =>
    twins.inner(twins.attention(x, spans, heads, 7).o, dO),
  );
});

test('decode_attention is attention of the last position', () => {
  const [promptLength, generations] = [5, 2];
  const promptLengths = [5, 1];
  const prompt = normals(2 * promptLength * width);
  const generated = [normals(4 * width), normals(4 * width), normals(4 * width)];
  const o = twins.decodeAttention(prompt, promptLengths, generated, heads, generations, promptLength);
  for (let row = 0; row < 4; row++) {
    const p = Math.floor(row / generations);
    const before = promptLengths[p] - 1;
    const sequence = [
      ...prompt.subarray(p * promptLength * width, (p * promptLength + before) * width),
      ...generated.flatMap((step) => [...step.subarray(row * width, (row + 1) * width)]),
    ];
    const whole = twins.attention(sequence, plainLayout([before + 3], before + 3).spans, heads, before + 3).o;
    expect([...o.subarray(row * 8, (row + 1) * 8)]).toEqual([...whole.subarray(-8)]);
  }
});

test('swiglu', () => {
  const [gateUp, dh] = [normals(24), normals(12)];
  expectGradient(twins.swigluBackward(gateUp, dh, 4), gateUp, (x) => twins.inner(twins.swiglu(x, 4), dh));
});

test('embedding', () => {
  const tokens = [2, 0, 2, 2, 4];
  const [table, dx] = [normals(5 * 4), normals(5 * 4)];
  expectGradient(twins.gatherBackward(dx, tokens, 5, 4), table, (x) =>
    twins.inner(twins.gather(x, tokens, 4), dx),
  );
});

test.each([1, 0.7, 1.3])(
  'cross_entropy at %d: supervised, and policy on and off the first pass',
  (temperature) => {
    const V = 8;
    const base = {
      tokens: Array.from({ length: rows }, () => random.int(V)),
      lengths,
      weights: Array.from({ length: rows }, () => (random.chance(0.2) ? 0 : random.uniform())),
      segments: Array.from({ length: rows }, (_, row) => Math.floor(row / length)),
      advantages: [1.2, 0, -0.3, -0.7],
      V,
      length,
      epsilonLow: 0.2,
      epsilonHigh: 0.28,
      temperature,
    };
    const logits = normals(rows * V);
    const none = new Float64Array(2 * rows);
    const supervised = { ...base, mode: 'supervised', useOld: false, beta: 0, baselines: none } as const;
    expectGradient(
      twins.crossEntropy({ ...supervised, logits }).dlogits,
      logits,
      (x) => twins.crossEntropy({ ...supervised, logits: x }).sums[0],
    );

    const { scored } = twins.crossEntropy({ ...supervised, logits });
    const baselines = scored.map((score, i) => score + (i % 2 === 0 ? 0.8 : 0.2) * random.normal());
    const policy = { ...base, mode: 'policy', useOld: true, beta: 0.1, baselines } as const;
    const { dlogits, sums } = twins.crossEntropy({ ...policy, logits });
    expect(sums[4] + sums[5]).toBeGreaterThan(0);
    expectGradient(dlogits, logits, (x) => twins.crossEntropy({ ...policy, logits: x }).sums[0]);

    // Without old logps the policy's own stand in, and take no gradient.
    const own = baselines.map((value, i) => (i % 2 === 0 ? scored[i] : value));
    const first = twins.crossEntropy({ ...policy, logits, baselines: own, useOld: false }).dlogits;
    expectGradient(
      first,
      logits,
      (x) => twins.crossEntropy({ ...policy, logits: x, baselines: own }).sums[0],
    );
  },
);

test('adamw: the first step moves every parameter by the learning rate against its gradient', () => {
  const hyper = { step: 1, learningRate: 0.1, beta1: 0.9, beta2: 0.99, eps: 0, weightDecay: 0 };
  const zeros = new Float64Array(6);
  const [parameters, gradient] = [normals(6), normals(6)];
  const pools = { parameters, gradient, moment1: zeros, moment2: zeros };
  const out = twins.adamW(pools, 0, { ...hyper, maxGradNorm: 0.5 });
  out.parameters.forEach((value, i) => {
    expect(value).toBeCloseTo(parameters[i] - 0.1 * Math.sign(gradient[i]), 12);
  });
  expect(out.clip * out.gradNorm).toBeCloseTo(0.5, 5);
});

test('ends: the share is the slope of the mixture in an end, and a whole share makes adamw of it', () => {
  const [first, second, dy] = [normals(5), normals(5), normals(5)];
  const mixed = (x: ArrayLike<number>) => twins.inner(twins.composeEnds([first, x], [0.3, 0.7]), dy);
  expectGradient(
    Float64Array.from(dy, (value) => 0.7 * value),
    second,
    mixed,
  );
  const hyper = {
    step: 3,
    learningRate: 0.1,
    beta1: 0.9,
    beta2: 0.99,
    eps: 1e-8,
    weightDecay: 0.1,
    maxGradNorm: 0.5,
  };
  const end = () => ({ parameters: normals(5), moment1: normals(5), moment2: normals(5).map(Math.abs) });
  const [one, other, gradient] = [end(), end(), normals(5)];
  const at = { parameters: one.parameters, gradient, decayed: 3 };
  const [moved, still] = twins.updateEnds([one, other], [1, 0], at, hyper);
  const alone = twins.adamW({ ...one, gradient }, 3, hyper);
  for (const pool of ['parameters', 'moment1', 'moment2'] as const)
    alone[pool].forEach((value, i) => {
      expect(moved[pool][i]).toBeCloseTo(value, 12);
    });
  expect(still).toBe(other);
});
