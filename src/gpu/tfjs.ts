/**
 * TensorFlow.js on a device of ours. Its stock WebGPU backend would ask for a device of its own, with neither our limits
 * nor our error handling, so it is replaced by one on the GPUDevice that the engine already holds. Without WebGPU the
 * same ops run on the WASM backend, or on the CPU backend where that does not start.
 *
 * Two flags are set against the defaults of tfjs-backend-webgpu 4.22.0: WEBGPU_CPU_FORWARD, which moves small tensors to
 * the CPU and back in the middle of a step, and WEBGPU_MATMUL_PROGRAM_TYPE, whose automatic choice takes a split-K kernel
 * for some shapes that adds floats with atomics, in an order that changes from run to run.
 */
import * as tf from '@tensorflow/tfjs';
import { replaceProducts } from './wasmProducts';

/** `MatMulProgramType.MatMulPackedProgram` of tfjs-backend-webgpu: tiles in workgroup memory, a fixed order of sums. */
const PACKED_MATMUL = 3;
/** Lets tfjs choose per shape. */
const AUTOMATIC_MATMUL = -1;

/**
 * Makes `device` the one that TensorFlow.js computes on; replaces an earlier one and disposes its tensors.
 * @param options.deterministic false leaves the choice of matmul kernels to tfjs, for measuring it as it comes
 * @throws when tfjs cannot start on the device
 */
export async function useDevice(
  device: GPUDevice,
  info: GPUAdapterInfo,
  options: { deterministic: boolean } = { deterministic: true },
): Promise<void> {
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  tf.env().set('WEBGPU_MATMUL_PROGRAM_TYPE', options.deterministic ? PACKED_MATMUL : AUTOMATIC_MATMUL);
  // In a browser the import has just registered the stock backend, which would win over ours.
  if (tf.findBackendFactory('webgpu')) tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', () => withNavigatorGpu(() => new WebGPUBackend(device, info)), 3);
  if (!(await start('webgpu'))) {
    throw new Error(
      'TensorFlow.js did not start on the WebGPU device: reload the page, or use the WASM backend.',
    );
  }
}

/** The slow path without WebGPU: WASM where it starts, else plain JavaScript. Resolves with what is now in use. */
export async function useSlowPath(): Promise<'wasm' | 'cpu'> {
  if (await useWasm()) return 'wasm';
  await useCpu();
  return 'cpu';
}

/**
 * WebAssembly, with SIMD where the browser has it. False where it does not start. One thread: tfjs's threaded build copies
 * its own function into a blob by source text, which minified code does not survive (on a cross-origin isolated page it
 * kills the worker).
 */
async function useWasm(): Promise<boolean> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  // In Node the package finds its binaries itself; a bundled page has to say where the bundler put them.
  if (typeof process === 'undefined') {
    const [plain, simd] = await Promise.all([
      import('@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.wasm?url'),
      import('@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm?url'),
    ]);
    wasm.setWasmPaths({
      'tfjs-backend-wasm.wasm': plain.default,
      'tfjs-backend-wasm-simd.wasm': simd.default,
      // Never loaded, but tfjs wants all three named.
      'tfjs-backend-wasm-threaded-simd.wasm': simd.default,
    });
  }
  const isStarted = await start('wasm');
  if (isStarted) replaceProducts();
  return isStarted;
}

/** Who is at it on the processor, and what is in use again once nobody is; nothing where nothing was. */
const onIt: { count: number; before?: string } = { count: 0 };
/** One comes or goes at a time: TensorFlow.js cannot change to the same twice at once. */
let turn: Promise<unknown> = Promise.resolve();

function inTurn(work: () => Promise<unknown>): Promise<unknown> {
  const own = turn.then(work);
  turn = own.catch(() => undefined);
  return own;
}

/** Does something on the slow path, whatever is in use, and leaves in use what was. */
export async function onProcessor<T>(work: () => Promise<T>): Promise<T> {
  await inTurn(async () => {
    if (onIt.count++ > 0 || isOnProcessor()) return;
    onIt.before = tf.getBackend();
    await useSlowPath();
  });
  try {
    return await work();
  } finally {
    await inTurn(async () => {
      const { before } = onIt;
      if (--onIt.count > 0 || before === undefined) return;
      onIt.before = undefined;
      await tf.setBackend(before);
    });
  }
}

/** Whether each operation is a call of the processor now, and no number has to be waited for. */
export function isOnProcessor(): boolean {
  return tf.getBackend() === 'wasm' || tf.getBackend() === 'cpu';
}

/** Plain JavaScript: runs everywhere. */
export async function useCpu(): Promise<void> {
  await start('cpu');
}

function start(backend: string): Promise<boolean> {
  // Without the banner that the CPU backend prints in Node, and without tfjs's debug checks.
  tf.enableProdMode();
  return tf.setBackend(backend);
}

/**
 * tfjs refuses to construct its backend unless `navigator.gpu` exists, though it never uses it when given a device.
 * Node has none: stand one in for the length of the call.
 */
function withNavigatorGpu<T>(construct: () => T): T {
  if (globalThis.navigator?.gpu) return construct();
  const held = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: {} }, configurable: true });
  try {
    return construct();
  } finally {
    if (held) Object.defineProperty(globalThis, 'navigator', held);
    else Reflect.deleteProperty(globalThis, 'navigator');
  }
}
