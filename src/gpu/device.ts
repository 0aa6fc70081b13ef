/**
 * The one GPUDevice of a worker: opened with what the adapter really has, watched for errors and loss, shared with
 * TensorFlow.js. WebGPU reports invalid shaders and failed allocations out of band and lets the work go on with
 * garbage; `assertHealthy` turns that into an exception before anything is committed.
 */
import { Extents } from './extents';
import { Pace } from './pace';

/** The device went away (driver reset, `device.destroy()`); weights on it are gone. */
export class DeviceLostError extends Error {
  override name = 'DeviceLostError';
}

/** The GPU reported an error that no one was waiting for: results since the last check cannot be trusted. */
export class GpuError extends Error {
  override name = 'GpuError';
}

/** The adapter cannot hold what the config asks for; nothing was allocated. */
export class GpuLimitError extends Error {
  override name = 'GpuLimitError';
  constructor(
    readonly what: string,
    readonly bytesNeeded: number,
    readonly bytesAvailable: number,
  ) {
    super(
      `This GPU allows ${megabytes(bytesAvailable)} for ${what}, the config needs ${megabytes(bytesNeeded)}: ` +
        'choose a smaller model or batch size.',
    );
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

const WANTED_LIMITS = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
] as const;

export interface AdapterDescription {
  vendor: string;
  architecture: string;
  description: string;
  /** A CPU that plays a GPU (SwiftShader, lavapipe, WARP): few threads, no fast shared memory. */
  software: boolean;
}

/** Pipelines of a device since it was opened. */
export interface Compiling {
  built: number;
  asked: number;
}

export class Gpu {
  /** Bytes of all live buffers made through `createBuffer`. */
  bytesAllocated = 0;
  /** Compiled pipelines by source and entry point, shared by all plans on the device. */
  readonly pipelines = new Map<string, Promise<GPUComputePipeline>>();
  /** Numbers that dispatches are told at run time. */
  readonly extents: Extents;
  /** Resolves when the device is lost, for whatever reason, `destroy` included. */
  readonly lost: Promise<DeviceLostError>;
  /** Told of every pipeline that is asked for or built. */
  onCompiling: ((compiling: Compiling) => void) | null = null;
  readonly #compiling: Compiling = { built: 0, asked: 0 };
  #failure: Error | null = null;
  /** How much the device is given at once. */
  readonly pace = new Pace();

  constructor(
    readonly device: GPUDevice,
    readonly adapter: AdapterDescription,
  ) {
    this.extents = new Extents(device);
    device.addEventListener('uncapturederror', (event) => {
      this.#failure ??= new GpuError(
        `The GPU reported an error, so this step was not kept: ${(event as GPUUncapturedErrorEvent).error.message}`,
      );
    });
    this.lost = device.lost.then((info) => {
      const error = new DeviceLostError(
        `The GPU device was lost (${info.reason}${info.message ? `: ${info.message}` : ''}).`,
      );
      this.#failure = error;
      return error;
    });
  }

  /** Counts a pipeline as asked for now, and as built once it is, or has failed. */
  count(pipeline: Promise<GPUComputePipeline>): Promise<GPUComputePipeline> {
    const tell = () => this.onCompiling?.({ ...this.#compiling });
    this.#compiling.asked++;
    tell();
    const end = () => {
      this.#compiling.built++;
      tell();
    };
    pipeline.then(end, end);
    return pipeline;
  }

  /** Does what submits work, and tells how many milliseconds the GPU took for it, once it is done (see `Pace.took`). */
  time(tell: (ms: number) => void, work: () => void): void {
    const start = performance.now();
    work();
    this.device.queue
      .onSubmittedWorkDone()
      .then(() => tell(this.pace.took(start, performance.now())))
      // A lost device is told of elsewhere.
      .catch(() => undefined);
  }

  /** @throws GpuError or DeviceLostError if anything went wrong since the device was opened. */
  assertHealthy(): void {
    if (this.#failure) throw this.#failure;
  }

  /**
   * @param bound all of it to a shader, or windows alone, which may be of a larger buffer
   * @throws GpuLimitError before allocating, when one buffer exceeds what the device allows
   */
  createBuffer(
    label: string,
    bytes: number,
    usage: GPUBufferUsageFlags,
    bound: 'whole' | 'windows' = 'whole',
  ): GPUBuffer {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits;
    const limit = bound === 'windows' ? maxBufferSize : Math.min(maxBufferSize, maxStorageBufferBindingSize);
    if (size > limit) throw new GpuLimitError(`one buffer (${label})`, size, limit);
    const buffer = this.device.createBuffer({ label, size, usage });
    this.bytesAllocated += size;
    return buffer;
  }

  destroyBuffer(buffer: GPUBuffer): void {
    this.bytesAllocated -= buffer.size;
    buffer.destroy();
  }

  /** Copies bytes of a buffer to the CPU, after all work queued before. */
  async read(buffer: GPUBuffer, offset = 0, bytes = buffer.size - offset): Promise<ArrayBuffer> {
    this.assertHealthy();
    const staging = this.device.createBuffer({
      label: 'read-back',
      size: bytes,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
    try {
      const encoder = this.device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, offset, staging, 0, bytes);
      this.device.queue.submit([encoder.finish()]);
      await this.map(staging);
      this.assertHealthy();
      return staging.getMappedRange().slice(0);
    } finally {
      staging.destroy();
    }
  }

  /** Maps a buffer for reading. @throws DeviceLostError when the device is gone */
  async map(buffer: GPUBuffer): Promise<void> {
    await buffer.mapAsync(GPUMapMode.READ).catch(async (error: unknown) => {
      // A lost device may reject the mapping before `lost` has told why.
      const late = new Promise<null>((resolve) => setTimeout(resolve, 1000, null));
      throw (await Promise.race([this.lost, late])) ?? error;
    });
  }

  destroy(): void {
    this.device.destroy();
  }
}

/**
 * Opens the best adapter, or returns null when there is none. `api` is given in Node, where no navigator has one.
 * @param limits those that the adapter has, or those that every adapter has
 * @param use `timed`: with the GPU's clock, where it has one
 */
export async function openGpu(
  api: GPU | undefined = globalThis.navigator?.gpu,
  limits: 'own' | 'least' = 'own',
  use: 'plain' | 'timed' = 'plain',
): Promise<Gpu | null> {
  const adapter = await api?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) return null;
  const requiredLimits: Record<string, number> = {};
  for (const name of limits === 'own' ? WANTED_LIMITS : []) {
    const limit = adapter.limits[name];
    if (limit !== undefined) requiredLimits[name] = limit;
  }
  const requiredFeatures: GPUFeatureName[] =
    use === 'timed' && adapter.features.has('timestamp-query') ? ['timestamp-query'] : [];
  const device = await adapter.requestDevice({ requiredLimits, requiredFeatures });
  return new Gpu(device, describeAdapter(adapter.info));
}

/** What the adapter says of itself, and whether it is a CPU in disguise. */
export function describeAdapter(info: GPUAdapterInfo): AdapterDescription {
  const { vendor, architecture, description } = info;
  const names = `${vendor} ${architecture} ${description}`;
  const software =
    info.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|warp|software/i.test(names);
  return { vendor, architecture, description, software };
}
