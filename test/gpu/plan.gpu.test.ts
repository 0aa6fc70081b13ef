import { beforeAll, expect, it } from 'vitest';
import { BufferTable } from '../../src/gpu/bufferTable';
import type { Gpu } from '../../src/gpu/device';
import { Plan, ROW_OF_GROUPS, submit } from '../../src/gpu/plan';
import { testGpu } from './harness';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** out[i] = STEP · i, in an array that a constant sizes. */
const shader = `
var<workgroup> held : array<u32, COUNT>;
@group(0) @binding(0) var<storage, read_write> out : array<u32>;
@compute @workgroup_size(COUNT)
fn main(@builtin(local_invocation_index) i : u32) {
  held[i] = STEP * i;
  out[i] = held[i];
}`;

it.each([
  ['no directive', shader],
  ['a directive', `diagnostic(off, derivative_uniformity);${shader}`],
  [
    'directives behind a header',
    `// A header: fn f() {}.\n\n// More;\ndiagnostic(off, derivative_uniformity);\n  requires pointer_composite_access; // why\n${shader}`,
  ],
])('takes constants into a shader with %s', async (_name, code) => {
  const table = new BufferTable(gpu, 'test');
  const out = table.floats('out', 4);
  const plan = new Plan(gpu);
  plan.add({ label: 'test', code, constants: { COUNT: 4, STEP: 3 }, bindings: [out], workgroups: [1] });
  submit(gpu, await plan.compile());
  expect([...new Uint32Array(await gpu.read(out))]).toEqual([0, 3, 6, 9]);
  table.destroy();
});

it('names the shader that does not compile, and the dispatch that is too large, and leaves no error scope open', async () => {
  const bindings = [gpu.createBuffer('out', 16, GPUBufferUsage.STORAGE)];
  const broken = { label: 'broken', code: 'fn main( {', bindings: [], workgroups: [1] as [number] };
  await expect(new Plan(gpu).add(broken).compile()).rejects.toThrow('Shader broken does not compile');
  const limit = gpu.device.limits.maxComputeWorkgroupsPerDimension;
  const constants = { COUNT: 4, STEP: 1 };
  for (const workgroups of [[limit * ROW_OF_GROUPS + 1], [1, limit + 1], [1, 1, limit + 1]] as const) {
    const large = {
      label: 'large',
      code: shader,
      constants,
      bindings,
      workgroups: [...workgroups] as [number],
    };
    await expect(new Plan(gpu).add(large).compile()).rejects.toThrow('large needs');
  }
  await expect(gpu.device.popErrorScope()).rejects.toThrow();
  gpu.destroyBuffer(bindings[0]);
});

it('says which dispatch has buffers that do not fit its shader', async () => {
  const uniform = gpu.createBuffer('uniform', 16, GPUBufferUsage.UNIFORM);
  const plan = new Plan(gpu).add({
    label: 'unfit',
    code: shader,
    constants: { COUNT: 4, STEP: 2 },
    bindings: [uniform],
    workgroups: [1],
  });
  await expect(plan.compile()).rejects.toThrow('A bind group does not fit its shader');
  gpu.destroyBuffer(uniform);
});
