/** The arguments of `npm run train`, checked before anything is started. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { formatMapping, parseMapping } from '../data/mapping';
import type { RunChange } from '../run/changes';
import { ConfigError, parseConfig, type RunConfig } from '../run/config';
import { isPreset, presetVersion, readAssignment, readField } from '../run/diff';
import type { DivergenceChoice } from '../run/divergence';
import { setLeaf } from '../run/fields/paths';
import { parseLink } from '../run/link';
import { defaultConfig, presetConfig } from '../run/presets';
import type { Fingerprint } from '../run/report';
import { type DataSize, type SizedDevice, sizedConfig } from '../run/sizing';
import { formatCots, parseCots } from '../sft/cotFile';
import { normalEndpoint } from '../sft/endpointAddress';
import { dataFiles } from './dataFiles';

export const USAGE = `npm run train -- --out DIR [options]
  --preset NAME        tiny, small (the default), base, medium or large; auto sizes the run to --data
  --version N          of the preset: 2 (the default), of the world compatibility, or 1, of the worlds before it
  --seed N
  --link URL           someone's run again, judged by its fingerprint
  --data DIR|FILE      your own interactions instead of the embedded world
  --map role=column,…  where the columns are not guessed right, as user=customer_id,time=order_date; docs/DATA.md
  --cots FILE          chains of thought written elsewhere, one {"sampleId", "cot"} a line
  --set key=value      any field of the config, as popo.weighting=fixed; may be repeated; docs/CONFIG.md lists them
  --on-divergence WHAT where training runs away: go-on (as if nobody looked; it is said), stop, or go-back (to the last good
                       checkpoint, with half the learning rate; up to 4 times)
  --adapter dawn       in Node on any GPU, without a browser (default: chromium)
  --firefox            the page in Firefox instead of Chromium
  --record             with --adapter dawn: also writes events.jsonl, all that the run told, for npm run recorded

The teacher openai asks an endpoint that you name: --set rupr.teacher=openai --set rupr.url=http://localhost:11434/v1
--set rupr.model=NAME, with its key, if it wants one, in the environment variable TAIJI_TEACHER_KEY.`;

/** In the place of a preset's name. */
const AUTO = 'auto';

const CHOICES: readonly DivergenceChoice[] = ['go-on', 'stop', 'go-back'];

export interface TrainOptions {
  config: RunConfig;
  /** What the link's maker changed while the run went on. */
  changes: readonly RunChange[];
  onDivergence: DivergenceChoice;
  /** What the link promised: the data set's hash and the fingerprint. */
  dataset: string | null;
  expected: Fingerprint | null;
  /** Files to import; empty for an embedded world. */
  data: string[];
  /** Fields that are set over what `auto` chooses once the data are known, as `--set` has them; null without `auto`. */
  sized: readonly string[] | null;
  /** A file of CoTs that the config names by its hash. */
  cots: { path: string; jsonl: string } | null;
  /** Of the teacher's endpoint. */
  teacherKey: string | null;
  out: string;
  where: 'chromium' | 'firefox' | 'dawn';
  /** All that the run tells is written down too. */
  isRecorded: boolean;
}

/** @throws an Error that says which argument is wrong. */
export function parseTrainOptions(args: string[], environment = process.env): TrainOptions {
  const { values } = parseArgs({
    args,
    options: {
      preset: { type: 'string' },
      version: { type: 'string' },
      seed: { type: 'string' },
      link: { type: 'string' },
      data: { type: 'string' },
      map: { type: 'string' },
      cots: { type: 'string' },
      set: { type: 'string', multiple: true, default: [] },
      out: { type: 'string' },
      'on-divergence': { type: 'string', default: 'go-on' },
      adapter: { type: 'string', default: 'chromium' },
      firefox: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
    },
  });
  if (values.out === undefined) throw new Error('--out DIR is missing: where should the results go?');
  if (values.adapter !== 'chromium' && values.adapter !== 'dawn')
    throw new Error(`--adapter must be chromium or dawn, not ${values.adapter}.`);
  if (values.firefox && values.adapter === 'dawn')
    throw new Error('--firefox and --adapter dawn exclude each other.');
  if (values.record && values.adapter !== 'dawn')
    throw new Error('--record writes down what a run in Node tells: it wants --adapter dawn.');
  if (values.link !== undefined && values.preset !== undefined)
    throw new Error('--link names its own preset; leave --preset out.');
  if (values.link !== undefined && values.version !== undefined)
    throw new Error('--link names its own version of the preset; leave --version out.');

  const onDivergence = CHOICES.find((choice) => choice === values['on-divergence']);
  if (onDivergence === undefined)
    throw new Error(`--on-divergence must be ${CHOICES.join(', ')}, not ${values['on-divergence']}.`);

  const isAuto = values.preset === AUTO;
  if (isAuto && values.data === undefined)
    throw new Error('--preset auto sizes the run to --data; there is no --data.');
  if (isAuto && values.version !== undefined)
    throw new Error('--preset auto chooses the version too; leave --version out.');
  const { config, changes, dataset, expected } =
    values.link === undefined
      ? fromPreset(isAuto ? undefined : values.preset, values.version)
      : fromLink(values.link);
  if (values.seed !== undefined) setLeaf(config, ...readField('seed', values.seed));
  for (const assignment of values.set) setLeaf(config, ...readAssignment(assignment));
  const cots = values.cots === undefined ? null : readCots(values.cots, config);
  if (cots === null && config.rupr.cots_sha256 !== '')
    throw new ConfigError(
      `this run was made with CoTs of its maker's (SHA-256 ${config.rupr.cots_sha256}); pass their file as --cots` +
        `${config.rupr.teacher === 'openai' ? ', or have the endpoint asked anew with --set rupr.cots_sha256=' : ''}.`,
    );
  // A link is a stranger's: neither purchases nor the key go to a host because it says so.
  const named = values.set.some((assignment) => assignment.startsWith('rupr.url='));
  if (values.link !== undefined && config.rupr.url !== '' && config.rupr.cots_sha256 === '' && !named)
    throw new ConfigError(
      `this link has ${normalEndpoint(config.rupr.url)} asked as the teacher; if that is what you want, say so: --set rupr.url=${normalEndpoint(config.rupr.url)}`,
    );
  const data = values.data === undefined ? [] : dataFiles(values.data);
  if (values.map !== undefined) {
    if (data.length === 0)
      throw new Error('--map says which columns of --data are what; there is no --data.');
    config.data.map = formatMapping(parseMapping(values.map));
  }
  if (data.length === 0 && config.data.source === 'import')
    throw new ConfigError(
      `this link was made on files of its maker's (SHA-256 ${config.data.sha256}); pass them as --data.`,
    );
  return {
    config: parseConfig(config),
    // Under other settings they are changes of another run.
    changes: values.seed === undefined && values.set.length === 0 ? changes : [],
    onDivergence,
    dataset,
    expected,
    data,
    sized: isAuto ? values.set : null,
    cots,
    teacherKey: environment.TAIJI_TEACHER_KEY?.trim() || null,
    out: values.out,
    where: values.adapter === 'dawn' ? 'dawn' : values.firefox ? 'firefox' : 'chromium',
    isRecorded: values.record,
  };
}

/**
 * What `auto` makes of the config once the data are known; without `auto` the config as it is.
 * @throws {ConfigError} when a field that is set cannot be
 */
export function sizedTo(
  { sized }: Pick<TrainOptions, 'sized'>,
  config: RunConfig,
  data: DataSize,
  device: SizedDevice,
): RunConfig {
  if (sized === null) return config;
  const fitted = sizedConfig(data, device, config);
  for (const assignment of sized) setLeaf(fitted, ...readAssignment(assignment));
  return parseConfig(fitted);
}

type Start = Pick<TrainOptions, 'config' | 'changes' | 'dataset' | 'expected'>;

function fromPreset(name = 'small', wanted = String(defaultConfig().version)): Start {
  if (!isPreset(name))
    throw new Error(`There is no preset ${name}: choose tiny, small, base, medium, large or auto.`);
  const version = presetVersion(wanted);
  if (version === null) throw new Error(`There is no version ${wanted} of the presets: choose 1 or 2.`);
  return { config: presetConfig({ preset: name, version }), changes: [], dataset: null, expected: null };
}

function fromLink(text: string): Start {
  const { problem, ...start } = parseLink(text);
  // The page falls back to its defaults; a command that was asked for this very run must not.
  if (problem !== null) throw new Error(problem);
  return start;
}

/** Reads a file of CoTs and names it in the config, or checks that it is the one named there. */
function readCots(path: string, { rupr }: RunConfig): TrainOptions['cots'] {
  if (!existsSync(path)) throw new Error(`--cots ${path} does not exist.`);
  const jsonl = formatCots(parseCots(readFileSync(path, 'utf8'), basename(path)));
  const sha256 = createHash('sha256').update(jsonl).digest('hex');
  if (rupr.cots_sha256 !== '' && rupr.cots_sha256 !== sha256)
    throw new Error(`--cots ${path} does not hold the CoTs that the run was made with: their hash differs.`);
  if (rupr.cots_sha256 === '') Object.assign(rupr, { teacher: 'file', url: '', model: '' });
  rupr.cots_sha256 = sha256;
  return { path, jsonl };
}
