/** What a run computes on, behind one interface: the compiled engine on a GPU, or the reference model without one. */
import { useSlowPath } from '../gpu/tfjs';
import type { ModelConfig } from '../model/config';
import type { LanguageModel } from '../model/languageModel';
import { initialParameters } from '../model/parameters';
import { ReferenceModel } from '../model/reference';
import type { PolicyOptions } from '../popo/options';
import type { PolicyOptimizer } from '../popo/policy';
import { ReferencePolicyOptimizer } from '../popo/referenceStep';
import type { RunConfig } from './config';
import type { DeviceInfo } from './report';

export interface RunDevice {
  readonly info: DeviceInfo;
  /** The kernel variants in use; `auto` is resolved. */
  readonly kernels: RunConfig['kernels'];
  /** True once the device is gone: whatever fails then fails for that reason. */
  isLost(): boolean;
  /** @param seed of the initial weights (`initialParameters`) */
  createModel(config: ModelConfig, seed: number): Promise<LanguageModel>;
  /** @param model made by this device */
  createPolicyOptimizer(model: LanguageModel, options: PolicyOptions): Promise<PolicyOptimizer>;
  /** Frees what the device holds; models are destroyed by their owners first. */
  close(): void;
}

/** The slow path: TensorFlow.js on WASM where it starts, else in plain JavaScript. */
export async function openReferenceDevice(
  useBackend: () => Promise<'wasm' | 'cpu'> = useSlowPath,
): Promise<RunDevice> {
  const backend = await useBackend();
  return {
    info: { backend, vendor: '', architecture: '', description: `TensorFlow.js ${backend}`, limits: {} },
    // It has no kernels of its own to choose from; a link made here is to be tried with the plainest.
    kernels: 'portable',
    isLost: () => false,
    createModel: async (config, seed) => new ReferenceModel(config, initialParameters(config, seed)),
    async createPolicyOptimizer(model, options) {
      if (!(model instanceof ReferenceModel))
        throw new Error('This device trains models that it made itself.');
      return new ReferencePolicyOptimizer(model, options);
    },
    close() {},
  };
}
