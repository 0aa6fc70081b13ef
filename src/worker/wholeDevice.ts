/** Measures all of a device that its owner is told. Its code is fetched when somebody asks. */
import { type Gpu, openGpu } from '../gpu/device';
import { tuningFor } from '../gpu/kernels';
import { KERNELS_VERSION } from '../gpu/kernels/tuning';
import { measureRates } from '../gpu/rates';
import { type BenchShape, PRESET_SHAPES } from '../model/benchShape';
import { measureEngine, measureStep, stepOperations } from '../model/engineSpeed';
import { createTransformer } from '../model/transformer';
import type { DeviceTable, MeasuredPart, MeasuredShape } from '../run/deviceTable';
import { APP_VERSION } from '../run/version';

/** Small enough for a laptop to be done with in a moment. */
const SIZES = [256, 512, 1024];

/**
 * On a device of its own.
 * @param onPart told of each part before it is measured
 * @param signal ends it after the command under way
 * @param api the browser's, or a test's
 * @throws an AbortError when it is ended, an Error where there is no GPU, and what a device throws
 */
export async function measureWholeDevice(
  onPart: (part: MeasuredPart) => void,
  signal: AbortSignal,
  api?: GPU,
): Promise<DeviceTable> {
  const gpu = await openGpu(api);
  if (gpu === null) throw new Error('This browser offers no GPU, so there is none to be measured.');
  try {
    const { vendor, architecture, description } = gpu.adapter;
    onPart('products');
    const { peak, products } = await measureRates(gpu, { sizes: SIZES, signal });
    const shapes: MeasuredShape[] = [];
    for (const shape of PRESET_SHAPES) {
      onPart(shape.name as MeasuredPart);
      shapes.push(await measuredShape(gpu, shape, signal));
    }
    return {
      adapter: [vendor, architecture, description].filter(Boolean).join(' ') || 'unnamed',
      kernels: `${tuningFor(gpu).name} ${KERNELS_VERSION}`,
      app: APP_VERSION,
      peak,
      products: products.map(({ size, nt }) => ({ size, rate: nt })),
      shapes,
    };
  } finally {
    gpu.destroy();
  }
}

async function measuredShape(gpu: Gpu, shape: BenchShape, signal: AbortSignal): Promise<MeasuredShape> {
  const model = await createTransformer(gpu, shape.config, 1);
  const step = await measureStep(model, shape, signal);
  const { rollout_tokens_per_s } = await measureEngine(model, shape, signal);
  model.destroy();
  return {
    name: shape.name,
    step,
    rate: stepOperations(shape) / step / 1e6,
    trained: (1000 * shape.size * shape.length) / step,
    sampled: rollout_tokens_per_s,
  };
}
