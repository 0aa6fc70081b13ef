import { expect, it } from 'vitest';
import { ConfigError } from '../../src/run/config';
import { openRunDevice } from '../../src/run/device';

const none = { requestAdapter: async () => null } as unknown as GPU;

it('refuses weights in f16 where there is no GPU to read them, and trains in f32 in their place nowhere', async () => {
  const refused = openRunDevice('tiled-f16', none);
  await expect(refused).rejects.toThrow(ConfigError);
  await expect(openRunDevice('tiled-f16', none)).rejects.toThrow(
    'kernels tiled-f16 needs WebGPU, which is not offered here: set kernels to auto.',
  );
});
