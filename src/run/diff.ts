/**
 * A config as its readable difference from a preset: `{ seed: 7, 'popo.weighting': 'fixed' }`. Keys are dotted paths to
 * leaves; a list is a leaf. Links, `--set` and the page's "what differs" line all speak this form.
 */
import { ConfigError, type ConfigPath, completed, parseConfig, type RunConfig } from './config';
import type { LeafValue } from './fields/kinds';
import { CONFIG_PATHS, fieldAt, isConfigPath, leafAt, setLeaf } from './fields/paths';
import {
  PRESET_NAMES,
  PRESET_VERSIONS,
  type PresetName,
  type PresetRef,
  type PresetVersion,
  presetConfig,
} from './presets';

export type { LeafValue };

/** Dotted path → value, in the order of the config's own fields. */
export type ConfigDiff = Record<string, LeafValue>;

/** `preset` and `version` say what a difference is against; they are never part of one. */
const ANCHORS: readonly ConfigPath[] = ['preset', 'version'];

/** Every dotted path of a field, in the order of the config's fields. */
export function configPaths(): readonly ConfigPath[] {
  return CONFIG_PATHS;
}

/** What of `config` differs from the preset that it names. */
export function diffFromPreset(config: RunConfig): ConfigDiff {
  // Of recordings and old reports, too.
  const whole = completed(config) as RunConfig;
  const diff: ConfigDiff = {};
  for (const path of CONFIG_PATHS) {
    const value = leafAt(whole, path);
    const isSame =
      JSON.stringify(value) === JSON.stringify(fieldAt(path).defaults[config.version][config.preset]);
    if (!ANCHORS.includes(path) && !isSame) diff[path] = value;
  }
  return diff;
}

/**
 * The preset with the difference applied.
 * @throws {ConfigError} for a path that does not exist or a value that is refused.
 */
export function applyDiff(preset: PresetRef, diff: Readonly<ConfigDiff>): RunConfig {
  const config = presetConfig(preset);
  for (const [path, value] of Object.entries(diff)) setLeaf(config, settable(path), value);
  return parseConfig(config);
}

/**
 * One field from text, as links hold it, for `setLeaf`. Its range is for `parseConfig` to check when all fields are set,
 * since rules may span several.
 * @throws {ConfigError} for an unknown path or text that is not of the field's type.
 */
export function readField(path: string, text: string): [ConfigPath, LeafValue] {
  const known = settable(path);
  const { kind } = fieldAt(known);
  const value = kind.read(text);
  if (value === null) throw new ConfigError(`${known} must be ${kind.reads}, not "${shorten(text)}".`);
  return [known, value];
}

/**
 * One field from `key.path=value`, as `--set popo.weighting=fixed` has it.
 * @throws {ConfigError} as `readField`, or when there is no `=`.
 */
export function readAssignment(assignment: string): [ConfigPath, LeafValue] {
  const at = assignment.indexOf('=');
  if (at < 1) throw new ConfigError(`"${shorten(assignment)}" is not of the form key.path=value.`);
  return readField(assignment.slice(0, at), assignment.slice(at + 1));
}

/** A leaf as text that `readField` reads back to the same value. */
export function formatLeaf(value: LeafValue): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}

function settable(path: string): ConfigPath {
  if (!isConfigPath(path)) {
    const tail = path.slice(path.lastIndexOf('.') + 1);
    const near = CONFIG_PATHS.find((known) => known.endsWith(`.${tail}`));
    const hint = near === undefined ? 'docs/CONFIG.md lists those there are.' : `did you mean ${near}?`;
    throw new ConfigError(`${shorten(path)} is not a field of the config; ${hint}`);
  }
  if (ANCHORS.includes(path)) throw new ConfigError(`${path} cannot be set: choose a preset instead.`);
  return path;
}

/** Quotes from outside stay short in messages. */
function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** Whether a text names a preset. */
export function isPreset(text: string): text is PresetName {
  return (PRESET_NAMES as readonly string[]).includes(text);
}

/** The version of the presets that a text names; null for none. */
export function presetVersion(text: string): PresetVersion | null {
  return PRESET_VERSIONS.find((known) => String(known) === text) ?? null;
}
