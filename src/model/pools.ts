/** Weights and moments between the device and the page. */
import type { Gpu } from '../gpu/device';
import type { WeightPools } from './languageModel';

export type PoolBuffers = Record<keyof WeightPools, GPUBuffer>;

export async function readPools(gpu: Gpu, buffers: PoolBuffers): Promise<WeightPools> {
  const [parameters, moment1, moment2] = await Promise.all(
    [buffers.parameters, buffers.moment1, buffers.moment2].map(async (buffer) => {
      return new Float32Array(await gpu.read(buffer));
    }),
  );
  return { parameters, moment1, moment2 };
}

/** Takes effect with the next submit. */
export function writePools({ device }: Gpu, buffers: PoolBuffers, pools: WeightPools): void {
  for (const name of ['parameters', 'moment1', 'moment2'] as const)
    device.queue.writeBuffer(buffers[name], 0, pools[name]);
}
