/**
 * A run as the fragment of a link, readable as it stands:
 *
 *   #run=1&preset=tiny&version=1&seed=7&popo.weighting=fixed&dataset=<sha-256>&fp.inputs=…&fp.exact=…&fp.blocks=…&fp.close=…&result=…
 *
 * What differs from the preset is written field by field (`diff.ts`), and what was changed while the run went on as `changes=`
 * (`changes.ts`). None of this is compressed. What came out of the run may follow as one field more, which is: it is only carried
 * here, and read apart (`result/resultField.ts`), so that a bad one takes nothing else along. A link is a stranger's input: it is
 * bounded in length, unknown and repeated fields are refused, values pass the config's schema, and all that a bad one
 * does is to give one sentence and the defaults.
 */
import { formatChanges, type RunChange, readChanges } from './changes';
import { ConfigError, parseConfig, type RunConfig } from './config';
import { diffFromPreset, formatLeaf, isPreset, presetVersion, readField } from './diff';
import { fieldAt, setLeaf } from './fields/paths';
import { defaultConfig, presetConfig } from './presets';
import { type Fingerprint, type FingerprintBlocks, STAGE_NAMES, type StageName } from './report';

/** Of the link's own form. */
const LINK_VERSION = '1';
/** Of the presets, where a link does not say: written by hand, when there was no other. It means the same numbers for ever. */
const UNSAID_VERSION = '1';
/** Without the result. */
const MAX_LENGTH = 4096;
/** Most characters of a result that is read. */
export const MOST_RESULT = 6 * 1024;
/** Whatever is in it. */
const MOST_CHARACTERS = 4 * MOST_RESULT;
const MAX_FIELDS = 160;

export interface ParsedLink {
  /** The link's config, or the defaults when there is no link or a bad one. */
  config: RunConfig;
  /** What its maker changed while the run went on. */
  changes: RunChange[];
  /** SHA-256 of the data the run was made on, if the link says. */
  dataset: string | null;
  /** What the link's maker got, if the link says. */
  expected: Fingerprint | null;
  /** What came out, as the link has it, which nobody has looked at yet; null if it does not say. */
  result: string | null;
  /** One sentence for the person who opened it, or null when all is well. */
  problem: string | null;
}

/** The fragment, with its `#`. A dataset or fingerprint of null is left out, and so are no changes. */
export function formatLink(
  config: RunConfig,
  dataset: string | null,
  result: Fingerprint | null,
  changes: readonly RunChange[] = [],
): string {
  const pairs = [
    ['run', LINK_VERSION],
    ['preset', config.preset],
    ['version', String(config.version)],
    ...Object.entries(diffFromPreset(config)).map(([path, value]) => [path, formatLeaf(value)]),
  ];
  if (changes.length > 0) pairs.push(['changes', formatChanges(changes)]);
  if (dataset !== null) pairs.push(['dataset', dataset]);
  if (result !== null) {
    const blocks = result.blocks.map(({ stage, every, hashes }) => `${stage}:${every}:${hashes.join('')}`);
    pairs.push(
      ['fp.inputs', result.inputs],
      ['fp.exact', result.exact],
      ['fp.blocks', blocks.join(',')],
      ['fp.close', result.close.join(',')],
    );
  }
  return `#${pairs.map(([key, value]) => `${key}=${escaped(value)}`).join('&')}`;
}

/**
 * Reads `location.hash`, or a whole link. Never throws.
 * @param text an empty text is no link: the defaults, and no problem.
 */
export function parseLink(text: string): ParsedLink {
  const fragment = text.includes('#') ? text.slice(text.indexOf('#') + 1) : text;
  const nothing = { config: defaultConfig(), changes: [], dataset: null, expected: null, result: null };
  if (fragment === '') return { ...nothing, problem: null };
  try {
    return { ...readFragment(fragment), problem: null };
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it cannot be read.';
    return { ...nothing, problem: `This link was not used, the defaults are shown: ${reason}` };
  }
}

function readFragment(fragment: string): Omit<ParsedLink, 'problem'> {
  const fields = readFields(fragment);
  const take = (key: string): string | null => {
    const value = fields.get(key) ?? null;
    fields.delete(key);
    return value;
  };
  const form = take('run');
  if (form === null) throw new ConfigError('it does not describe a run.');
  if (form !== LINK_VERSION) throw new ConfigError('it was made by another version of this app.');
  const preset = take('preset') ?? defaultConfig().preset;
  if (!isPreset(preset)) throw new ConfigError(`preset must be ${fieldAt('preset').kind.range}.`);
  const version = presetVersion(take('version') ?? UNSAID_VERSION);
  if (version === null) throw new ConfigError(`version must be ${fieldAt('version').kind.range}.`);
  const config = presetConfig({ preset, version });
  const dataset = take('dataset');
  if (dataset !== null && !/^[0-9a-f]{64}$/.test(dataset)) {
    throw new ConfigError('dataset must be a SHA-256 in hex.');
  }
  const expected = readFingerprint(take('fp.inputs'), take('fp.exact'), take('fp.blocks'), take('fp.close'));
  const result = take('result');
  const changes = take('changes');
  for (const [path, value] of fields) setLeaf(config, ...readField(path, value));
  const whole = parseConfig(config);
  const told = changes === null ? [] : readChanges(changes, whole);
  return { config: whole, changes: told, dataset, expected, result };
}

/** A Map, not an object: `__proto__` is a key like any other there, and then no field of the config. */
function readFields(fragment: string): Map<string, string> {
  const tooLong = (most: number) => new ConfigError(`it is longer than ${most} characters.`);
  if (fragment.length > MOST_CHARACTERS) throw tooLong(MOST_CHARACTERS);
  const pairs = fragment.split('&');
  const rest = pairs.filter((pair) => !pair.startsWith('result=')).join('&');
  if (rest.length > MAX_LENGTH) throw tooLong(MAX_LENGTH);
  if (pairs.length > MAX_FIELDS) throw new ConfigError(`it has more than ${MAX_FIELDS} fields.`);
  const fields = new Map<string, string>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) throw new ConfigError('it is not a list of key=value joined by &.');
    const key = decode(pair.slice(0, at));
    if (fields.has(key)) throw new ConfigError(`it says ${key.slice(0, 40)} twice.`);
    const value = pair.slice(at + 1);
    fields.set(key, key === 'result' ? value : decode(value));
  }
  return fields;
}

/** What a fragment cannot hold as it stands: the names of a person's columns may have it. */
function escaped(value: string): string {
  return value.replace(/[%&#\s]/g, encodeURIComponent);
}

/** Links seldom need escapes, but chats and mailers add some. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ConfigError('it has a broken % escape.');
  }
}

function readFingerprint(
  inputs: string | null,
  exact: string | null,
  blocks: string | null,
  close: string | null,
): Fingerprint | null {
  if (inputs === null && exact === null && blocks === null && close === null) return null;
  const bad = new ConfigError('its fingerprint (the fp. fields) is incomplete or malformed.');
  if (inputs === null || exact === null || blocks === null || close === null) throw bad;
  if (!/^[0-9a-f]{32}$/.test(inputs) || !/^[0-9a-f]{32}$/.test(exact)) throw bad;
  const samples =
    close === '' ? [] : close.split(',').map((part) => (part === '' ? Number.NaN : Number(part)));
  if (samples.length > 64 || !samples.every(Number.isFinite)) throw bad;
  const read: FingerprintBlocks[] = (blocks === '' ? [] : blocks.split(',')).map((part) => {
    const match = /^([a-z]+):([1-9]\d{0,6}):((?:[0-9a-f]{6}){1,16})$/.exec(part);
    if (match === null || !isStage(match[1])) throw bad;
    return { stage: match[1], every: Number(match[2]), hashes: match[3].match(/.{6}/g) ?? [] };
  });
  return { inputs, exact, blocks: read, close: samples };
}

function isStage(text: string): text is StageName {
  return (STAGE_NAMES as readonly string[]).includes(text);
}
