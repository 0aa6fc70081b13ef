/** What a run computes on, behind one interface: the compiled engine on a GPU, or the reference model without one. */
import { type Compiling, type Gpu, openGpu } from '../gpu/device';
import { KERNELS_VERSION, tuningFor } from '../gpu/kernels';
import { FAMILY_EDITION } from '../gpu/kernels/matmulFamily';
import { useDevice, useSlowPath } from '../gpu/tfjs';
import { type ChoiceShelf, Tuner } from '../gpu/tuner';
import type { ModelConfig } from '../model/config';
import type { LanguageModel } from '../model/languageModel';
import { initialParameters } from '../model/parameters';
import { ReferenceModel } from '../model/reference';
import { createTransformer, Transformer } from '../model/transformer';
import { CompiledPolicyOptimizer } from '../popo/compiledUpdate';
import type { PolicyOptions } from '../popo/options';
import type { PolicyOptimizer } from '../popo/policy';
import { ReferencePolicyOptimizer } from '../popo/referenceUpdate';
import { ConfigError, type RunConfig } from './config';
import { roundsWeights } from './fields/run';
import { type DeviceInfo, deviceKey } from './report';

export interface RunDevice {
  readonly info: DeviceInfo;
  /** The kernel variants in use; `auto` is resolved. */
  readonly kernels: RunConfig['kernels'];
  /** Whether judges can be trained beside the model at no cost to it: a GPU leaves cores idle, one that a processor plays takes them all. */
  readonly leavesCores: boolean;
  /** Tells of every pipeline that is asked for or built; absent where nothing is compiled. */
  watchCompiling?(tell: (compiling: Compiling) => void): void;
  /** Whether the device is gone, so that whatever fails fails for that reason. Waits for news that is on its way. */
  isLost(): Promise<boolean>;
  /**
   * @param seed of the initial weights (`initialParameters`)
   * @param largestBatch rows of the largest batch that the run will train on, each `max_position_embeddings` long
   * @throws GpuLimitError when the device cannot hold it, before anything of that size is allocated
   */
  createModel(config: ModelConfig, seed: number, largestBatch: number): Promise<LanguageModel>;
  /** @param model made by this device */
  createPolicyOptimizer(model: LanguageModel, options: PolicyOptions): PolicyOptimizer;
  /** Frees what the device holds. */
  close(): void;
  /** For tests of recovery. */
  lose(): void;
}

/** News of a lost device may come after the failure it caused, by this much. */
const LOSS_PATIENCE_MS = 1000;

/**
 * The best there is: the engine on a WebGPU adapter, else TensorFlow.js on WASM, else in plain JavaScript.
 * @param kernels the run's; `auto` chooses for the adapter
 * @param api given in Node, where no navigator has one
 * @param shelves by adapter, version of the kernels and edition of the family of products, where what is chosen on it is kept
 * @throws ConfigError for kernels that round, where there is no adapter: in f32 it would be another run
 */
export async function openRunDevice(
  kernels: RunConfig['kernels'],
  api?: GPU,
  shelves?: (adapter: string) => ChoiceShelf,
): Promise<RunDevice> {
  const gpu = await openGpu(api, 'own', 'timed');
  if (gpu === null && roundsWeights(kernels))
    throw new ConfigError('kernels tiled-f16 needs WebGPU, which is not offered here: set kernels to auto.');
  return gpu === null ? openReferenceDevice() : engineDevice(gpu, kernels, shelves);
}

/** What `openRunDevice` would open, and what a person should know about it. Never rejects. */
export async function describeRunDevice(api?: GPU): Promise<{ device: DeviceInfo; warning: string | null }> {
  const gpu = await openGpu(api).catch(() => null);
  if (gpu === null) {
    return {
      device: { ...SLOW_PATH, backend: typeof WebAssembly === 'undefined' ? 'cpu' : 'wasm' },
      warning:
        'This browser offers no WebGPU adapter, so training runs on the CPU in TensorFlow.js, many times slower ' +
        'than in a browser with WebGPU.',
    };
  }
  const device = engineInfo(gpu);
  gpu.destroy();
  const warning = gpu.adapter.software
    ? `WebGPU runs on the CPU here (${device.description || device.architecture}), many times slower than on a GPU.`
    : null;
  return { device, warning };
}

async function engineDevice(
  gpu: Gpu,
  kernels: RunConfig['kernels'],
  shelves: (adapter: string) => ChoiceShelf | null = () => null,
): Promise<RunDevice> {
  const { device, adapter } = gpu;
  // On a CPU that plays a GPU, the small operations of ranker and encoder are quicker without the detour.
  if (adapter.software) await useSlowPath();
  else await useDevice(device, device.adapterInfo ?? { ...adapter, device: '' });
  const tuning = tuningFor(gpu, kernels);
  const info = engineInfo(gpu);
  // A CPU that plays a GPU compiles for longer than it would gain.
  const tuner = adapter.software
    ? null
    : new Tuner(gpu, shelves(`${deviceKey(info)} ${KERNELS_VERSION}.${FAMILY_EDITION}`));
  return {
    get info() {
      return tuner === null ? info : { ...info, products: { ...tuner.known } };
    },
    kernels: tuning.name,
    leavesCores: !adapter.software,
    watchCompiling(tell) {
      gpu.onCompiling = tell;
    },
    async isLost() {
      const late = new Promise<null>((resolve) => setTimeout(resolve, LOSS_PATIENCE_MS, null));
      return (await Promise.race([gpu.lost, late])) !== null;
    },
    async createModel(config, seed, largestBatch) {
      const model = await createTransformer(gpu, config, seed, tuning);
      model.tuner = tuner;
      try {
        model.checkBatch(largestBatch, config.max_position_embeddings);
      } catch (error) {
        model.destroy();
        throw error;
      }
      return model;
    },
    createPolicyOptimizer(model, options) {
      if (!(model instanceof Transformer)) throw foreignModel();
      return new CompiledPolicyOptimizer(model, options);
    },
    close: () => gpu.destroy(),
    lose: () => gpu.destroy(),
  };
}

/** The slow path: the reference model on whichever TensorFlow.js backend `useBackend` sets. */
export async function openReferenceDevice(
  useBackend: () => Promise<'wasm' | 'cpu'> = useSlowPath,
): Promise<RunDevice> {
  const backend = await useBackend();
  let lost = false;
  return {
    info: { ...SLOW_PATH, backend },
    // It has no kernels to choose from; who opens a link made here should use the plainest.
    kernels: 'portable',
    leavesCores: cores() > 1,
    isLost: async () => lost,
    createModel: async (config, seed) => new ReferenceModel(config, initialParameters(config, seed)),
    createPolicyOptimizer(model, options) {
      if (!(model instanceof ReferenceModel)) throw foreignModel();
      return new ReferencePolicyOptimizer(model, options);
    },
    close() {},
    lose() {
      lost = true;
    },
  };
}

/** The reference model has one of them. */
function cores(): number {
  return globalThis.navigator?.hardwareConcurrency ?? 2;
}

const SLOW_PATH = { vendor: '', architecture: '', description: 'TensorFlow.js on the CPU', limits: {} };

function engineInfo({ device, adapter }: Gpu): DeviceInfo {
  const { vendor, architecture, description } = adapter;
  return { backend: 'webgpu', vendor, architecture, description, limits: limitsOf(device) };
}

function foreignModel(): Error {
  return new Error('A device trains only models that it made itself.');
}

function limitsOf(device: GPUDevice): Record<string, number> {
  const limits: Record<string, number> = {};
  // Limits are getters of the prototype, so they are listed with `in`, not as own keys.
  for (const name in device.limits) {
    const value = device.limits[name as keyof GPUSupportedLimits];
    if (typeof value === 'number') limits[name] = value;
  }
  return limits;
}
