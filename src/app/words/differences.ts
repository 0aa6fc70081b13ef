/** Settings in words: a field by its label, with the stage where several have the same, or by its name and stage. */
import type { RunChange } from '../../run/changes';
import type { ConfigPath, RunConfig } from '../../run/config';
import { diffFromPreset, formatLeaf, type LeafValue } from '../../run/diff';
import { leafAt } from '../../run/fields/paths';
import { presetConfig } from '../../run/presets';
import { STAGE_NAMES } from '../../run/stageNames';
import { LABELS, labelled } from './fieldLabels';
import { stageWords } from './runWords';

/** What of a config is not as its preset has it; which data a person imported is not among it. */
export function differences(config: RunConfig): { path: string; words: string }[] {
  const preset = presetConfig({ preset: config.preset, version: config.version });
  return (Object.entries(diffFromPreset(config)) as [ConfigPath, LeafValue][])
    .filter(([path]) => !/^data\.(sha256|map)$/.test(path))
    .map(([path, value]) => ({
      path,
      words: `${settingName(path, config)} ${said(value)}, not ${said(leafAt(preset, path))}`,
    }));
}

/** What was changed while a run went on, as sentences. */
export function changesInWords(changes: readonly RunChange[], config: RunConfig): string[] {
  return changes.map(({ stage, step, field, from, to }) => {
    const { label } = stageWords(stage, config);
    return `From step ${step + 1} of ${lowered(label)} on: ${settingName(field, config)} ${said(to)}, not ${said(from)}.`;
  });
}

/** In mid-sentence. */
export function settingName(path: ConfigPath, config: RunConfig): string {
  const label = labelled(path);
  const [section, name] = path.split('.');
  if (label !== null) {
    const isAlone = Object.values(LABELS).filter((other) => other === label).length < 2;
    return lowered(isAlone ? label : `${label} of ${partOf(section, config)}`);
  }
  return name === undefined ? section : `${name.replaceAll('_', ' ')} of ${partOf(section, config)}`;
}

/** The stage that a section of the config is of, or the section itself. */
function partOf(section: string, config: RunConfig): string {
  const stage = STAGE_NAMES.find((known) => known === section);
  return stage === undefined ? section : lowered(stageWords(stage, config).label);
}

/** In mid-sentence, where L3 stays L3. */
function lowered(label: string): string {
  return label.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase());
}

function said(value: LeafValue): string {
  const text = Array.isArray(value) ? value.join(' and ') : formatLeaf(value);
  return text === '' ? 'none' : text;
}
