import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { words } from '../../src/data/words';
import { useSlowPath } from '../../src/gpu/tfjs';
import { Random } from '../../src/numeric/random';
import { itemText, restoreEncoder, type TrainedEncoder, trainEncoder } from '../../src/rank/encoder';
import { smallWorld } from '../sft/world';

const hooks = { gate: async () => 'go' as const };
const options = { steps: 120, embeddingSize: 16 };

let world: Dataset;
let encoder: TrainedEncoder;
let tensors: number;
beforeAll(async () => {
  await useSlowPath();
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

  it('begins at random vectors, and its first loss weighs all relations alike', async () => {
    const size = 8;
    const one = await trainEncoder(world, { steps: 1, embeddingSize: size }, 1, hooks);
    const vocabulary = [...new Set(world.items.flatMap((item) => words(itemText(item))))];
    const normal = new Random(1, 'encoder/words');
    const initial = vocabulary.map(() => Array.from({ length: size }, () => normal.normal()));
    // 96 views, in fours: an item, and three at most 1, 5 and 20 places further in the order of categories.
    const random = new Random(1, 'encoder', 0);
    const path = (item: number) => world.items[item].categories.join('\u0000');
    const order = world.items
      .map((_, item) => item)
      .sort((a, b) => (path(a) < path(b) ? -1 : path(a) > path(b) ? 1 : a - b));
    const rows: number[] = [];
    while (rows.length < 96) {
      const at = random.int(order.length);
      for (const reach of [0, 1, 5, 20]) rows.push(order[(at + random.int(reach + 1)) % order.length]);
    }
    const used = new Set<string>();
    const vectors = rows.map((item) => {
      const { title, categories } = world.items[item];
      const [named, filed] = [words(title), words(categories.join(' '))];
      const view = random.pick([[...named, ...filed], named, filed]);
      const mean = Array.from({ length: size }, () => 0);
      for (const word of view) {
        used.add(word);
        initial[vocabulary.indexOf(word)].forEach((value, d) => {
          mean[d] += value / view.length;
        });
      }
      return mean.map((value) => value / Math.hypot(...mean));
    });
    const grades = [0, 0.2, 0.5, 0.8, 1];
    const squares: number[][] = grades.map(() => []);
    rows.forEach((a, i) => {
      rows.forEach((b, j) => {
        if (i === j) return;
        const [first, second] = [world.items[a].categories, world.items[b].categories];
        const differs = [0, 1, 2].findIndex((level) => first[level] !== second[level]);
        const relation = a === b ? 4 : differs < 0 ? 3 : differs;
        const cosine = vectors[i].reduce((sum, value, d) => sum + value * vectors[j][d], 0);
        squares[relation].push((cosine - grades[relation]) ** 2);
      });
    });
    const present = squares.filter(({ length }) => length > 0);
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(present.length).toBeGreaterThan(3);
    expect(one.losses[0]).toBeCloseTo(mean(present.map(mean)), 4);
    // Adam's first step is as long as its rate, for each word that was looked at and for no other.
    vocabulary.forEach((word, index) => {
      initial[index].forEach((value, d) => {
        const moved = Math.abs(one.wordVectors[index * size + d] - value);
        if (!used.has(word)) expect(moved, word).toBeLessThan(1e-6);
        else expect(moved, word).toBeLessThan(0.0301);
      });
    });
    const far = one.wordVectors.filter((value, at) => {
      const before = initial[Math.floor(at / size)][at % size];
      return used.has(vocabulary[Math.floor(at / size)]) && Math.abs(Math.abs(value - before) - 0.03) < 1e-3;
    });
    expect(far.length / (used.size * size)).toBeGreaterThan(0.9);
  });

  it('copes with items that lack a title, categories or both, and with a catalogue of one kind', async () => {
    const items = world.items.slice(0, 12).map((item, index) => ({
      ...item,
      title: index % 3 === 0 ? '' : item.title,
      categories: index % 2 === 0 ? (['', '', ''] as const) : item.categories,
    }));
    const made = await trainEncoder({ ...world, items }, { steps: 3, embeddingSize: 4 }, 1, hooks);
    expect(made.losses.every(Number.isFinite)).toBe(true);
    // Item 0 has neither.
    expect([...made.itemVectors.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
    const alike = items.map((item) => ({ ...item, title: 'x', categories: ['a', 'b', 'c'] as const }));
    const flat = await trainEncoder({ ...world, items: alike }, { steps: 2, embeddingSize: 4 }, 1, hooks);
    expect(flat.losses.every(Number.isFinite)).toBe(true);
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
