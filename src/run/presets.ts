/**
 * The frozen presets. A preset never changes: a link says `preset=small&version=1` and means these numbers for ever, so
 * better numbers get a new version beside the old one. Sizes follow what the prototype of the design found to work. What each
 * says of a field stands with the field, in `fields`.
 *
 *     tiny     for software adapters and CI: minutes on two CPU cores at 1 to 2 GFLOP/s
 *     small    about 0.1 million weights: the default
 *     base     about 0.6 million weights
 *     medium   about 6 million weights
 *     large    about 25 million weights; four query heads share a key-value head
 */
import type { RunConfig } from './config';
import { PRESET_NAMES, type PresetName } from './fields/field';
import { treeOf } from './fields/paths';

export { PRESET_NAMES, type PresetName };

/** A fresh copy of a preset that the caller may change. */
export function presetConfig(name: PresetName): RunConfig {
  const preset = treeOf<unknown>(
    ({ defaults }) => structuredClone(defaults[name]),
    (fields) => fields,
  );
  return preset as unknown as RunConfig;
}

/** What the page shows when nothing was asked for. */
export function defaultConfig(): RunConfig {
  return presetConfig('small');
}
