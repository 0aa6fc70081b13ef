/** How long the GPU works at a plan: by its own clock where the adapter has one, else by ours. */
import type { Gpu } from './device';
import type { Plan } from './plan';

/** Milliseconds that so many runs of a compiled plan take together. The GPU's clock leaves out what JavaScript and driver take. */
export async function millisecondsOf(gpu: Gpu, plan: Plan, runs: number): Promise<number> {
  const { device } = gpu;
  const clock = device.features.has('timestamp-query') ? gpuClock(device) : null;
  const start = performance.now();
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass(clock === null ? {} : { timestampWrites: clock.writes });
  for (let run = 0; run < runs; run++) plan.encode(pass);
  pass.end();
  clock?.resolve(encoder);
  device.queue.submit([encoder.finish()]);
  await device.queue.onSubmittedWorkDone();
  const ms = performance.now() - start;
  if (clock === null) return ms;
  const [begin, end] = new BigUint64Array(await gpu.read(clock.times));
  clock.destroy();
  // A clock may be set back.
  return end > begin ? Number(end - begin) / 1e6 : ms;
}

/** When a pass began and ended, in nanoseconds. */
function gpuClock(device: GPUDevice) {
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 });
  const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
  const times = device.createBuffer({ label: 'times', size: 16, usage });
  return {
    times,
    writes: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
    resolve: (encoder: GPUCommandEncoder) => encoder.resolveQuerySet(querySet, 0, 2, times, 0),
    destroy() {
      querySet.destroy();
      times.destroy();
    },
  };
}
