import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device';
import {
  attention,
  attentionBackward,
  decodeAttention,
  type Heads,
  TUNINGS,
  type Tuning,
} from '../../src/gpu/kernels';
import { ATTENTION_TILES, type AttentionTile, attentionTileFor } from '../../src/gpu/kernels/attentionTiled';
import { packGroups, plainLayout } from '../../src/model/packing';
import { rotationTable } from '../../src/model/transformer';
import { multiHead } from '../model/shapes';
import {
  adversarial,
  expectClose,
  expectFinite,
  normals,
  runKernel,
  stream,
  testGpu,
  tunings,
} from './harness';
import * as twins from './twins';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const grouped: Heads = { heads: 6, kvHeads: 2, headDim: 12 };
const plain = (lengths: number[], length: number) => plainLayout(lengths, length).spans;

/** Two groups of two completions behind their prompts, of 3 and 1 tokens; the second leaves padding. */
function packed(): Uint32Array<ArrayBuffer> {
  const lengths = Uint32Array.of(7, 5, 2, 4);
  const lossWeights = new Float32Array(4 * 7);
  [3, 3, 1, 1].forEach((prompt, b) => {
    lossWeights.fill(1, b * 7 + prompt, b * 7 + lengths[b]);
  });
  const batch = { size: 4, length: 7, tokens: new Uint32Array(4 * 7), lengths, lossWeights };
  return packGroups(batch, 2, 11).layout.spans;
}

/** Two groups of three completions of 9, 1 and 18 tokens behind prompts of 52 and 2. */
function longPacked(): Uint32Array<ArrayBuffer> {
  const [longest, prompts] = [70, [52, 2]];
  const lengths = Uint32Array.from(prompts.flatMap((prompt) => [prompt + 9, prompt + 1, prompt + 18]));
  const lossWeights = new Float32Array(6 * longest);
  lengths.forEach((end, b) => {
    lossWeights.fill(1, b * longest + prompts[Math.floor(b / 3)], b * longest + end);
  });
  const batch = { size: 6, length: longest, tokens: new Uint32Array(6 * longest), lengths, lossWeights };
  return packGroups(batch, 3, 83).layout.spans;
}

const cases: [string, Heads, Uint32Array<ArrayBuffer>, number][] = [
  ['T = 1', { heads: 1, kvHeads: 1, headDim: 4 }, plain([1, 0], 1), 1],
  ['key heads of their own, 65 positions', { heads: 2, kvHeads: 2, headDim: 8 }, plain([65, 33], 65), 65],
  ['one key head for all, every row empty', { heads: 3, kvHeads: 1, headDim: 4 }, plain([0, 0], 9), 9],
  ['grouped heads, ragged and empty rows', grouped, plain([13, 0, 1, 9], 13), 13],
  ['grouped heads, packed rows', grouped, packed(), 11],
  [
    'packed rows whose prompts are longer than a tile',
    { heads: 2, kvHeads: 1, headDim: 24 },
    longPacked(),
    83,
  ],
];

const theta = 10_000;
/** For any heads: the angles go by the width of a head alone. */
const rotationFor = ({ headDim }: Heads) =>
  rotationTable({
    ...multiHead,
    hidden_size: headDim,
    num_attention_heads: 1,
    rope_theta: theta,
    max_position_embeddings: 128,
  });

/** The gradient of what was turned to its positions, turned back. */
const turnedBack = (dqkv: Float64Array, heads: Heads, spans: Uint32Array) =>
  twins.rope(dqkv, heads, theta, (row) => spans[4 * row], true);

/** Forward and backward. lse passes from one to the other. */
function run(
  tuning: Tuning,
  heads: Heads,
  spans: Uint32Array<ArrayBuffer>,
  length: number,
  data: { qkv: Float32Array<ArrayBuffer>; dO: Float32Array<ArrayBuffer> },
  { repeats = 1, tile }: { repeats?: number; tile?: AttentionTile } = {},
) {
  const rows = spans.length / 4;
  const batch = rows / length;
  const perHead = rows * heads.heads;
  const outputs = {
    o: perHead * heads.headDim,
    lse: perHead,
    // Written by the variant without tiles alone.
    delta: new Float32Array(perHead),
    dqkv: rows * twins.rowWidth(heads),
  };
  return runKernel(
    gpu,
    outputs,
    (s) => {
      const shape = s.shape(rows, length, batch);
      const { o, lse, delta, dqkv } = s.out;
      const common = {
        qkv: s.input(data.qkv),
        spans: s.input(spans),
        o,
        lse,
        heads,
        batch,
        length,
        shape,
        tile,
      };
      attention(s.plan, tuning, common);
      const gradient = { dO: s.input(data.dO), delta, dqkv, rotation: s.input(rotationFor(heads)) };
      attentionBackward(s.plan, tuning, { ...common, ...gradient });
    },
    repeats,
  );
}

/** Large numbers in every row of padding: finite, as the layers before leave them, but not to be seen in any result. */
function soilPadding(values: Float32Array<ArrayBuffer>, spans: Uint32Array) {
  const width = values.length / (spans.length / 4);
  return values.map((value, i) => (spans[4 * Math.floor(i / width) + 3] === 0 ? 1e4 : value));
}

describe.each(cases)('attention: %s', (name, heads, spans, length) => {
  const random = stream(`attention ${name}`);
  const rows = spans.length / 4;
  const qkv = normals(random, rows * twins.rowWidth(heads));
  const dO = normals(random, rows * heads.heads * heads.headDim);

  it('forward and backward as the twin, whatever the padding holds', async () => {
    const forward = twins.attention(qkv, spans, heads, length);
    const backward = turnedBack(twins.attentionBackward(qkv, spans, dO, heads, length), heads, spans);
    const data = { qkv: soilPadding(qkv, spans), dO: soilPadding(dO, spans) };
    for (const tuning of tunings) {
      const { o, lse, dqkv } = await run(tuning, heads, spans, length, data);
      expectClose(o, forward.o);
      expectClose(lse, forward.lse);
      expectClose(dqkv, backward);
    }
  });
});

it('through the tiles of a real GPU, as the twin', async () => {
  const heads: Heads = { heads: 2, kvHeads: 1, headDim: 4 };
  const spans = longPacked();
  const random = stream('attention tiles');
  const rows = spans.length / 4;
  const qkv = normals(random, rows * twins.rowWidth(heads));
  const dO = normals(random, rows * heads.heads * heads.headDim);
  const forward = twins.attention(qkv, spans, heads, 83);
  const [tile] = ATTENTION_TILES;
  expect(attentionTileFor(4, false)).toEqual(tile);
  const { o, lse, dqkv } = await run(TUNINGS.tiled, heads, spans, 83, { qkv, dO }, { tile });
  expectClose(o, forward.o);
  expectClose(lse, forward.lse);
  expectClose(dqkv, turnedBack(twins.attentionBackward(qkv, spans, dO, heads, 83), heads, spans));
});

it('a tile fits the workgroup memory of every device, and heads too wide for any go without', () => {
  expect([64, 128, 256, 512].map((width) => attentionTileFor(width, false)?.others)).toEqual([
    16,
    8,
    4,
    undefined,
  ]);
});

it.each([
  ['plain', plain([13, 0, 1, 9], 13), 13],
  ['packed', packed(), 11],
] as const)('attention is equal to the bit in twenty runs, %s rows', async (_name, spans, length) => {
  const random = stream('attention repeats');
  const rows = spans.length / 4;
  const qkv = adversarial(random, rows * twins.rowWidth(grouped));
  const dO = adversarial(random, rows * grouped.heads * grouped.headDim);
  for (const tuning of tunings) {
    const out = await run(tuning, grouped, spans, length, { qkv, dO }, { repeats: 20 });
    Object.values(out).forEach(expectFinite);
  }
});

/** NaN in every row past the end of its prompt. */
function poisonPadding(values: Float32Array<ArrayBuffer>, lengths: number[], length: number) {
  const width = values.length / (lengths.length * length);
  const poisoned = values.slice();
  lengths.forEach((count, b) => {
    poisoned.fill(Number.NaN, (b * length + count) * width, (b + 1) * length * width);
  });
  return poisoned;
}

describe.each<[string, Heads, number, number[], number]>([
  ['one head', { heads: 1, kvHeads: 1, headDim: 4 }, 1, [1], 1],
  ['three query heads to a key head', grouped, 3, [5, 1, 7], 7],
  ['halves of whole fours', { heads: 4, kvHeads: 2, headDim: 24 }, 2, [3, 1, 34], 34],
])('decode_attention: %s', (name, heads, generations, promptLengths, promptLength) => {
  const random = stream(`decode ${name}`);
  const maxNew = 5;
  const rows = promptLengths.length * generations;
  const width = twins.rowWidth(heads);
  const kv = heads.kvHeads * heads.headDim;
  const config = { ...multiHead, hidden_size: heads.heads * heads.headDim, num_attention_heads: heads.heads };
  const rotation = rotationTable({ ...config, max_position_embeddings: promptLength + maxNew });

  /** Steps before this one, as the cache holds them, and this step's rows as they come out of the projection. */
  function scene(steps: number, draw: typeof normals) {
    const prompt = draw(random, promptLengths.length * promptLength * width);
    const now = draw(random, rows * width);
    const before = Array.from({ length: steps }, () => draw(random, rows * width));
    const cache = new Float32Array(rows * maxNew * 2 * kv).fill(Number.NaN);
    before.forEach((qkv, s) => {
      for (let row = 0; row < rows; row++) {
        const keysAndValues = qkv.subarray(row * width + heads.heads * heads.headDim, (row + 1) * width);
        cache.set(keysAndValues, (row * maxNew + s) * 2 * kv);
      }
    });
    return { prompt, now, before, cache };
  }

  const run = (tuning: Tuning, steps: number, data: ReturnType<typeof scene>, repeats = 1) =>
    runKernel(
      gpu,
      { qkv: data.now, cache: data.cache, o: rows * heads.heads * heads.headDim },
      (s) =>
        decodeAttention(s.plan, tuning, {
          qkv: s.out.qkv,
          cache: s.out.cache,
          o: s.out.o,
          prompt: s.input(poisonPadding(data.prompt, promptLengths, promptLength)),
          promptLengths: s.input(Uint32Array.from(promptLengths)),
          rotation: s.input(rotation),
          state: s.input(new Uint32Array([steps, 0, 0, 0])),
          heads,
          generations,
          maxNew,
          rows,
          shape: s.shape(rows, promptLength, rows),
        }),
      repeats,
    );

  it.each([0, 3, maxNew - 1])('at step %i, as the twin', async (steps) => {
    const data = scene(steps, normals);
    const position = (row: number) => promptLengths[Math.floor(row / generations)] - 1 + steps;
    const rotated = twins.rope(data.now, heads, config.rope_theta, position);
    const generated = [...data.before, rotated];
    const expected = twins.decodeAttention(
      data.prompt,
      promptLengths,
      generated,
      heads,
      generations,
      promptLength,
    );
    for (const tuning of tunings) {
      const { o, cache } = await run(tuning, steps, data);
      expectClose(o, expected);
      for (let row = 0; row < rows; row++) {
        const from = (row * maxNew + steps) * 2 * kv;
        const stored = rotated.subarray(row * width + heads.heads * heads.headDim, (row + 1) * width);
        expectClose(cache.subarray(from, from + 2 * kv), stored);
        // The steps before and after keep what they held.
        const others = data.cache.slice(row * maxNew * 2 * kv, (row + 1) * maxNew * 2 * kv);
        others.set(cache.subarray(from, from + 2 * kv), steps * 2 * kv);
        expect(cache.subarray(row * maxNew * 2 * kv, (row + 1) * maxNew * 2 * kv)).toEqual(others);
      }
    }
  });

  it('is equal to the bit in twenty runs', async () => {
    const data = scene(3, adversarial);
    for (const tuning of tunings) expectFinite((await run(tuning, 3, data, 20)).o);
  });
});
