import { expect, test, vi } from 'vitest';
import { isSoftware } from '../../src/browsers/adapters';
import { freshDevice, takeErrors, testDevice } from '../adapter';

test('a device adds two vectors', async () => {
  const { device } = await testDevice();
  const n = 100;
  const module = device.createShaderModule({
    code: `@group(0) @binding(0) var<storage, read_write> x: array<f32>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        if (id.x < arrayLength(&x)) { x[id.x] += 0.5; }
      }`,
  });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
  const usage = GPUBufferUsage;
  const x = device.createBuffer({ size: n * 4, usage: usage.STORAGE | usage.COPY_SRC | usage.COPY_DST });
  const read = device.createBuffer({ size: n * 4, usage: usage.MAP_READ | usage.COPY_DST });
  device.queue.writeBuffer(
    x,
    0,
    Float32Array.from({ length: n }, (_, i) => i),
  );
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer: x } }],
    }),
  );
  pass.dispatchWorkgroups(2);
  pass.end();
  encoder.copyBufferToBuffer(x, 0, read, 0, n * 4);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  const values = new Float32Array(read.getMappedRange().slice(0));
  expect([...values]).toEqual(Array.from({ length: n }, (_, i) => i + 0.5));
});

test('the adapter is the one this process was started for', async () => {
  const { name, info } = await testDevice();
  const vendors: Record<string, string> = { lavapipe: 'mesa', swiftshader: 'google' };
  expect(info.vendor).toBe(vendors[name] ?? info.vendor);
});

test('an invalid shader is an uncaptured error', async () => {
  const { device } = await freshDevice();
  device.createShaderModule({ code: 'fn broken( {' });
  expect((await takeErrors()).join()).toMatch(/broken|expected/);
});

test('waits for a software adapter without taking a core from it', async () => {
  const { device, name } = await testDevice();
  const waits = vi.spyOn(globalThis, 'setTimeout');
  await device.queue.onSubmittedWorkDone();
  // Whether the work is done is asked in one of two ways; the other asks on and on.
  expect(waits.mock.calls.some(([, milliseconds]) => milliseconds === 1)).toBe(isSoftware(name));
  waits.mockRestore();
});
