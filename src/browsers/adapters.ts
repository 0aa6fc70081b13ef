/**
 * Which WebGPU adapters this machine offers to Dawn in Node (npm `webgpu`). On Linux a Vulkan driver is chosen per
 * process by VK_ICD_FILENAMES, so every adapter gets its own process, and each is probed in one before it is named.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findChromium } from './chromium.ts';

/** `native` is whatever the system itself would choose: a real GPU, on any platform. */
type AdapterName = 'lavapipe' | 'swiftshader' | 'native' | 'custom';

/** A driver that computes on the CPU. */
export function isSoftware(name: string): boolean {
  return name === 'lavapipe' || name === 'swiftshader';
}

export interface NodeAdapter {
  name: AdapterName;
  /** Environment that makes Dawn choose this adapter, to be set before its process starts. */
  env: Record<string, string>;
}

const LAVAPIPE_ICD =
  [
    '/usr/share/vulkan/icd.d/lvp_icd.json',
    `/usr/share/vulkan/icd.d/lvp_icd.${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.json`,
  ].find(existsSync) ?? null;

/** Folders where a Chromium keeps its SwiftShader and its own copy of the Vulkan loader. */
function chromiumFolders(): string[] {
  const path = findChromium();
  const installed = ['/usr/lib/chromium', '/opt/google/chrome', '/usr/lib/chromium-browser'];
  return path === null ? installed : [dirname(path), ...installed];
}

/** The dynamic loader's path, with Chromium's copy of libvulkan.so.1 as the last resort on Linux. */
function loaderEnv(): Record<string, string> {
  if (process.platform !== 'linux') return {};
  const folder = chromiumFolders().find((candidate) => existsSync(join(candidate, 'libvulkan.so.1')));
  if (folder === undefined) return {};
  const path = [process.env.LD_LIBRARY_PATH, folder].filter(Boolean).join(':');
  return { LD_LIBRARY_PATH: path };
}

/** Software Vulkan drivers found on this machine, unprobed, the preferred one first; none outside Linux. */
export function softwareDrivers(): NodeAdapter[] {
  if (process.platform !== 'linux') return [];
  const loader = loaderEnv();
  const swiftshader = chromiumFolders()
    .map((folder) => join(folder, 'vk_swiftshader_icd.json'))
    .find(existsSync);
  return (
    [
      ['lavapipe', LAVAPIPE_ICD],
      ['swiftshader', swiftshader],
    ] as const
  ).flatMap(([name, icd]) => (icd ? [{ name, env: { ...loader, VK_ICD_FILENAMES: icd } }] : []));
}

function candidates(): NodeAdapter[] {
  const { VK_ICD_FILENAMES } = process.env;
  if (VK_ICD_FILENAMES) return [{ name: 'custom', env: { ...loaderEnv(), VK_ICD_FILENAMES } }];
  return [...softwareDrivers(), { name: 'native', env: loaderEnv() }];
}

const PROBE = `
  const { create } = await import('webgpu');
  const adapter = await create([]).requestAdapter();
  if (!adapter) process.exit(1);
  const device = await adapter.requestDevice();
  device.destroy();
  process.exit(0);`;

/** Whether Dawn gives a device under this environment; about 0.2 s. Old drivers are refused here. */
function works(adapter: NodeAdapter): boolean {
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', PROBE], {
    env: { ...process.env, ...adapter.env },
    timeout: 30_000,
    stdio: 'ignore',
  });
  return status === 0;
}

/**
 * Adapters that work, in the order they are preferred. TAIJI_ADAPTER=lavapipe|swiftshader|native picks one, a set
 * VK_ICD_FILENAMES stands for itself (`custom`); `native` is looked for when it is asked for or nothing else works.
 */
export function findNodeAdapters(wanted = process.env.TAIJI_ADAPTER): NodeAdapter[] {
  const all = candidates();
  if (wanted) return all.filter((adapter) => adapter.name === wanted && works(adapter));
  const software = all.filter((adapter) => adapter.name !== 'native' && works(adapter));
  return software.length > 0
    ? software
    : all.filter((adapter) => adapter.name === 'native' && works(adapter));
}

/** What to do when there is none. */
export const NO_NODE_ADAPTER =
  'No WebGPU adapter for Node: Dawn found no Vulkan, Metal or D3D12 driver it accepts. On Debian or Ubuntu install ' +
  'a loader and a software driver (apt-get install libvulkan1 chromium, or mesa-vulkan-drivers 24 or newer); elsewhere install ' +
  'the GPU driver, or point VK_ICD_FILENAMES at a Vulkan driver’s .json file.';
