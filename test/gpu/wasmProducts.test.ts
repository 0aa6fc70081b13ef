/** The product that stands in the place of TensorFlow.js's own, held against that one to the bit. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBlockedProduct } from '../../src/gpu/blockedProduct';
import { useSlowPath } from '../../src/gpu/tfjs';
import { Random } from '../../src/numeric/random';

type Kernel = NonNullable<ReturnType<typeof tf.getKernel>>;
/** As its package registers it. */
let theirs: Kernel;

beforeAll(async () => {
  theirs = tf.getKernel('BatchMatMul', 'wasm')!;
  expect(await useSlowPath()).toBe('wasm');
});

/** What both kernels make of the same tensors. */
async function both(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean) {
  const given = { inputs: { a, b }, attrs: { transposeA, transposeB }, backend: tf.backend() };
  const own = tf.getKernel('BatchMatMul', 'wasm')!;
  expect(own.kernelFunc).not.toBe(theirs.kernelFunc);
  const made = [own, theirs].map((kernel) => {
    const info = kernel.kernelFunc(given as never) as tf.TensorInfo;
    return tf.engine().makeTensorFromTensorInfo(info);
  });
  const values = await Promise.all(made.map((tensor) => tensor.data()));
  const shapes = made.map(({ shape }) => shape);
  tf.dispose(made);
  return { values: values as Float32Array[], shapes };
}

/** Of what judges multiply: mostly zeros and ones, or numbers of very different sizes. */
function numbers(kind: 'bags' | 'numbers', count: number, random: Random): Float32Array {
  return Float32Array.from({ length: count }, () =>
    kind === 'numbers'
      ? random.normal() * 10 ** (random.int(9) - 4)
      : random.int(8) > 0
        ? [0, -0][random.int(2)]
        : [1, 1 / 3][random.int(2)],
  );
}

/** [batches, rows of a, terms, columns of b]: below, at and beyond a block of 48 terms, a vector of 4 columns and four of them. */
const SHAPES = [
  [1, 1, 1, 1],
  [1, 3, 47, 4],
  [1, 96, 48, 16],
  [1, 5, 49, 2],
  [1, 304, 640, 16],
  [1, 138, 256, 2],
  [1, 16, 320, 32],
  [1, 7, 97, 20],
  [1, 9, 145, 17],
  [1, 33, 63, 65],
  [64, 10, 5, 16],
  [3, 5, 50, 10],
];

describe.each(SHAPES)('%i products of %i × %i by %i columns', (batches, rows, terms, columns) => {
  it.each([
    [true, false],
    [false, true],
    [true, true],
    [false, false],
  ])('have its bits (transposed: %s, %s)', async (transposeA, transposeB) => {
    const random = new Random(7, 'products', batches, rows, terms, columns);
    for (const kind of ['bags', 'numbers'] as const) {
      const a = tf.tensor3d(
        numbers(kind, batches * rows * terms, random),
        transposeA ? [batches, terms, rows] : [batches, rows, terms],
      );
      const b = tf.tensor3d(
        numbers('numbers', batches * terms * columns, random),
        transposeB ? [batches, columns, terms] : [batches, terms, columns],
      );
      const { values, shapes } = await both(a, b, transposeA, transposeB);
      expect(shapes[0]).toEqual([batches, rows, columns]);
      expect(shapes[1]).toEqual(shapes[0]);
      expect(Buffer.from(values[0].buffer).equals(Buffer.from(values[1].buffer)), kind).toBe(true);
      tf.dispose([a, b]);
    }
  });
});

describe('a product in blocks', () => {
  it('is what the formula says, by another way', () => {
    const product = openBlockedProduct()!;
    const random = new Random(3, 'formula');
    const [rows, terms, columns] = [3, 101, 5];
    const [a, b] = [numbers('numbers', rows * terms, random), numbers('numbers', terms * columns, random)];
    const out = new Float32Array(rows * columns);
    product(
      { values: a, rows, columns: terms, isTransposed: false },
      { values: b, rows: terms, columns, isTransposed: false },
      out,
      1,
    );
    const { fround } = Math;
    const wanted = Array.from({ length: rows * columns }, (_, at) => {
      const [i, j] = [Math.floor(at / columns), at % columns];
      let whole = 0;
      for (const from of [0, 48, 96]) {
        let block = 0;
        for (let k = from; k < Math.min(terms, from + 48); k++)
          block = fround(block + fround(a[i * terms + k] * b[k * columns + j]));
        whole = fround(whole + block);
      }
      return whole;
    });
    expect([...out]).toEqual(wanted);
  });

  it('leaves nothing of a larger one behind', () => {
    const product = openBlockedProduct()!;
    const ones = (rows: number, columns: number) => ({
      values: new Float32Array(rows * columns).fill(1),
      rows,
      columns,
      isTransposed: false,
    });
    product(ones(64, 600), ones(600, 64), new Float32Array(64 * 64), 1);
    const out = new Float32Array(3 * 6);
    product(ones(3, 50), ones(50, 6), out, 1);
    expect([...out]).toEqual(new Array(18).fill(50));
  });
});

describe('tf.matMul', () => {
  it('has the gradient of bags times a table that it had, and gives broadcast batches to the kernel that knows them', async () => {
    const bags = tf.tensor2d([1, 0, 0, 0, 1, 1], [2, 3]);
    const table = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.mul(tf.matMul(bags, x as tf.Tensor2D), 3)))(table);
    expect([...(await gradient.data())]).toEqual([3, 3, 3, 3, 3, 3]);
    const one = tf.ones([1, 2, 3]) as tf.Tensor3D;
    const many = tf.ones([4, 3, 2]) as tf.Tensor3D;
    const out = tf.matMul(one, many);
    expect(out.shape).toEqual([4, 2, 2]);
    expect([...(await out.data())]).toEqual(new Array(16).fill(3));
    tf.dispose([bags, table, gradient, one, many, out]);
  });
});
