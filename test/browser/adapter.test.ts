import { expect, test } from 'vitest';

// A missing adapter is a failure: every other test here would otherwise prove nothing.
test('this Chromium has a WebGPU adapter and gives a device', async () => {
  expect(navigator.gpu, 'navigator.gpu').toBeDefined();
  const adapter = await navigator.gpu.requestAdapter();
  expect(adapter, 'no adapter: was Chromium started with its WebGPU flags?').not.toBeNull();
  const device = await adapter!.requestDevice();
  expect(device.limits.maxStorageBuffersPerShaderStage).toBeGreaterThanOrEqual(8);
  device.destroy();
});

test('a worker has WebGPU too', async () => {
  const source = `navigator.gpu.requestAdapter().then((adapter) => postMessage(adapter !== null));`;
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
  const found = await new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
  });
  worker.terminate();
  expect(found).toBe(true);
});
