/** A run's device chooses how products are shared out where it is a GPU, takes what is kept of the adapter, and tells it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findNodeAdapters, NO_NODE_ADAPTER } from '../../src/browsers/adapters';
import { createDawn } from '../../src/browsers/dawn';
import { KERNELS_VERSION } from '../../src/gpu/kernels';
import { FAMILY_EDITION, keyOf, type ProductExtents } from '../../src/gpu/kernels/matmulFamily';
import { Transformer } from '../../src/model/transformer';
import { openRunDevice } from '../../src/run/device';
import { KernelChoices } from '../../src/store/choices';
import { memoryStore } from '../../src/store/memory';
import { multiHead } from '../model/shapes';

let api: GPU | null = null;
beforeAll(() => {
  if (!process.env.TAIJI_TEST_ADAPTER) {
    const [first] = findNodeAdapters();
    if (!first) throw new Error(NO_NODE_ADAPTER);
    Object.assign(process.env, first.env, { TAIJI_TEST_ADAPTER: first.name });
  }
  api = createDawn(process.env.TAIJI_TEST_ADAPTER ?? '');
});
afterAll(() => {
  api = null;
});

/** The same driver under a name that is no CPU's. */
const asGpu = (own: GPU) =>
  ({
    async requestAdapter(options?: GPURequestAdapterOptions) {
      const adapter = await own.requestAdapter(options);
      return new Proxy(adapter!, {
        get(target, key) {
          if (key === 'info')
            return { vendor: 'acme', architecture: 'one', description: '', isFallbackAdapter: false };
          const value = Reflect.get(target, key, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  }) as GPU;

it('asks what is kept of the adapter and these kernels, has models take it, and tells it', async () => {
  const choices = new KernelChoices(memoryStore());
  const product: ProductExtents = { layout: 'nt', rows: 2, N: 36, K: 16, splits: 1 };
  // Nothing is timed where all is known: a software adapter takes seconds to compile what a GPU gets.
  const kept = { [keyOf(product)]: '64x64' };
  await choices.save(`webgpu acme one  ${KERNELS_VERSION}.${FAMILY_EDITION}`, kept);
  const open = async (own: GPU) => {
    const device = await openRunDevice('tiled', own, (adapter) => ({
      load: () => choices.load(adapter),
      save: (names) => choices.save(adapter, { ...names }),
    }));
    const model = await device.createModel(multiHead, 1, 2);
    if (!(model instanceof Transformer)) throw new Error('This is not the engine.');
    const chosen = await model.tuner?.choose([product]);
    const { products } = device.info;
    device.close();
    return { chosen, products };
  };
  expect(await open(asGpu(api!))).toEqual({ chosen: kept, products: kept });
  // A CPU that plays a GPU has the usual ones, and nothing is told.
  expect(await open(api!)).toEqual({ chosen: undefined, products: undefined });
});
