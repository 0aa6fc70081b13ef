import { beforeAll, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device';
import { embeddingBackward, embeddingGather, embeddingSums, TUNINGS } from '../../src/gpu/kernels';
import { sortByToken } from '../../src/model/upload';
import { adversarial, expectClose, expectFinite, normals, runKernel, stream, testGpu } from './harness';
import * as twins from './twins';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const random = stream('embedding');
const [V, D] = [20, 12];

const batches: Record<string, number[]> = {
  'one token': [19],
  'all tokens equal, three runs of at most 64': new Array(130).fill(7),
  'random tokens, some never used': Array.from({ length: 67 }, () => random.int(10)),
  'a run of exactly 64, and the first and last token': [...new Array(64).fill(3), 0, 19],
};

/** The gather, and its gradient added to what `gradient` held. */
function run(
  tokens: number[],
  data: Record<'table' | 'dx' | 'before', Float32Array<ArrayBuffer>>,
  repeats = 1,
) {
  const rows = tokens.length;
  const maxItems = Math.ceil(rows / 64) + Math.min(V, rows);
  const sorted = sortByToken(Uint32Array.from(tokens), V, maxItems);
  return runKernel(
    gpu,
    { out: rows * D, partial: maxItems * D, gradient: data.before },
    (s) => {
      const shape = s.shape(rows, rows, 1, maxItems);
      const { out, partial, gradient } = s.out;
      const table = s.input(data.table);
      embeddingGather(s.plan, TUNINGS.portable, {
        table,
        tokens: s.input(Uint32Array.from(tokens)),
        out,
        D,
        V,
        rows,
        shape,
      });
      embeddingSums(s.plan, {
        dx: s.input(data.dx),
        positions: s.input(sorted.positions),
        items: s.input(sorted.items),
        partial,
        D,
        V,
        maxItems,
        shape,
      });
      embeddingBackward(s.plan, { partial, firstItems: s.input(sorted.firstItems), gradient, D, V });
    },
    repeats,
  );
}

it.each(Object.keys(batches))('%s', async (name) => {
  const tokens = batches[name];
  const [table, dx, before] = [V * D, tokens.length * D, V * D].map((n) => normals(random, n));
  const { out, gradient } = await run(tokens, { table, dx, before });
  expect([...out]).toEqual([...twins.gather(table, tokens, D)]);
  const added = twins.gatherBackward(dx, tokens, V, D);
  expectClose(
    gradient,
    before.map((value, i) => value + added[i]),
  );
  for (let v = 0; v < V; v++) {
    if (tokens.includes(v)) continue;
    expect(gradient.subarray(v * D, (v + 1) * D)).toEqual(before.subarray(v * D, (v + 1) * D));
  }
});

it('is equal to the bit in twenty runs', async () => {
  const tokens = Array.from({ length: 199 }, () => (random.chance(0.5) ? 7 : random.int(V)));
  const [table, dx, before] = [V * D, tokens.length * D, V * D].map((n) => adversarial(random, n));
  expectFinite((await run(tokens, { table, dx, before }, 20)).gradient);
});
