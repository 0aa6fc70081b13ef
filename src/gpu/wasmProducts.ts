/** Puts `blockedProduct` in the place of TensorFlow.js's own product on the WASM backend, where that one takes its slow way. */
import * as tf from '@tensorflow/tfjs';
import { type LaidMatrices, openBlockedProduct } from './blockedProduct';

const KERNEL = 'BatchMatMul';

/** What is used of the backend, whose types its package does not export. */
interface WasmBackend {
  makeOutput(shape: number[], dtype: 'float32'): tf.TensorInfo;
  /** As the numbers lie, until the backend's memory grows. */
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array;
}

let isReplaced = false;

/** To be called once the backend has started; does nothing the second time, and where there are no vectors. */
export function replaceProducts(): void {
  if (isReplaced) return;
  const product = openBlockedProduct();
  const own = tf.getKernel(KERNEL, 'wasm');
  if (product === null || own === undefined) return;
  isReplaced = true;
  tf.unregisterKernel(KERNEL, 'wasm');
  tf.registerKernel({
    ...own,
    kernelFunc(given) {
      const { a, b } = given.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
      const { transposeA, transposeB } = given.attrs as unknown as Record<
        'transposeA' | 'transposeB',
        boolean
      >;
      const [batches, others] = [a, b].map(({ shape }) => shape.slice(0, -2).reduce((x, y) => x * y, 1));
      const isSlow = transposeA || transposeB || batches > 1 || others > 1;
      const isKnown = [a, b].every(({ dtype, shape }) => dtype === 'float32' && !shape.includes(0));
      if (!isSlow || !isKnown || a.shape.length !== b.shape.length || batches !== others)
        return own.kernelFunc(given);
      const backend = given.backend as WasmBackend;
      const [first, second] = [laid(a, transposeA), laid(b, transposeB)];
      const rows = transposeA ? first.columns : first.rows;
      const columns = transposeB ? second.rows : second.columns;
      const made = backend.makeOutput([...a.shape.slice(0, -2), rows, columns], 'float32');
      const [left, right, out] = [a, b, made].map((tensor) => backend.typedArrayFromHeap(tensor));
      product({ ...first, values: left }, { ...second, values: right }, out, batches);
      return made;
    },
  });
}

function laid({ shape }: tf.TensorInfo, isTransposed: boolean): Omit<LaidMatrices, 'values'> {
  const [rows, columns] = shape.slice(-2);
  return { rows, columns, isTransposed };
}
