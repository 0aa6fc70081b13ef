/** Where similar users are sought: untouched, whitened by rule, and behind a head that is held against a plain step and what it is for. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { StageHooks } from '../../src/control/hooks';
import { useSlowPath } from '../../src/gpu/tfjs';
import { Random } from '../../src/numeric/random';
import { trainContrastiveHead } from '../../src/rank/contrastiveHead';
import { soughtIn } from '../../src/rank/similarSpace';
import { type Moments, meanCosine, type PastMoments } from '../../src/rank/similarUsers';
import { whiteningOf } from '../../src/rank/whitening';
import { cutAt } from '../run/stages/cut';

const hooks = { gate: async () => 'go' as const };
const DIMENSION = 6;
const ITEMS = 5;

beforeAll(useSlowPath);

/**
 * What is said of a person: the item that follows in three numbers out of six, and in the others, which are louder, something that does
 * not matter.
 */
function noisy(rows: number, purpose: string): PastMoments {
  const random = new Random(1, purpose);
  const next = Array.from({ length: rows }, () => random.int(ITEMS));
  const vectors = next.flatMap((item) => {
    const own = [0, 1, 2].map((d) => Math.cos(item * (d + 1)));
    const row = [...own, ...[3, 4, 5].map(() => 4 * random.normal())];
    return row.map((x) => x / Math.hypot(...row));
  });
  const users = next.map((_, row) => `${purpose} ${row}`);
  return { vectors: Float32Array.from(vectors), dimension: DIMENSION, users, next };
}
const itemVectors = Float32Array.from(
  Array.from({ length: ITEMS }, (_, item) => {
    const row = [...[0, 1, 2].map((d) => Math.cos(item * (d + 1))), 0, 0, 0];
    return row.map((x) => x / Math.hypot(...row));
  }).flat(),
);
const past = noisy(300, 'past');
const requests = noisy(200, 'requests');

/** Of how many requests the nearest moment has the item that came next. */
function hits(asked: Moments, others: PastMoments): number {
  let right = 0;
  for (let row = 0; row < requests.next.length; row++) {
    let [best, most] = [0, -2];
    for (let at = 0; at < others.next.length; at++) {
      let cosine = 0;
      for (let d = 0; d < DIMENSION; d++)
        cosine += asked.vectors[row * DIMENSION + d] * others.vectors[at * DIMENSION + d];
      if (cosine > most) [best, most] = [at, cosine];
    }
    right += Number(others.next[best] === requests.next[row]);
  }
  return right / requests.next.length;
}

describe('where similar users are sought', () => {
  it('is among the very vectors that were embedded, where nothing is asked for', async () => {
    const same = Float32Array.from(Array.from({ length: 9 }, () => [0.6, 0.8]).flat());
    const alike = { vectors: same, dimension: 2, users: past.users.slice(0, 9), next: past.next };
    for (const others of [past, alike]) {
      const sought = { requests: others, past: others, itemVectors };
      const made = await soughtIn(sought, { whitenAbove: 1, headSteps: 0 }, 1, hooks);
      expect(made.requests.vectors).toBe(others.vectors);
      expect(made.past.vectors).toBe(others.vectors);
      expect(made.isWhitened).toBe(false);
    }
  });

  it('is whitened where the past’s mean cosine is above the bound, by the past alone, and not below it', async () => {
    const mean = meanCosine(past);
    const asked = { requests, past, itemVectors };
    const above = await soughtIn(asked, { whitenAbove: mean + 1e-3, headSteps: 0 }, 1, hooks);
    expect([above.isWhitened, above.requests.vectors]).toEqual([false, requests.vectors]);
    const below = await soughtIn(asked, { whitenAbove: mean - 1e-3, headSteps: 0 }, 1, hooks);
    const whiten = (await whiteningOf(past, async () => {}))!;
    expect(below.isWhitened).toBe(true);
    expect(below.requests.vectors).toEqual(whiten(requests.vectors));
    expect(below.past.vectors).toEqual(whiten(past.vectors));
    expect([below.past.next, below.requests.users]).toEqual([past.next, requests.users]);
  });

  it('is not whitened where everybody was told the same, whatever the bound', async () => {
    const vectors = Float32Array.from(past.users.flatMap(() => [1, 0, 0, 0, 0, 0]));
    const asked = { requests, past: { ...past, vectors }, itemVectors };
    const made = await soughtIn(asked, { whitenAbove: 0.5, headSteps: 0 }, 1, hooks);
    expect([made.isWhitened, made.requests.vectors]).toEqual([false, requests.vectors]);
  });

  it('is behind a head that brings people together who chose the same next, also of whitened vectors', async () => {
    const asked = { requests, past, itemVectors };
    const before = hits(requests, past);
    expect(before).toBeLessThan(0.75);
    for (const whitenAbove of [1, -1]) {
      const made = await soughtIn(asked, { whitenAbove, headSteps: 150 }, 1, hooks);
      expect(hits(made.requests, made.past)).toBeGreaterThan(before + 0.1);
    }
  });
});

it('whitens the catalogue too, before a head learns what lies near what', async () => {
  const asked = { requests, past, itemVectors };
  const made = await soughtIn(asked, { whitenAbove: -1, headSteps: 9 }, 4, hooks);
  const whiten = (await whiteningOf(past, async () => {}))!;
  const white = { ...past, vectors: whiten(past.vectors) };
  const learning = { past: white, itemVectors: whiten(itemVectors) };
  const head = await trainContrastiveHead(learning, 9, 4, hooks);
  expect(made.past.vectors).toEqual(await head.map(white.vectors));
  expect(made.requests.vectors).toEqual(await head.map(whiten(requests.vectors)));
  head.dispose();
});

describe('a contrastive head', () => {
  it('begins as the identity, with InfoNCE as its loss, written out', async () => {
    const none = await trainContrastiveHead({ past, itemVectors }, 0, 1, hooks);
    const mapped = await none.map(past.vectors);
    mapped.forEach((value, at) => {
      expect(value).toBeCloseTo(past.vectors[at], 5);
    });
    expect(none.losses).toEqual([]);
    none.dispose();

    const head = await trainContrastiveHead({ past, itemVectors }, 1, 3, hooks);
    const random = new Random(3, 'ranking/head', 0);
    const batch = Array.from({ length: 128 }, () => random.int(300));
    const items = [...new Set(batch.map((row) => past.next[row]))];
    const surprises = batch.map((row) => {
      const scores = items.map((item) => {
        let cosine = 0;
        for (let d = 0; d < DIMENSION; d++)
          cosine += past.vectors[row * DIMENSION + d] * itemVectors[item * DIMENSION + d];
        return Math.exp(cosine / 0.1);
      });
      return -Math.log(scores[items.indexOf(past.next[row])] / scores.reduce((a, b) => a + b, 0));
    });
    expect(head.losses[0]).toBeCloseTo(surprises.reduce((a, b) => a + b, 0) / 128, 4);
    head.dispose();
  });

  it('learns, by the seed alone, and leaves what was not said at zero', async () => {
    const silent = new Float32Array(DIMENSION);
    const some = { ...past, vectors: Float32Array.from([...silent, ...past.vectors.subarray(DIMENSION)]) };
    const run = async (seed: number) => {
      const head = await trainContrastiveHead({ past: some, itemVectors }, 40, seed, hooks);
      const mapped = await head.map(some.vectors);
      head.dispose();
      return { losses: head.losses, mapped };
    };
    const [first, again, other] = [await run(1), await run(1), await run(2)];
    expect(again).toEqual(first);
    expect(other.losses).not.toEqual(first.losses);
    const mean = (losses: number[]) => losses.reduce((a, b) => a + b, 0) / losses.length;
    expect(mean(first.losses.slice(-10))).toBeLessThan(0.8 * mean(first.losses.slice(0, 10)));
    expect([...first.mapped.subarray(0, DIMENSION)]).toEqual([...silent]);
    expect(Math.hypot(...first.mapped.subarray(DIMENSION, 2 * DIMENSION))).toBeCloseTo(1, 5);
  });

  it('is of nothing where nothing was said of anybody', async () => {
    const nobody = { ...past, vectors: new Float32Array(past.vectors.length) };
    const head = await trainContrastiveHead({ past: nobody, itemVectors }, 5, 1, hooks);
    expect(head.losses).toEqual([]);
    expect((await head.map(requests.vectors)).every(Number.isFinite)).toBe(true);
    head.dispose();
  });

  it('comes to the same bits wherever it was cut off, and stops when told to', async () => {
    const asked = { requests, past, itemVectors };
    const train = (own: StageHooks) => soughtIn(asked, { whitenAbove: 1, headSteps: 24 }, 1, own);
    const whole = await train(hooks);
    for (const cut of [3, 20]) expect((await cutAt([cut], train)).result).toEqual(whole);
    const stop = { gate: async () => 'stop' as const };
    await expect(train(stop)).rejects.toThrow('Contrastive head was stopped');
  });
});
