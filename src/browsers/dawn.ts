/** WebGPU in Node: Dawn, on the adapter that TAIJI_ADAPTER names, or the best of those that work. */
import { create, globals } from 'webgpu';
import { findNodeAdapters, NO_NODE_ADAPTER } from './adapters.ts';

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
  Object.assign(globalThis, globals);
  api = create([]);
  return api;
}
