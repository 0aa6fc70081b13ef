/**
 * The frozen presets. A preset never changes: a link says `preset=small&version=1` and means these numbers for ever, so
 * better numbers get a new version beside the old one. Version 2 is of the world `compatibility` and the default;
 * version 1 is of the worlds before it.
 * What each version says of a field stands with the field, in `fields`.
 *
 *     tiny     for software adapters and CI: minutes on two CPU cores at 1 to 2 GFLOP/s
 *     small    about 0.1 million weights: the default
 *     base     about 0.6 million weights
 *     medium   about 6 million weights
 *     large    about 25 million weights; four query heads share a key-value head
 */
import type { RunConfig } from './config';
import { PRESET_NAMES, PRESET_VERSIONS, type PresetName, type PresetVersion } from './fields/field';
import { treeOf } from './fields/paths';

export { PRESET_NAMES, PRESET_VERSIONS, type PresetName, type PresetVersion };

/** A preset and its version; every config is one. */
export type PresetRef = Pick<RunConfig, 'preset' | 'version'>;

/** A fresh copy of a preset that the caller may change. */
export function presetConfig({ preset, version }: PresetRef): RunConfig {
  const config = treeOf<unknown>(
    ({ defaults }) => structuredClone(defaults[version][preset]),
    (fields) => fields,
  );
  return config as unknown as RunConfig;
}

/** What the page shows and commands take when nothing was asked for. A link says what it means: see link.ts. */
export function defaultConfig(): RunConfig {
  return presetConfig({ preset: 'small', version: 2 });
}
