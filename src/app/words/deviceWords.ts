import type { DeviceInfo } from '../../run/report';

const VENDORS: Record<string, string | undefined> = {
  nvidia: 'NVIDIA',
  amd: 'AMD',
  intel: 'Intel',
  apple: 'Apple',
  arm: 'Arm',
  qualcomm: 'Qualcomm',
  google: 'Google',
};

/** What a run is trained on, such as `WebGPU on NVIDIA ada-lovelace`. */
export function deviceWords(device: Omit<DeviceInfo, 'limits'>): string {
  const name = [device.description || VENDORS[device.vendor] || device.vendor, device.architecture]
    .filter((part) => part !== '')
    .filter((part, index, all) => all.indexOf(part) === index)
    .join(' ');
  if (device.backend === 'webgpu') return name === '' ? 'WebGPU' : `WebGPU on ${name}`;
  if (device.backend === 'tfjs-webgpu') return `TensorFlow.js on WebGPU${name === '' ? '' : `, ${name}`}`;
  return device.backend === 'wasm' ? 'On the processor (WebAssembly)' : 'On the processor';
}
