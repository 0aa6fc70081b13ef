/** The arguments of `npm run train`, checked before anything is started. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError, parseConfig, type RunConfig } from '../run/config';
import { isPreset, setAssignment, setByPath } from '../run/diff';
import { parseLink } from '../run/link';
import { presetConfig } from '../run/presets';
import type { Fingerprint } from '../run/report';

export const USAGE = `npm run train -- --out DIR [options]
  --preset NAME        tiny, small (the default), base, medium or large
  --seed N
  --link URL           someone's run again, judged by its fingerprint
  --data DIR|FILE      your own interactions instead of the embedded world
  --set key=value      any field of the config, as popo.weighting=fixed; may be repeated
  --adapter dawn       in Node on any GPU, without a browser (default: chromium)
  --firefox            the page in Firefox instead of Chromium`;

export interface TrainOptions {
  config: RunConfig;
  /** What the link promised: the data set's hash and the fingerprint. */
  dataset: string | null;
  expected: Fingerprint | null;
  /** Files to import; empty for an embedded world. */
  data: string[];
  out: string;
  where: 'chromium' | 'firefox' | 'dawn';
}

/** Formats that importers read, archives included. */
const DATA_FILES = /\.(csv|tsv|txt|dat|zip|gz)$/i;

/** @throws an Error that says which argument is wrong. */
export function parseTrainOptions(args: string[]): TrainOptions {
  const { values } = parseArgs({
    args,
    options: {
      preset: { type: 'string' },
      seed: { type: 'string' },
      link: { type: 'string' },
      data: { type: 'string' },
      set: { type: 'string', multiple: true, default: [] },
      out: { type: 'string' },
      adapter: { type: 'string', default: 'chromium' },
      firefox: { type: 'boolean', default: false },
    },
  });
  if (values.out === undefined) throw new Error('--out DIR is missing: where should the results go?');
  if (values.adapter !== 'chromium' && values.adapter !== 'dawn')
    throw new Error(`--adapter must be chromium or dawn, not ${values.adapter}.`);
  if (values.firefox && values.adapter === 'dawn')
    throw new Error('--firefox and --adapter dawn exclude each other.');
  if (values.link !== undefined && values.preset !== undefined)
    throw new Error('--link names its own preset; leave --preset out.');

  const { config, dataset, expected } =
    values.link === undefined ? fromPreset(values.preset) : fromLink(values.link);
  if (values.seed !== undefined) setByPath(config, 'seed', values.seed);
  for (const assignment of values.set) setAssignment(config, assignment);
  const data = values.data === undefined ? [] : dataFiles(values.data);
  if (data.length === 0 && config.data.source === 'import')
    throw new ConfigError(
      `this link was made on files of its maker's (SHA-256 ${config.data.sha256}); pass them as --data.`,
    );
  return {
    config: parseConfig(config),
    dataset,
    expected,
    data,
    out: values.out,
    where: values.adapter === 'dawn' ? 'dawn' : values.firefox ? 'firefox' : 'chromium',
  };
}

type Start = Pick<TrainOptions, 'config' | 'dataset' | 'expected'>;

function fromPreset(name = 'small'): Start {
  if (!isPreset(name))
    throw new Error(`There is no preset ${name}: choose tiny, small, base, medium or large.`);
  return { config: presetConfig(name), dataset: null, expected: null };
}

function fromLink(text: string): Start {
  const { problem, ...start } = parseLink(text);
  // The page falls back to its defaults; a command that was asked for this very run must not.
  if (problem !== null) throw new Error(problem);
  return start;
}

function dataFiles(path: string): string[] {
  if (!existsSync(path)) throw new Error(`--data ${path} does not exist.`);
  if (statSync(path).isFile()) return [path];
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((name) => DATA_FILES.test(name) && statSync(name).isFile())
    .sort();
  if (files.length === 0)
    throw new Error(`--data ${path} holds no file that an importer reads (csv, tsv, txt, dat, zip, gz).`);
  return files;
}
