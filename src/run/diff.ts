/**
 * A config as its readable difference from a preset: `{ seed: 7, 'popo.weighting': 'fixed' }`. Keys are dotted paths to
 * leaves; a list is a leaf. Links, `--set` and the page's "what differs" line all speak this form.
 */
import { ConfigError, parseConfig, type RunConfig } from './config';
import { PRESET_NAMES, type PresetName, presetConfig } from './presets';

export type LeafValue = string | number | boolean | number[] | string[];

/** Dotted path → value, in the order of the config's own fields. */
export type ConfigDiff = Record<string, LeafValue>;

type Node = { [key: string]: Node | LeafValue };

/** `preset` and `version` say what a difference is against; they are never part of one. */
const ANCHORS = ['preset', 'version'];

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function* leaves(node: Node, prefix = ''): Generator<[string, LeafValue]> {
  for (const [key, value] of Object.entries(node)) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (isNode(value)) yield* leaves(value, path);
    else yield [path, value];
  }
}

function toNode(config: RunConfig): Node {
  return config as unknown as Node;
}

function isEqual(a: LeafValue, b: LeafValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Every dotted path that `setByPath` takes, in the order of the config's fields. */
export function configPaths(): string[] {
  return [...leaves(toNode(presetConfig('small')))].map(([path]) => path);
}

/** What of `config` differs from the preset that it names. */
export function diffFromPreset(config: RunConfig): ConfigDiff {
  const preset = new Map(leaves(toNode(presetConfig(config.preset))));
  const diff: ConfigDiff = {};
  for (const [path, value] of leaves(toNode(config))) {
    if (!ANCHORS.includes(path) && !isEqual(value, preset.get(path)!)) diff[path] = value;
  }
  return diff;
}

/**
 * The preset with the difference applied.
 * @throws {ConfigError} for a path that does not exist or a value that is refused.
 */
export function applyDiff(preset: PresetName, diff: Readonly<ConfigDiff>): RunConfig {
  const config = presetConfig(preset);
  for (const [path, value] of Object.entries(diff)) assign(config, path, value);
  return parseConfig(config);
}

/**
 * Sets one field from text, as `--set popo.weighting=fixed` and links do. Changes `config` without checking ranges: call
 * `parseConfig` when all fields are set, since rules may span several.
 * @throws {ConfigError} for an unknown path or text that is not of the field's type.
 */
export function setByPath(config: RunConfig, path: string, text: string): void {
  assign(config, path, parseLeaf(path, text, find(config, path)));
}

/**
 * Splits `key.path=value` and sets it.
 * @throws {ConfigError} as `setByPath`, or when there is no `=`.
 */
export function setAssignment(config: RunConfig, assignment: string): void {
  const at = assignment.indexOf('=');
  if (at < 1) throw new ConfigError(`"${shorten(assignment)}" is not of the form key.path=value.`);
  setByPath(config, assignment.slice(0, at), assignment.slice(at + 1));
}

/** A leaf as text that `setByPath` reads back to the same value. */
export function formatLeaf(value: LeafValue): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}

function find(config: RunConfig, path: string): LeafValue {
  let node: Node | LeafValue = toNode(config);
  for (const key of path.split('.')) {
    // Own keys only: `__proto__` and `constructor` lead nowhere.
    if (!isNode(node) || !Object.hasOwn(node, key)) throw unknownPath(path);
    node = node[key];
  }
  if (isNode(node)) throw unknownPath(path);
  return node;
}

function assign(config: RunConfig, path: string, value: LeafValue): void {
  find(config, path);
  if (ANCHORS.includes(path)) throw new ConfigError(`${path} cannot be set: choose a preset instead.`);
  const keys = path.split('.');
  let node = toNode(config);
  for (const key of keys.slice(0, -1)) node = node[key] as Node;
  node[keys[keys.length - 1]] = value;
}

function unknownPath(path: string): ConfigError {
  const tail = path.slice(path.lastIndexOf('.') + 1);
  const near = tail === '' ? undefined : configPaths().find((known) => known.endsWith(`.${tail}`));
  const hint = near === undefined ? 'see RunConfig for the fields there are' : `did you mean ${near}?`;
  return new ConfigError(`${shorten(path)} is not a field of the config; ${hint}`.replace(/([^?])$/, '$1.'));
}

/** Decimal numbers as String(number) writes them, and what a person types: no hex, no spaces, no empty text. */
const DECIMAL = /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i;

function parseNumber(path: string, text: string): number {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) throw new ConfigError(`${path} must be a number, not "${shorten(text)}".`);
  return value;
}

function parseLeaf(path: string, text: string, current: LeafValue): LeafValue {
  if (Array.isArray(current)) {
    const parts = text.split(',');
    return typeof current[0] === 'string' ? parts : parts.map((part) => parseNumber(path, part));
  }
  // A threshold is a word or a perplexity.
  if (path === 'orft.threshold') return DECIMAL.test(text) ? parseNumber(path, text) : text;
  if (typeof current === 'number') return parseNumber(path, text);
  if (typeof current === 'boolean') {
    if (text !== 'true' && text !== 'false') {
      throw new ConfigError(`${path} must be true or false, not "${shorten(text)}".`);
    }
    return text === 'true';
  }
  return text;
}

/** Quotes from outside stay short in messages. */
function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** Whether a text names a preset. */
export function isPreset(text: string): text is PresetName {
  return (PRESET_NAMES as readonly string[]).includes(text);
}
