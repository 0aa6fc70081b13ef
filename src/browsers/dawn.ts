/** WebGPU in Node: Dawn, on the adapter that TAIJI_ADAPTER names, or the best of those that work. */
import { create, globals } from 'webgpu';
import { findNodeAdapters, isSoftware, NO_NODE_ADAPTER } from './adapters.ts';

let api: GPU | null = null;

/**
 * Dawn's `navigator.gpu`, one for the process, which has but one driver. Also defines WebGPU's global names.
 * A real GPU is preferred to software, which is what tests prefer. @throws an Error that says what to install.
 */
export function openDawn(): GPU {
  if (api !== null) return api;
  const [adapter] = findNodeAdapters(process.env.TAIJI_ADAPTER ?? 'native');
  const chosen = adapter ?? findNodeAdapters()[0];
  if (chosen === undefined) throw new Error(NO_NODE_ADAPTER);
  Object.assign(process.env, chosen.env);
  api = createDawn(chosen.name);
  return api;
}

/** Dawn on the driver that the environment names, and WebGPU's global names. Dawn ends when the object is collected. */
export function createDawn(adapter: string): GPU {
  Object.assign(globalThis, globals);
  if (isSoftware(adapter)) askOnceAMillisecond();
  return create([]);
}

/**
 * While work is under way, Dawn asks by setImmediate, without a pause, whether it is done. On a real GPU that is the quickest way;
 * from a driver that computes on the same cores it takes one of them away.
 */
function askOnceAMillisecond(): void {
  if (setImmediate.name === 'patient') return;
  const immediately = setImmediate;
  const patient = (callback: (...args: unknown[]) => void, ...args: unknown[]) =>
    isNative(callback) && args.length === 0 ? setTimeout(callback, 1) : immediately(callback, ...args);
  globalThis.setImmediate = Object.assign(patient, {
    __promisify__: immediately.__promisify__,
  }) as unknown as typeof setImmediate;
}

/** Whether a function comes from an addon: only Dawn's are handed to setImmediate. */
function isNative(callback: unknown): boolean {
  return Function.prototype.toString.call(callback).includes('[native code]');
}
