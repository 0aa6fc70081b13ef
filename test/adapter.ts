/**
 * A WebGPU device for kernel tests in Node, on Dawn. Such tests are files named `*.gpu.test.ts`; they run once per adapter
 * found (vitest projects gpu-lavapipe, gpu-swiftshader, …; see vite.config.ts). Without an adapter they fail, they do
 * not skip, and an uncaptured GPU error fails the test it happened in.
 */

import { afterAll, afterEach } from 'vitest';
import { globals } from 'webgpu';
import { findNodeAdapters, NO_NODE_ADAPTER } from '../src/browsers/adapters';
import { createDawn } from '../src/browsers/dawn';

export interface TestDevice {
  device: GPUDevice;
  adapter: GPUAdapter;
  info: GPUAdapterInfo;
  /** `lavapipe`, `swiftshader`, `native` or `custom`. */
  name: string;
}

Object.assign(globalThis, globals);

/**
 * Whether all shapes are run. Not on a second driver, SwiftShader after lavapipe, which takes seconds to compile a shader: there
 * every variant of a kernel runs at one odd shape at least.
 */
export const wholeGrid = process.env.TAIJI_TEST_GRID !== 'some';

// Dawn lives as long as this object does, so it is kept for the file and let go of after it.
let gpu: GPU | null = null;
let shared: Promise<TestDevice> | null = null;
const open = new Set<GPUDevice>();
const errors: string[] = [];

/** A device of its own, for tests that lose or destroy it. The adapter's full limits are on. */
export async function freshDevice(): Promise<TestDevice> {
  if (!process.env.TAIJI_TEST_ADAPTER) {
    const [first] = findNodeAdapters();
    if (!first) throw new Error(NO_NODE_ADAPTER);
    Object.assign(process.env, first.env, { TAIJI_TEST_ADAPTER: first.name });
  }
  const name = process.env.TAIJI_TEST_ADAPTER ?? '';
  gpu ??= createDawn(name);
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error(`${NO_NODE_ADAPTER} (Wanted here: ${name}.)`);
  const { limits, info } = adapter;
  const device = await adapter.requestDevice({
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    },
  });
  device.addEventListener('uncapturederror', (event) => errors.push(event.error.message));
  open.add(device);
  return { device, adapter, info, name };
}

/** The device that the tests of a file share. Throws, with what to install, where there is no adapter. */
export function testDevice(): Promise<TestDevice> {
  shared ??= freshDevice();
  return shared;
}

/** Forgets the uncaptured errors so far and returns them: for a test that provokes one on purpose. */
export async function takeErrors(): Promise<string[]> {
  await settle();
  return errors.splice(0);
}

async function settle(): Promise<void> {
  await Promise.all([...open].map((device) => device.queue.onSubmittedWorkDone().catch(() => undefined)));
}

afterEach(async () => {
  const uncaptured = await takeErrors();
  if (uncaptured.length > 0) throw new Error(`Uncaptured GPU errors:\n${uncaptured.join('\n')}`);
});

afterAll(() => {
  for (const device of open) device.destroy();
  open.clear();
  shared = null;
  gpu = null;
});
