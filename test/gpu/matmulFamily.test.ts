import { expect, it } from 'vitest';
import {
  FAMILY,
  keyOf,
  memberFor,
  nameOf,
  offered,
  type ProductExtents,
  splitsAny,
  usual,
} from '../../src/gpu/kernels/matmulFamily';

/** What every adapter has, by the specification of WebGPU. */
const LEAST = {
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
};
const square = (rows: number, K: number): ProductExtents => ({ layout: 'nt', rows, N: 256, K, splits: 1 });
const names = (o: ProductExtents, limits: Partial<typeof LEAST> = {}) =>
  offered(o, { ...LEAST, ...limits }).map(nameOf);

it('is usually the largest tile of which a product has enough', () => {
  const usually = (rows: number, N: number, splits = 1) => nameOf(usual({ rows, N, splits }));
  // 32 × 32 tiles of 128, and one row of them less.
  expect(usually(4096, 4096)).toBe('128x128');
  expect(usually(3968, 4096)).toBe('64x64');
  // 54 × 6 tiles of 64, and 54 × 4.
  expect(usually(3456, 384)).toBe('64x64');
  expect(usually(3456, 256)).toBe('64x64:8x4');
  // 16 × 6 of them, and 16 × 4; slices count.
  expect(usually(1024, 384)).toBe('64x64:8x4');
  expect(usually(1024, 256)).toBe('32x32');
  expect(usually(256, 256, 7)).toBe('64x64:8x4');
  expect(usually(1, 4)).toBe('32x32');
});

it('offers all members on the least of devices, and none that needs more than a device has', () => {
  const all = [
    ...['128x128', '128x64', '64x64', '64x64:8x4', '32x32', '16x64'],
    ...['64x64/4', '32x32/4', '16x64/8'],
  ];
  expect(names(square(64, 1024))).toEqual(all);
  const without = (...gone: string[]) => all.filter((name) => !gone.includes(name));
  // Those three have 128 threads; the first and the last keep 256 × 16 and 128 × 32 floats, which are 16 KiB, and 128 × 64 has 12 KiB.
  const many = ['128x128', '128x64', '64x64:8x4'];
  expect(names(square(64, 1024), { maxComputeInvocationsPerWorkgroup: 127 })).toEqual(without(...many));
  expect(names(square(64, 1024), { maxComputeWorkgroupSizeX: 127 })).toEqual(without(...many));
  expect(names(square(64, 1024), { maxComputeWorkgroupStorageSize: 16_383 })).toEqual(
    without('128x128', '64x64:8x4'),
  );
  expect(names(square(64, 1024), { maxComputeWorkgroupStorageSize: 12_287 })).toEqual(without(...many));
  expect(names(square(64, 1024), { maxComputeWorkgroupStorageSize: 10_239 })).toEqual([
    '64x64',
    '32x32',
    '64x64/4',
    '32x32/4',
  ]);
});

it('splits k where every run has a step and the slices have room, and never the sums of slices', () => {
  const cut = (o: ProductExtents) => names(o).filter((name) => name.includes('/'));
  expect(cut(square(64, 256))).toEqual(['64x64/4', '32x32/4', '16x64/8']);
  expect(cut(square(64, 252))).toEqual(['64x64/4', '32x32/4']);
  expect(cut(square(64, 124))).toEqual(['64x64/4']);
  expect(cut(square(64, 60))).toEqual([]);
  // 2,048 rows of 256 in four slices are 2²¹ floats.
  expect(cut(square(2048, 256))).toEqual(['64x64/4', '32x32/4']);
  expect(cut(square(2049, 256))).toEqual([]);
  expect(cut({ ...square(64, 0), layout: 'tn', splits: 7 })).toEqual([]);
});

it('has tiles that the shader can lay out', () => {
  for (const { m, n, step, blocks } of FAMILY) {
    // 32 threads lie as 8 × 4, and the swizzle needs powers of two.
    expect((n / (4 * blocks[1])) % 8).toBe(0);
    expect((m / (4 * blocks[0])) % 4).toBe(0);
    for (const extent of [m, n]) expect(Math.log2(extent) % 1).toBe(0);
    expect(32 % step).toBe(0);
  }
  expect(new Set(FAMILY.map(nameOf)).size).toBe(FAMILY.length);
});

it('takes what a table says for the very shape, and what is usual for all others', () => {
  const nt: ProductExtents = { layout: 'nt', rows: 192, N: 256, K: 1024, splits: 1 };
  const tn: ProductExtents = { layout: 'tn', rows: 1024, N: 256, K: 0, splits: 7 };
  expect(keyOf(nt)).toBe('nt 192x256x1024');
  expect(keyOf(tn)).toBe('tn 1024x256/7');
  // What is stored otherwise may be fastest otherwise.
  expect(keyOf({ ...nt, half: 'b' })).toBe('nt 192x256x1024 f16 b');
  const table = { 'nt 192x256x1024': '32x32/4', 'tn 1024x256/7': '128x64' };
  const taken = (o: ProductExtents) => nameOf(memberFor(o, table));
  expect(taken(nt)).toBe('32x32/4');
  expect(taken(tn)).toBe('128x64');
  for (const other of [
    { ...nt, layout: 'nn' as const },
    { ...nt, rows: 193 },
    { ...nt, N: 260 },
    { ...nt, K: 1020 },
    { ...tn, splits: 6 },
  ])
    expect(memberFor(other, table)).toBe(usual(other));
  expect(memberFor(nt, {})).toBe(usual(nt));
  expect(splitsAny(table)).toBe(true);
  expect(splitsAny({ 'tn 1024x256/7': '128x64' })).toBe(false);
});

it('refuses a table that asks for what there is not, or what a product cannot take', () => {
  const take = (o: ProductExtents, name: string) => () => memberFor(o, { [keyOf(o)]: name });
  const nt = square(64, 60);
  expect(take(nt, '256x256')).toThrow('nt 64x256x60 cannot be shared out as 256x256');
  expect(take(nt, '64x64/4')).toThrow(RangeError);
  expect(take({ ...nt, layout: 'tn', K: 0, splits: 2 }, '64x64/4')).toThrow(RangeError);
});
