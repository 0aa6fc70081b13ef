/**
 * The frozen presets. A preset never changes: a link says `preset=small&version=1` and means these numbers for ever, so
 * better numbers get a new version beside the old one. Version 2 is of the world `compatibility`, until it is the default free to change.
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

/** What is meant where nobody says. */
const DEFAULT_VERSION: PresetVersion = 1;

/** @param of a name alone means the default version */
function refOf(of: PresetName | PresetRef): PresetRef {
  return typeof of === 'string' ? { preset: of, version: DEFAULT_VERSION } : of;
}

/** A fresh copy of a preset that the caller may change. */
export function presetConfig(of: PresetName | PresetRef): RunConfig {
  const { preset, version } = refOf(of);
  const config = treeOf<unknown>(
    ({ defaults }) => structuredClone(defaults[version][preset]),
    (fields) => fields,
  );
  return config as unknown as RunConfig;
}

/** What the page shows when nothing was asked for. */
export function defaultConfig(): RunConfig {
  return presetConfig('small');
}
