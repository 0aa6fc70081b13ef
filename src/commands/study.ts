/**
 * `npm run study`: methods × seeds in Node on Dawn. Every cell is written to --out when it is done, and a study that was ended goes
 * on with the cells that are missing. Exits with 1 when a cell failed, 2 for wrong arguments.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDawn } from '../browsers/dawn';
import { formatMapping, parseMapping } from '../data/mapping';
import type { RunConfig } from '../run/config';
import { Controls } from '../run/controls';
import { loadDataset } from '../run/datasets';
import { openRunDevice } from '../run/device';
import { type ConfigDiff, diffFromPreset, isPreset, presetVersion, readAssignment } from '../run/diff';
import { setLeaf } from '../run/fields/paths';
import { defaultConfig, type PresetRef, presetConfig } from '../run/presets';
import { runPipeline } from '../run/runner';
import type { Cell } from '../study/cell';
import { CLAIM } from '../study/claimMethods';
import { packEnd, unpackEnd } from '../study/endFile';
import { type GateSeed, gateText, judgeGate } from '../study/gate';
import { GATE } from '../study/gateMethods';
import { fitting, METHODS, type Method, methodConfig, methodNamed } from '../study/methods';
import { adapterWords, isOf, runStudy } from '../study/queue';
import { cellsCsv, studyTables, tablesText } from '../study/tables';
import { readClaims, tellClaim } from './claim';
import { dataFiles, importFiles } from './dataFiles';
import { gateSeed, readGates } from './gate';
import { ProgressLines } from './progress';
import { readSentenceFiles } from './sentenceFiles';

const USAGE = `npm run study -- --out DIR [options]
  --preset NAME        tiny (the default), small, base, medium or large
  --version N          of the preset: 2 (the default), of the world compatibility, or 1, of the worlds before it
  --seeds N|A-B|A,B    seeds 1 to N, A to B, or these (default 3, of a claim 1-5); with --gate or --claim N is one
                       seed
  --methods a,b        some of: ${METHODS.map(({ name }) => name).join(', ')}
  --gate               whether the world of the presets of version 2 is fit to study rules on: its methods and counters, with a verdict on
                       each criterion; also gate.json
  --claim              whether a rule is above the hull of five fixed weights, and what soups cover: its methods, with a verdict on each;
                       also claim.json
  --from A,…           instead of running anything, join what other processes wrote: with --gate their gate.json, with --claim
                       their folders
  --set key=value      a field of the config that every method changes; may be repeated
  --data DIR|FILE      your own interactions instead of the embedded world
  --map role=column,…  where their columns are not guessed right
  --adapter dawn       in Node on any GPU, the only place so far`;

export interface StudyOptions {
  preset: PresetRef;
  common: ConfigDiff;
  seeds: number[];
  methods: readonly Method[];
  /** Which methods were left out, and why; null for none. */
  leftOut: string | null;
  /** Files to import; empty for an embedded world. */
  data: string[];
  /** What is said about their columns; '' guesses all. */
  map: string;
  /** Judge the world. */
  gate: boolean;
  /** Judge the rules. */
  claim: boolean;
  /** Gates, or folders of claims, to join instead of running anything; empty: run. */
  from: string[];
  out: string;
}

/** @throws an Error that says which argument is wrong */
export function parseStudyOptions(args: string[]): StudyOptions {
  const { values } = parseArgs({
    args,
    options: {
      preset: { type: 'string', default: 'tiny' },
      version: { type: 'string' },
      gate: { type: 'boolean', default: false },
      claim: { type: 'boolean', default: false },
      from: { type: 'string' },
      seeds: { type: 'string' },
      methods: { type: 'string' },
      set: { type: 'string', multiple: true, default: [] },
      data: { type: 'string' },
      map: { type: 'string', default: '' },
      adapter: { type: 'string', default: 'dawn' },
      out: { type: 'string' },
    },
  });
  const { preset: name, methods, out } = values;
  // Fewer than five judge nothing.
  const seeds = values.seeds ?? (values.claim ? '1-5' : '3');
  const version = presetVersion(values.version ?? String(defaultConfig().version));
  if (out === undefined) throw new Error('--out DIR is missing: where should the results go?');
  if (!isPreset(name)) throw new Error(`There is no preset ${name}.`);
  if (version === null)
    throw new Error(`There is no version ${values.version} of the presets: choose 1 or 2.`);
  const preset = { preset: name, version };
  if (values.adapter !== 'dawn') throw new Error(`--adapter must be dawn, not ${values.adapter}.`);
  const config = presetConfig(preset);
  for (const assignment of values.set) setLeaf(config, ...readAssignment(assignment));
  const { seed: _, ...common } = diffFromPreset(config);
  const { gate, claim } = values;
  if (gate && claim) throw new Error('--gate judges the world and --claim the rules: choose one of them.');
  if ((gate || claim) && methods !== undefined)
    throw new Error(`--${gate ? 'gate' : 'claim'} has methods of its own; leave --methods out.`);
  if (values.from !== undefined && !gate && !claim)
    throw new Error('--from joins gates or claims; add --gate or --claim.');
  const named = methods === undefined ? METHODS : methods.split(',').map(methodNamed);
  const asked = gate ? GATE : claim ? CLAIM : named;
  const options = {
    preset,
    common,
    seeds: (gate || claim) && /^[1-9]\d{0,2}$/.test(seeds) ? [Number(seeds)] : parseSeeds(seeds),
    ...fitting(asked, preset, common),
    data: values.data === undefined ? [] : dataFiles(values.data),
    map: formatMapping(parseMapping(values.map)),
    gate,
    claim,
    from: values.from?.split(',') ?? [],
    out,
  };
  if (options.methods.length === 0) throw new Error(`No method is left to run. ${options.leftOut}`);
  for (const method of options.methods) methodConfig(method, preset, common, 1);
  return options;
}

/** `5` is seeds 1 to 5, `21-25` is 21 to 25, `31,33` is these. */
function parseSeeds(text: string): number[] {
  const listed = /^[1-9]\d{0,2}(?:,[1-9]\d{0,2})+$/.test(text) ? text.split(',').map(Number) : [];
  if (listed.length > 0 && new Set(listed).size === listed.length) return listed;
  const [, first, last] = /^(?:([1-9]\d{0,2})-)?([1-9]\d{0,2})$/.exec(text) ?? [];
  const [from, to] = [Number(first ?? 1), Number(last)];
  if (last === undefined || from > to)
    throw new Error(
      `--seeds must be a number from 1 to 999, a range of such numbers like 21-25 or a list like 21,23, not ${text}.`,
    );
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

export async function main(args: string[]): Promise<number> {
  let options: StudyOptions;
  try {
    options = parseStudyOptions(args);
    mkdirSync(options.out, { recursive: true });
  } catch (error) {
    console.error(`Error: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  const { out } = options;
  if (options.from.length > 0)
    return options.claim ? tellClaim(readClaims(options.from), out) : tellGate(readGates(options.from), out);
  if (options.leftOut !== null) console.log(options.leftOut);
  const imported =
    options.data.length === 0 ? null : await importFiles(options.data, options.map, console.log);
  if (imported !== null)
    Object.assign(options.common, {
      'data.source': 'import',
      'data.sha256': imported.sha256,
      'data.map': options.map,
    });
  const file = (method: string, seed: number) => join(out, `cell-${method}-${seed}.json`);
  /** Kept only while a method is to be made from it. */
  const endFileOf = (method: string, seed: number) => join(out, `end-${method}-${seed}.zip`);
  const api = openDawn();
  /** What the gate tells beside results: the adapter, and by seed and method the seconds. */
  let adapter = 'cells kept from before';
  const seconds = new Map<string, number>();
  let now = { key: '', since: 0 };
  const { cells, failed } = await runStudy({
    ...options,
    tell(event) {
      const { method, seed, status } = event;
      if (status === 'failed') console.log(`  failed: ${event.message}`);
      if (status === 'started') now = { key: `${seed} ${method}`, since: performance.now() };
      if (status === 'finished') seconds.set(now.key, (performance.now() - now.since) / 1000);
      if (status === 'started')
        console.log(`${method}, seed ${seed}${event.from === null ? '' : `, from ${event.from} on`}`);
    },
    async read(method, config) {
      const path = file(method, config.seed);
      if (!existsSync(path)) return null;
      const cell = readCell(path);
      if (cell !== null && isOf(cell, config)) return cell;
      console.log(`${path} is damaged, or of another config or version of this app: it is made again.`);
      return null;
    },
    async keep(cell) {
      writeWhole(file(cell.method, cell.seed), `${JSON.stringify(cell)}\n`);
    },
    ends: {
      async read(method, config) {
        const path = endFileOf(method, config.seed);
        return existsSync(path) ? unpackEnd(readFileSync(path), config) : null;
      },
      keep: async (method, end, { seed }) => writeWhole(endFileOf(method, seed), await packEnd(end)),
      drop: async (method, { seed }) => rmSync(endFileOf(method, seed), { force: true }),
    },
    run(config, resume, save) {
      const lines = new ProgressLines(console.log);
      const none = async () => {
        throw new Error('A study asks only the embedded teacher.');
      };
      return runPipeline({
        config,
        controls: new Controls(),
        emit(event) {
          if (event.type === 'device') adapter = adapterWords(event.device);
          lines.event(event);
        },
        teaching: { key: null, readAnswers: none, appendAnswers: none, loadCots: none, keepCots: none },
        loadDataset: () => loadDataset(config, async () => imported),
        loadSentenceFiles: readSentenceFiles,
        async openDevice(kernels: RunConfig['kernels']) {
          const device = await openRunDevice(kernels, api);
          if (device.info.backend !== 'webgpu') throw new Error('Dawn gave no adapter.');
          return device;
        },
        save,
        resume,
      });
    },
  });
  const tables = studyTables(cells);
  writeFileSync(join(out, 'study.json'), `${JSON.stringify({ ...tables, cells })}\n`);
  writeFileSync(join(out, 'study.csv'), cellsCsv(cells));
  console.log(`\n${tablesText(tables)}\n\nWrote study.json and study.csv to ${out}.`);
  if (options.gate && failed === 0) {
    const gates: GateSeed[] = [];
    for (const seed of options.seeds) {
      const mine = cells.filter((cell) => cell.seed === seed);
      const own = new Map(mine.map(({ method }) => [method, seconds.get(`${seed} ${method}`) ?? 0]));
      gates.push(await gateSeed(mine, { adapter, seconds: own }));
    }
    tellGate(gates, out);
  }
  if (options.claim && failed === 0) tellClaim(cells, out);
  if (failed > 0) console.error(`${failed} cells failed; run the same command again to try them once more.`);
  return failed > 0 ? 1 : 0;
}

function readCell(path: string): Cell | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Cell;
  } catch {
    return null;
  }
}

/** Under its name only once it is whole. */
function writeWhole(path: string, content: string | Uint8Array): void {
  writeFileSync(`${path}.part`, content);
  renameSync(`${path}.part`, path);
}

/** Writes gate.json and prints the verdicts. @returns the exit code: a gate that is not passed is a result, not a failure */
function tellGate(gate: GateSeed[], out: string): number {
  const file = join(out, 'gate.json');
  writeFileSync(file, `${JSON.stringify({ gate, criteria: judgeGate(gate) })}\n`);
  console.log(`\n${gateText(gate)}\n\nWrote ${file}.`);
  return 0;
}
