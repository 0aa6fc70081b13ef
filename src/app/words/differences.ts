import type { ConfigPath, RunConfig } from '../../run/config';
import { diffFromPreset, formatLeaf } from '../../run/diff';
import { leafAt, wordsOf } from '../../run/fields/paths';
import { presetConfig } from '../../run/presets';

/** What of a config is not as its preset has it, in words and one by one; which data a person imported is not among it. */
export function differences(config: RunConfig): { path: string; words: string }[] {
  const preset = presetConfig({ preset: config.preset, version: config.version });
  return Object.entries(diffFromPreset(config))
    .filter(([path]) => !/^data\.(sha256|map)$/.test(path))
    .map(([path, value]) => {
      // In mid-sentence, and L3 stays L3.
      const label = wordsOf(path as ConfigPath).label.replace(/^[A-Z](?=[a-z])/, (first) =>
        first.toLowerCase(),
      );
      const told = formatLeaf(leafAt(preset, path as ConfigPath));
      return { path, words: `${label} ${formatLeaf(value) || 'none'}, not ${told || 'none'}` };
    });
}
