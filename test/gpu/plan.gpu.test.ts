import { beforeAll, expect, it, vi } from 'vitest';
import { BufferTable } from '../../src/gpu/bufferTable';
import { Gpu } from '../../src/gpu/device';
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

it('shapes that are told at run time share a pipeline, and each has its own numbers', async () => {
  const table = new BufferTable(gpu, 'test');
  const code = `
@group(0) @binding(0) var<storage, read_write> out : array<u32>;
@compute @workgroup_size(1) fn main() { out[extents.AT] = extents.VALUE + STEP; }`;
  const [out, other] = [table.floats('out', 4), table.floats('out', 4)];
  const plan = new Plan(gpu);
  for (const [bound, AT, VALUE] of [
    [out, 0, 10],
    [out, 2, 20],
    [other, 1, 30],
  ] as const)
    plan.add({
      label: 'test',
      code,
      constants: { STEP: 1 },
      extents: { AT, VALUE },
      bindings: [bound],
      workgroups: [1],
    });
  const before = gpu.pipelines.size;
  submit(gpu, await plan.compile());
  expect(gpu.pipelines.size).toBe(before + 1);
  expect([...new Uint32Array(await gpu.read(out))]).toEqual([11, 0, 21, 0]);
  expect([...new Uint32Array(await gpu.read(other))]).toEqual([0, 31, 0, 0]);
  table.destroy();
});

it('tells how many pipelines are built, failed ones among them', async () => {
  const fresh = new Gpu(gpu.device, gpu.adapter);
  const told: string[] = [];
  fresh.onCompiling = ({ built, asked }) => told.push(`${built} of ${asked}`);
  const bindings = [fresh.createBuffer('out', 16, GPUBufferUsage.STORAGE)];
  const good = { label: 'good', code: shader, bindings, workgroups: [1] as [number] };
  const plan = new Plan(fresh)
    .add({ ...good, constants: { COUNT: 4, STEP: 7 } })
    .add({ ...good, constants: { COUNT: 4, STEP: 7 } })
    .add({ ...good, constants: { COUNT: 4, STEP: 8 } });
  await plan.compile();
  const broken = { label: 'broken', code: 'fn main( {', bindings: [], workgroups: [1] as [number] };
  await expect(new Plan(fresh).add(broken).compile()).rejects.toThrow('Shader broken does not compile');
  expect(told).toEqual(['0 of 1', '0 of 2', '1 of 2', '2 of 2', '2 of 3', '3 of 3']);
  fresh.destroyBuffer(bindings[0]);
});

it('cuts slow lists into submissions, in order, with every dispatch once', async () => {
  const table = new BufferTable(gpu, 'test');
  const out = table.floats('out', 4);
  const follows = `
@group(0) @binding(0) var<storage, read_write> out : array<u32>;
@compute @workgroup_size(1) fn main() { out[0] = out[0] * 3u + STEP; out[1] += 1u; }`;
  const plans = [4, 1, 6].map((dispatches, p) => {
    const plan = new Plan(gpu);
    for (let i = 0; i < dispatches; i++)
      plan.add({
        label: 'test',
        code: follows,
        constants: { STEP: p + 1 },
        bindings: [out],
        workgroups: [1],
      });
    return plan;
  });
  await Promise.all(plans.map((plan) => plan.compile()));
  const { queue } = gpu.device;
  const submitted = vi.spyOn(queue, 'submit');
  const results: number[][] = [];
  for (const [each, parts] of [
    [1, 1],
    [100, 6],
    [1000, 11],
  ]) {
    gpu.pace.learn(plans[0], 1, each);
    queue.writeBuffer(out, 0, new Uint32Array(4));
    submitted.mockClear();
    submit(gpu, ...plans);
    expect(submitted).toHaveBeenCalledTimes(parts);
    results.push([...new Uint32Array(await gpu.read(out))]);
    await queue.onSubmittedWorkDone();
  }
  submitted.mockRestore();
  const steps = [1, 1, 1, 1, 2, 3, 3, 3, 3, 3, 3];
  const expected = [steps.reduce((x, step) => x * 3 + step, 0), 11, 0, 0];
  expect(results).toEqual([expected, expected, expected]);
  table.destroy();
});

it('times what is submitted together by its share of the time', async () => {
  const told: number[] = [];
  const start = performance.now();
  for (let i = 0; i < 3; i++) {
    gpu.time(
      (ms) => told.push(ms),
      () => gpu.device.queue.submit([]),
    );
  }
  await gpu.device.queue.onSubmittedWorkDone();
  await new Promise((resolve) => setTimeout(resolve, 0));
  const elapsed = performance.now() - start;
  expect(told).toHaveLength(3);
  expect(Math.min(...told)).toBeGreaterThanOrEqual(0);
  expect(told.reduce((sum, ms) => sum + ms)).toBeLessThanOrEqual(elapsed);
});
