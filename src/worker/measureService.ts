/** How fast the device is, for who is told how long a run will take. Its code is fetched when somebody asks. */
import { openGpu } from '../gpu/device';
import { type DeviceSpeed, measureProcessor, measureSpeed, type ProductShape } from '../gpu/speed';

/**
 * A second or two, on a device of its own.
 * @param signal ends it after the command under way
 * @throws an AbortError when it is ended, and what a device throws
 */
export async function measureDevice(shape: ProductShape, signal: AbortSignal): Promise<DeviceSpeed> {
  const gpu = await openGpu().catch(() => null);
  if (gpu === null) return { operations: 0, dispatch: 0, wait: 0, processor: await measureProcessor(signal) };
  try {
    return await measureSpeed(gpu, shape, signal);
  } finally {
    gpu.destroy();
  }
}
