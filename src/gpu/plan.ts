/**
 * A plan is a fixed list of compute dispatches over buffers that were allocated once. Building it costs milliseconds,
 * replaying it microseconds: no tape, no shape inference, no allocation in the loop (the manner of llm.c).
 */
import { type Gpu, GpuError } from './device';

/** A whole buffer, or a window of it; offset and size in bytes, offset a multiple of 256 (of 128 where a matrix is f16, see half.ts). */
export type Binding = GPUBuffer | { buffer: GPUBuffer; offset: number; size: number };

/** `count` numbers of a binding, from its number `at` on. */
export function windowOf(binding: Binding, at: number, count: number, bytes = 4): Binding {
  const { buffer, offset } = 'buffer' in binding ? binding : { buffer: binding, offset: 0 };
  return { buffer, offset: offset + bytes * at, size: bytes * count };
}

export interface Dispatch {
  label: string;
  /**
   * WGSL. `constants` are put in front of its declarations as `const NAME : u32 = value;`, so that they can size arrays, and
   * behind its directives (`enable f16;`), which must come first.
   */
  code: string;
  entryPoint?: string;
  constants?: Record<string, number>;
  /**
   * Whole numbers that are told at run time, so that dispatches which differ in them alone share a pipeline: `extents.NAME` in the
   * shader. For a CPU that plays a GPU, which takes seconds to compile what a GPU gains from constants.
   */
  extents?: Record<string, number>;
  /** In the order of @binding in group 0; null where this entry point does not use one. */
  bindings: (Binding | null)[];
  /**
   * One number may be any: more than `ROW_OF_GROUPS` workgroups go on in a next row, and the shader counts them as
   * y · ROW_OF_GROUPS + x. Its last row may be longer than asked for.
   */
  workgroups: [number, number?, number?];
}

/** Workgroups along x before a dispatch goes on along y; every shader has it as a constant. Devices allow 65,535 each way. */
export const ROW_OF_GROUPS = 32768;

interface Compiled {
  pipeline: GPUComputePipeline;
  bindGroups: GPUBindGroup[];
  workgroups: [number, number, number];
}

export class Plan {
  readonly #gpu: Gpu;
  /** In order, as they were added. */
  readonly #recorded: Dispatch[] = [];
  #compiled: Compiled[] = [];

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** For an adapter that is a CPU in disguise, which compiles long shaders slowly. */
  get software(): boolean {
    return this.#gpu.adapter.software;
  }

  get dispatches(): number {
    return this.#recorded.length;
  }

  add(dispatch: Dispatch): this {
    this.#recorded.push(dispatch);
    return this;
  }

  /** Builds pipelines (shared between plans by source) and bind groups. @throws GpuError on invalid WGSL. */
  async compile(): Promise<this> {
    const { device } = this.#gpu;
    // Before the scope opens: what throws inside would leave it open.
    const limit = device.limits.maxComputeWorkgroupsPerDimension;
    const workgroups = this.#recorded.map((dispatch) => checkWorkgroups(dispatch, limit));
    const pipelines = await Promise.all(this.#recorded.map((dispatch) => pipelineFor(this.#gpu, dispatch)));
    device.pushErrorScope('validation');
    this.#compiled = this.#recorded.map((dispatch, i) => ({
      pipeline: pipelines[i],
      bindGroups: bindGroupsOf(this.#gpu, dispatch, pipelines[i]),
      workgroups: workgroups[i],
    }));
    const error = await device.popErrorScope();
    if (error) throw new GpuError(`A bind group does not fit its shader: ${error.message}`);
    return this;
  }

  /** Replays dispatches [from, to) of the list into a compute pass. Every dispatch sees the writes of those before it. */
  encode(pass: GPUComputePassEncoder, from = 0, to = this.#compiled.length): void {
    for (const { pipeline, bindGroups, workgroups } of this.#compiled.slice(from, to)) {
      pass.setPipeline(pipeline);
      for (let group = 0; group < bindGroups.length; group++) pass.setBindGroup(group, bindGroups[group]);
      pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
    }
  }
}

/** Submits plans one after another, cut into command buffers that are each short enough for desktop drivers (pace.ts). */
export function submit(gpu: Gpu, ...plans: Plan[]): void {
  const { device, pace } = gpu;
  const total = plans.reduce((sum, { dispatches }) => sum + dispatches, 0);
  const [list] = plans;
  if (total === 0) return;
  const parts = pace.parts(list, total);
  gpu.time(
    (ms) => pace.learn(list, total, ms),
    () => {
      for (let part = 0; part < parts; part++) {
        const [from, to] = [part, part + 1].map((edge) => Math.round((edge * total) / parts));
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        let at = 0;
        for (const plan of plans) {
          plan.encode(pass, Math.max(0, from - at), Math.max(0, to - at));
          at += plan.dispatches;
        }
        pass.end();
        device.queue.submit([encoder.finish()]);
      }
    },
  );
}

/** What may stand before a shader's declarations: line comments and directives. */
const DIRECTIVES = /^(?:\s|\/\/.*|(?:enable|requires|diagnostic)\b[^;]*;)*/;

function checkWorkgroups({ workgroups, label }: Dispatch, limit: number): [number, number, number] {
  const [all, rows, z = 1] = workgroups;
  const folds = rows === undefined && all > ROW_OF_GROUPS;
  const [x, y] = folds ? [ROW_OF_GROUPS, Math.ceil(all / ROW_OF_GROUPS)] : [all, rows ?? 1];
  if (Math.max(x, y, z) > limit) {
    throw new GpuError(
      `${label} needs ${x} × ${y} × ${z} workgroups, this GPU allows ${limit} each way: choose a smaller batch size.`,
    );
  }
  return [x, y, z];
}

/** Group 0 has the bindings, group 1 the extents, where there are any. */
function bindGroupsOf(
  { device, extents: uniforms }: Gpu,
  { label, bindings, extents }: Dispatch,
  pipeline: GPUComputePipeline,
): GPUBindGroup[] {
  const group = (index: number, resources: (Binding | null)[]) =>
    device.createBindGroup({
      label,
      layout: pipeline.getBindGroupLayout(index),
      entries: resources.flatMap((binding, at) =>
        binding === null
          ? []
          : [{ binding: at, resource: 'buffer' in binding ? binding : { buffer: binding } }],
      ),
    });
  const first = group(0, bindings);
  return extents === undefined ? [first] : [first, group(1, [uniforms.of(Object.values(extents))])];
}

function pipelineFor(
  gpu: Gpu,
  { label, code, constants = {}, extents, entryPoint = 'main' }: Dispatch,
): Promise<GPUComputePipeline> {
  const told = Object.keys(extents ?? {}).map((name) => `${name} : u32`);
  const uniform = `struct Extents { ${told.join(', ')} }\n@group(1) @binding(0) var<uniform> extents : Extents;\n`;
  const preamble = Object.entries({ ...constants, ROW_OF_GROUPS })
    .map(([name, value]) => `const ${name} : u32 = ${value}u;\n`)
    .concat(told.length > 0 ? [uniform] : [])
    .join('');
  const declarations = DIRECTIVES.exec(code)?.[0].length ?? 0;
  const source = code.slice(0, declarations) + preamble + code.slice(declarations);
  const key = `${entryPoint}\n${source}`;
  let pipeline = gpu.pipelines.get(key);
  if (!pipeline) {
    pipeline = gpu.count(createPipeline(gpu.device, label, source, entryPoint));
    gpu.pipelines.set(key, pipeline);
  }
  return pipeline;
}

async function createPipeline(
  device: GPUDevice,
  label: string,
  code: string,
  entryPoint: string,
): Promise<GPUComputePipeline> {
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label, code });
  const scope = device.popErrorScope();
  const pipeline = device.createComputePipelineAsync({
    label,
    layout: 'auto',
    compute: { module, entryPoint },
  });
  const [error, result] = await Promise.all([scope, pipeline.catch((reason: unknown) => String(reason))]);
  if (error) throw new GpuError(`Shader ${label} does not compile: ${error.message}`);
  if (typeof result === 'string') throw new GpuError(`Pipeline ${label} cannot be built: ${result}`);
  return result;
}
