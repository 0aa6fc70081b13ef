/** Settings in words: a field by its label, with the stage where several have the same, or by its name and stage. */
import { ruleOf, type Weighting } from '../../popo/rules';
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
      words: `${settingName(path, config)} ${valueWords(path, value)}, not ${valueWords(path, leafAt(preset, path))}`,
    }));
}

/** What was changed while a run went on, as sentences. */
export function changesInWords(changes: readonly RunChange[], config: RunConfig): string[] {
  return changes.map(({ stage, step, field, from, to }) => {
    const { label } = stageWords(stage, config);
    return `From step ${step + 1} of ${lowered(label)} on: ${settingName(field, config)} ${valueWords(field, to)}, not ${valueWords(field, from)}.`;
  });
}

/** A change in a few words: what it set, and from when on that holds. */
export function changeWords({ step, field, to }: RunChange, config: RunConfig): string {
  return `${settingName(field, config)} ${valueWords(field, to)} from step ${step + 1} on`;
}

/** A field by its label, with the stage where several have the same. */
export function settingLabel(path: ConfigPath, config: RunConfig): string {
  const label = labelled(path);
  const isAlone = Object.values(LABELS).filter((other) => other === label).length < 2;
  return isAlone ? label : `${label} of ${partOf(path.split('.')[0], config)}`;
}

/** In mid-sentence. */
export function settingName(path: ConfigPath, config: RunConfig): string {
  return lowered(settingLabel(path, config));
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

/** A value in mid-sentence; a rule has a name that people call it by. */
export function valueWords(path: ConfigPath, value: LeafValue): string {
  if (path === 'popo.weighting') return lowered(ruleOf(value as Weighting).label);
  const text = Array.isArray(value) ? value.join(' and ') : formatLeaf(value);
  return text === '' ? 'none' : text;
}
