import type { PresetName, PresetRef } from '../src/run/presets';

/** A preset of version 1: small and fast in tests, and the same for ever. */
export function v1(preset: PresetName): PresetRef {
  return { preset, version: 1 };
}
