/** The family of tiled products: the ways in which workgroups and threads may share one out, and which of them it takes. */
import { groups } from './tuning';

/** What a product is as far as sharing it out goes. */
export interface ProductExtents {
  layout: 'nt' | 'nn' | 'tn';
  /** Extents of its output, and how many slices there are of it: more than one in tn alone. */
  rows: number;
  N: number;
  splits: number;
  /** What is summed over; 0 in tn, where a shader is told it when it runs. */
  K: number;
  /** Operands that are stored in f16; left out: none. */
  half?: 'a' | 'b' | 'ab';
}

/** A way to share a product out; see matmul_tiled.wgsl. */
export interface Member {
  /** Outputs of a workgroup, multiples of 32 along n and of 16 along m, and powers of two. */
  m: number;
  n: number;
  /** Of k at a time: 16 or 32. */
  step: number;
  /** A thread makes so many blocks of 4 × 4 outputs along m, and along n. */
  blocks: readonly [m: number, n: number];
  /** Workgroups that share a sum, each a run of k. Their sums are added in the order of k by a pass of its own. */
  splits: number;
}

const LARGE: Member = { m: 128, n: 128, step: 16, blocks: [2, 4], splits: 1 };
const SQUARE: Member = { m: 64, n: 64, step: 16, blocks: [2, 2], splits: 1 };
/** Twice as many threads for as many outputs: for products of few tiles. */
const SHARED: Member = { m: 64, n: 64, step: 32, blocks: [2, 1], splits: 1 };
const SMALL: Member = { m: 32, n: 32, step: 32, blocks: [1, 1], splits: 1 };

/** Largest first, and then those that split k. Each keeps 16 KB of workgroup memory at most, which every device has. */
export const FAMILY: readonly Member[] = [
  LARGE,
  { m: 128, n: 64, step: 16, blocks: [2, 2], splits: 1 },
  SQUARE,
  SHARED,
  SMALL,
  // For decoding, where rows are few.
  { m: 16, n: 64, step: 32, blocks: [1, 1], splits: 1 },
  { m: 64, n: 64, step: 16, blocks: [2, 2], splits: 4 },
  { m: 32, n: 32, step: 32, blocks: [1, 1], splits: 4 },
  { m: 16, n: 64, step: 32, blocks: [1, 1], splits: 8 },
];

/** Tiles from which on a product usually takes a member, by measurement on a large GPU; see LOG.md, 2026-11-27. */
const ENOUGH: readonly [member: Member, tiles: number][] = [
  [LARGE, 1000],
  [SQUARE, 300],
  [SHARED, 90],
];

/** Of this list and of how its members are written: which is the fastest is found anew for another. */
export const FAMILY_EDITION = 2;

/** Floats that the slices of a product which splits k take at most: it is for products with few outputs. */
export const MOST_PARTIALS = 2 ** 21;

/**
 * As a person and a table of choices call it: `128x64`, and with k in four runs `64x64/4`. Where a thread makes less of a tile's width
 * than of its height, its outputs are told: `64x64:8x4`.
 */
export function nameOf({ m, n, blocks: [tall, wide], splits }: Member): string {
  return `${m}x${n}${wide < tall ? `:${4 * tall}x${4 * wide}` : ''}${splits > 1 ? `/${splits}` : ''}`;
}

const NAMED = new Map(FAMILY.map((member) => [nameOf(member), member]));

export function threadsOf({ m, n, blocks }: Member): number {
  return (m / (4 * blocks[0])) * (n / (4 * blocks[1]));
}

type Limits = Pick<
  GPUSupportedLimits,
  'maxComputeWorkgroupStorageSize' | 'maxComputeInvocationsPerWorkgroup' | 'maxComputeWorkgroupSizeX'
>;

/** The members that a product may take on a device, in the family's order. */
export function offered(o: ProductExtents, limits: Limits): Member[] {
  const threads = Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX);
  return FAMILY.filter(
    (member) =>
      threadsOf(member) <= threads &&
      4 * (member.m + member.n) * member.step <= limits.maxComputeWorkgroupStorageSize &&
      suits(member, o),
  );
}

/** The sums of tn are cut into slices already, and a run of k is a step at least. */
function suits({ splits, step }: Member, { layout, rows, N, K }: ProductExtents): boolean {
  return splits === 1 || (layout !== 'tn' && splits * step <= K && splits * rows * N <= MOST_PARTIALS);
}

/**
 * A product as a table of choices calls it: layout, rows × columns, length of the sum or slices, and what is f16; `nt 192x256x1024`,
 * `tn 1024x256/7`, `nt 192x256x1024 f16 b`.
 */
export function keyOf({ layout, rows, N, K, splits, half }: ProductExtents): string {
  const stored = half === undefined ? '' : ` f16 ${half}`;
  return `${layout} ${rows}x${N}${layout === 'tn' ? `/${splits}` : `x${K}`}${stored}`;
}

/**
 * The member that a product takes: by its shape alone, so that equal runs with equal choices take equal members. The tiles of those that
 * do not split k sum in the same order, and gave the same bits where this was tried; splitting k rounds otherwise.
 * Scoring and answering are cut into turns by the device's room (model/plans.ts), so their rows differ between devices: choices that
 * are to hold on all must not split k in them.
 * @param choices names of members by `keyOf`; a product that they do not have takes the usual one
 * @throws RangeError for a member that there is not, or that the product cannot take
 */
export function memberFor(o: ProductExtents, choices: Readonly<Record<string, string>>): Member {
  const key = keyOf(o);
  if (!Object.hasOwn(choices, key)) return usual(o);
  const member = NAMED.get(choices[key]);
  if (member === undefined || !suits(member, o))
    throw new RangeError(`The product ${key} cannot be shared out as ${choices[key]}.`);
  return member;
}

/** As `memberFor`, of those that do not split k. */
export function wholeMemberFor(o: ProductExtents, choices: Readonly<Record<string, string>>): Member {
  const member = memberFor(o, choices);
  return member.splits === 1 ? member : usual(o);
}

/** Whether a table of choices has a product that splits k. */
export function splitsAny(choices: Readonly<Record<string, string>>): boolean {
  return FAMILY.some((member) => member.splits > 1 && Object.values(choices).includes(nameOf(member)));
}

/**
 * The largest tile of which a product has enough, else the smallest: the larger a tile, the fewer bytes it reads per output, but a GPU
 * with work for few of its cores is slower still. A function of the shape alone, so that equal runs take equal tiles.
 */
export function usual({ rows, N, splits }: Pick<ProductExtents, 'rows' | 'N' | 'splits'>): Member {
  const enough = ENOUGH.find(([{ m, n }, tiles]) => groups(rows, m) * groups(N, n) * splits >= tiles);
  return enough?.[0] ?? SMALL;
}
