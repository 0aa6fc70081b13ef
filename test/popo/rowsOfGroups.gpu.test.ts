/**
 * Models of more than 33.5 million weights: their kernels need more workgroups than one row of a dispatch has. Here rows are short,
 * so that a small array takes several of them, the last one longer than there is work.
 */
import { beforeAll, expect, it, vi } from 'vitest';
import { BufferTable } from '../../src/gpu/bufferTable';
import { describeAdapter, Gpu } from '../../src/gpu/device';
import type { Dispatch, Plan } from '../../src/gpu/plan';
import { Random } from '../../src/numeric/random';
import { DirectionalInfluence } from '../../src/popo/kernels/directionalInfluence';
import { GradientAlignment } from '../../src/popo/kernels/gradientAlignment';
import { testDevice } from '../adapter';
import { fromHalf, halfBits } from '../gpu/twins';

const { ROW } = vi.hoisted(() => ({ ROW: 3 }));
vi.mock('../../src/gpu/plan', async (original) => ({
  ...(await original<typeof import('../../src/gpu/plan')>()),
  ROW_OF_GROUPS: ROW,
}));

let gpu: Gpu;
beforeAll(async () => {
  const { device, info } = await testDevice();
  gpu = new Gpu(device, describeAdapter(info));
});

/** Runs what a launcher adds as a plan does, but in rows of `ROW` groups. */
async function run(add: (plan: Plan) => void): Promise<Dispatch[]> {
  const dispatches: Dispatch[] = [];
  add({ add: (dispatch: Dispatch) => void dispatches.push(dispatch) } as unknown as Plan);
  const { device } = gpu;
  device.pushErrorScope('validation');
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const { code, entryPoint, constants = {}, bindings, workgroups } of dispatches) {
    const told = Object.entries({ ...constants, ROW_OF_GROUPS: ROW }).map(
      ([name, value]) => `const ${name} = ${value}u;\n`,
    );
    const module = device.createShaderModule({ code: told.join('') + code });
    const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint } });
    const entries = bindings.flatMap((binding, index) =>
      binding === null
        ? []
        : [{ binding: index, resource: 'buffer' in binding ? binding : { buffer: binding } }],
    );
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    const [all, rows, z] = workgroups;
    // `displace` is never given more than 1,024 groups, which is less than a row of any plan: its threads stride.
    const isFolded = rows === undefined && all > ROW && entryPoint !== 'displace';
    if (isFolded) pass.dispatchWorkgroups(ROW, Math.ceil(all / ROW));
    else pass.dispatchWorkgroups(all, rows, z);
  }
  pass.end();
  device.queue.submit([encoder.finish()]);
  expect(await device.popErrorScope()).toBeNull();
  return dispatches;
}

const read = async (buffer: GPUBuffer) => new Float32Array(await gpu.read(buffer, 0, buffer.size));

it.each([0, 5000])(
  'the step along the direction goes by every weight of the scope, %i of them in f16',
  async (rounded) => {
    const poolSize = 9000;
    const scope = { from: 1000, to: 8800 };
    const random = new Random(7, 'rows of groups');
    // Every other weight is 0, where what is displaced is the displacement; and the later tiles are the longer ones.
    const parameters = Float32Array.from({ length: poolSize }, (_, i) =>
      i % 2 === 0 ? 0 : random.normal() * (1 + Math.floor(i / 1000)),
    );
    const direction = Float32Array.from({ length: poolSize }, () => 0.5 + random.uniform());
    const table = new BufferTable(gpu, 'test');
    const shape = {
      groups: 1,
      groupSize: 2,
      numRewards: 2,
      slopes: { from: 0, to: 1 },
      length: 4,
      stride: 64,
    };
    const kernels = new DirectionalInfluence(table, { ...shape, poolSize, scope });
    kernels.configure(1);
    const [theta, u] = [table.floats('parameters', poolSize), table.floats('direction', poolSize)];
    gpu.device.queue.writeBuffer(theta, 0, parameters);
    gpu.device.queue.writeBuffer(u, 0, direction);
    const [squares] = await run((plan) => kernels.addDisplacement(plan, theta, u, rounded));
    expect(squares.workgroups[0]).toBeGreaterThan(2 * ROW);
    const norm = (pool: Float32Array) =>
      Math.sqrt(pool.subarray(scope.from, scope.to).reduce((sum, value) => sum + value * value, 0));
    const theirs = parameters.map((value, i) => (i < rounded ? fromHalf(halfBits(value)) : value));
    const h = (5e-5 * norm(theirs)) / norm(direction);
    const displaced = await read(kernels.displaced);
    for (let i = 0; i < poolSize; i += 2) {
      const want = i >= scope.from && i < scope.to ? h * direction[i] : 0;
      expect(Math.abs(displaced[i] - want)).toBeLessThanOrEqual(1e-5 * want);
      const added = displaced[i + 1] - theirs[i + 1];
      const next = i + 1 >= scope.from && i + 1 < scope.to ? h * direction[i + 1] : 0;
      expect(Math.abs(added - next)).toBeLessThanOrEqual(1e-5 * next + 1e-6 * Math.abs(theirs[i + 1]));
    }
    table.destroy();
  },
);

it.each([1024 * ROW, 1024 * ROW + 1, 8001])('the Gram matrix is that of all %i floats', async (count) => {
  const [K, stride] = [2, 9024];
  const random = new Random(7, 'rows of products');
  const gradients = Array.from({ length: K }, () =>
    Float32Array.from({ length: count }, () => random.normal()),
  );
  const table = new BufferTable(gpu, 'test');
  const [pools, gram] = [table.floats('pools', K * stride), table.floats('gram', K * K)];
  gradients.forEach((gradient, k) => {
    gpu.device.queue.writeBuffer(pools, k * stride * 4, gradient);
  });
  const windows = gradients.map((_, k) => ({ buffer: pools, offset: k * stride * 4, size: count * 4 }));
  const alignment = new GradientAlignment(table, count, windows, gram);
  await run((plan) => alignment.add(plan));
  const got = await read(gram);
  gradients.forEach((a, i) => {
    gradients.forEach((b, j) => {
      const want = a.reduce((sum, value, at) => sum + value * b[at], 0);
      expect(Math.abs(got[i * K + j] - want)).toBeLessThan(1e-5 * count);
    });
  });
  table.destroy();
});
