import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { useCpu } from '../../src/gpu/tfjs';
import { itemText, restoreEncoder, type TrainedEncoder, trainEncoder } from '../../src/rank/encoder';
import { smallWorld } from '../sft/world';

const hooks = { gate: async () => 'go' as const };
const options = { steps: 120, embeddingSize: 16 };

let world: Dataset;
let encoder: TrainedEncoder;
let tensors: number;
beforeAll(async () => {
  await useCpu();
  world = await smallWorld();
  tensors = tf.memory().numTensors;
  encoder = await trainEncoder(world, options, 1, hooks);
}, 60_000);

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

describe('the encoder', () => {
  it('grades items by the narrowest category they share', () => {
    const sums = [0, 0, 0, 0];
    const counts = [0, 0, 0, 0];
    world.items.forEach((first, a) => {
      for (let b = 0; b < a; b++) {
        let level = 0;
        while (level < 3 && first.categories[level] === world.items[b].categories[level]) level++;
        sums[level] += dot(
          encoder.itemVectors.subarray(a * 16, (a + 1) * 16),
          encoder.itemVectors.subarray(b * 16, (b + 1) * 16),
        );
        counts[level]++;
      }
    });
    const [nothing, l1, l2, l3] = sums.map((sum, level) => sum / counts[level]);
    expect(Math.abs(nothing)).toBeLessThan(0.12);
    expect(l1).toBeGreaterThan(nothing + 0.1);
    expect(l2).toBeGreaterThan(l1 + 0.2);
    expect(l3).toBeGreaterThan(l2 + 0.15);
    expect(l3).toBeLessThan(1);
    expect(encoder.losses.at(-1)!).toBeLessThan(encoder.losses[0] / 3);
  });

  it('takes a title or categories alone for the item’s kind', () => {
    const [first, , , sibling] = world.items;
    const other = world.items[world.items.length - 1];
    const title = encoder.embed(first.title);
    expect(dot(title, encoder.embed(itemText(first)))).toBeGreaterThan(0.7);
    expect(dot(title, encoder.embed(itemText(first)))).toBeGreaterThan(
      dot(title, encoder.embed(itemText(sibling))),
    );
    expect(dot(title, encoder.embed(itemText(other)))).toBeLessThan(0.4);
  });

  it('embeds known words at unit length, in any order and case, and nothing else', () => {
    const vocabulary = [...new Set(world.items.flatMap((item) => itemText(item).split(' ')))];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...vocabulary), { minLength: 1, maxLength: 6 }), (chosen) => {
        const vector = encoder.embed(chosen.join(' '));
        expect(dot(vector, vector)).toBeCloseTo(1, 5);
        const shouted = encoder.embed(`xyzzy, ${[...chosen].reverse().join('... ').toUpperCase()}!`);
        expect(dot(vector, shouted)).toBeCloseTo(1, 5);
      }),
    );
    for (const text of ['', 'xyzzy', '<>!?']) expect(encoder.embed(text)).toEqual(new Float32Array(16));
  });

  it('gives the same bits twice, is restored to the bit and leaves no tensors behind', async () => {
    expect(tf.memory().numTensors).toBe(tensors);
    const again = await trainEncoder(world, options, 1, hooks);
    expect(again.losses).toEqual(encoder.losses);
    expect(again.wordVectors).toEqual(encoder.wordVectors);
    const restored = restoreEncoder(world, options, encoder.wordVectors.slice());
    expect(restored.itemVectors).toEqual(encoder.itemVectors);
    expect(() => restoreEncoder(world, { embeddingSize: 8 }, encoder.wordVectors)).toThrow(/train it again/);
  });
});
