/** How many columns of the vocabulary there are logits of at a time. */
import { describe, expect, it } from 'vitest';
import { TUNINGS } from '../../src/gpu/kernels/tuning';
import { sizesOf } from '../../src/model/forward';
import { matrixOf, parameterTable } from '../../src/model/parameters';
import { chunkRanges, chunksOf, planScoring, planTraining, roomOf } from '../../src/model/plans';
import { sizesOf as sizesOfRun } from '../../src/run/budget';
import { PRESET_NAMES, presetConfig } from '../../src/run/presets';
import { multiHead } from './shapes';

/** What every adapter has. */
const LEAST = { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27 };
const room = roomOf(LEAST);

function modelOf(shape: Partial<typeof multiHead>, tuning = TUNINGS.portable) {
  const config = { ...multiHead, ...shape };
  const table = parameterTable(config);
  return { tuning, table, sizes: sizesOf(config), room, trained: { from: 0, to: table.poolSize } };
}

describe('columns of the vocabulary', () => {
  it('are all of them, up to a quarter of a binding', () => {
    // 32 MiB for logits of 1,000 tokens, the weights turned round, and one slice of their gradient.
    const most = 2 ** 25 / (4 * (1000 + 2 * 16));
    const [fits, exceeds] = [Math.floor(most / 4) * 4, Math.ceil(most / 4) * 4];
    expect(planTraining(modelOf({ vocab_size: fits }), 1000).columns).toBe(fits);
    // Half of them, and on to where a chunk may begin.
    expect(planTraining(modelOf({ vocab_size: exceeds }), 1000).columns).toBe(64 * Math.ceil(exceeds / 128));
  });

  it('are fewer where the weights are turned round, or trained', () => {
    const shape = { vocab_size: 49_152, hidden_size: 576, num_attention_heads: 9, num_key_value_heads: 3 };
    const portable = modelOf(shape);
    const trained = matrixOf(portable.table, 'model.layers.0.mlp.down_proj.weight');
    expect(planTraining({ ...portable, trained }, 64).columns).toBe(12_288);
    expect(planTraining(portable, 64).columns).toBe(6_144);
    const tiled = modelOf(shape, TUNINGS.tiled);
    expect(planTraining({ ...tiled, trained }, 64).columns).toBe(49_152);
    expect(planScoring(portable, { size: 3, length: 64 })).toMatchObject({ columns: 12_288, size: 3 });
    expect(planScoring(tiled, { size: 3, length: 64 })).toMatchObject({ columns: 49_152 });
  });

  it('let 151,936 tokens be learnt within default limits', () => {
    for (const tuning of Object.values(TUNINGS)) {
      const model = modelOf({ vocab_size: 151_936, hidden_size: 128, num_attention_heads: 4 }, tuning);
      const { columns, largest, slices } = planTraining(model, 4096);
      expect(columns * 4 * 4096).toBeLessThanOrEqual(room.vocabulary);
      expect(largest).toBeLessThanOrEqual(room.buffer);
      expect(4 * model.table.poolSize).toBeLessThanOrEqual(room.buffer);
      // As many chunks of embeddings have their slices at once as there is room for.
      expect(4 * slices.splits * slices.stride).toBeLessThanOrEqual(room.slices);
    }
  });

  it('are all of them for every preset, even so', () => {
    for (const version of [1, 2] as const)
      for (const name of PRESET_NAMES) {
        const { shape, length, warmupRows, sftRows, groups, packed } = sizesOfRun(
          presetConfig({ preset: name, version }),
        );
        for (const tuning of Object.values(TUNINGS)) {
          const model = modelOf(shape, tuning);
          for (const rows of [warmupRows * length, sftRows * length, groups * packed])
            expect(planTraining(model, rows).columns, `${name}, ${rows} tokens`).toBe(shape.vocab_size);
          expect(planScoring(model, { size: 8, length }).columns).toBe(shape.vocab_size);
        }
      }
  });
});

it('chunks are the vocabulary, in order, and their embeddings the table', () => {
  expect(chunksOf(148, 64)).toEqual([
    { from: 0, size: 64 },
    { from: 64, size: 64 },
    { from: 128, size: 20 },
  ]);
  expect(chunksOf(20, 20)).toEqual([{ from: 0, size: 20 }]);
  const { table } = modelOf({ vocab_size: 148 });
  expect(chunkRanges(table, 64)).toEqual([
    { from: 0, to: 1024 },
    { from: 1024, to: 2048 },
    { from: 2048, to: 2368 },
  ]);
});
