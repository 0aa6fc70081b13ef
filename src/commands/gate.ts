/** `npm run study -- --gate`: what a study's cells come to as a world's gate, and gates of several processes together. */
import { existsSync, readFileSync } from 'node:fs';
import type { Dataset, Example } from '../data/dataset';
import { needsOf } from '../data/needs';
import { type Counter, countersOf, factJoin } from '../evaluate/counters';
import { OUTCOMES } from '../evaluate/metrics';
import type { RunConfig } from '../run/config';
import { loadDataset } from '../run/datasets';
import { drawExamples } from '../run/stages/data';
import type { Cell } from '../study/cell';
import { type GateRow, type GateSeed, madeBy } from '../study/gate';

/** What was noted while the cells were made. */
export interface GateNotes {
  adapter: string;
  /** By method; a cell that was kept from before has none. */
  seconds: ReadonlyMap<string, number>;
}

const L3 = OUTCOMES.indexOf('Category_L3_ACC');
const CTCVR = OUTCOMES.indexOf('CTCVR');

/**
 * @param cells of one seed
 * @throws Error for a data set that has no slices or does not know what sells
 */
export async function gateSeed(cells: readonly Cell[], { adapter, seconds }: GateNotes): Promise<GateSeed> {
  const [{ seed, app, kernels, config }] = cells;
  const dataset = await loadDataset(config, async () => null);
  const { slices, oracle } = dataset;
  if (slices === undefined || oracle === undefined)
    throw new Error(
      `The gate needs a world whose test users fall into slices, such as compatibility; data.world is ${config.data.world}.`,
    );
  const { test } = drawExamples(dataset, config);
  const join = factJoin(dataset);
  return {
    seed,
    app,
    kernels,
    adapter,
    seconds: [...seconds.values()].reduce((sum, each) => sum + each, 0),
    cells: cells.map(({ method, link }) => ({ name: method, seconds: seconds.get(method) ?? 0, link })),
    slices: { names: [...slices.names], of: test.map((example) => slices.of(example)) },
    methods: cells.map(methodRow),
    counters: counters(dataset, config).map((counter) => counterRow(dataset, test, counter)),
    ceiling: join === null ? null : counterRow(dataset, test, join),
  };
}

function counters(dataset: Dataset, { text }: RunConfig): Counter[] {
  return countersOf(dataset, text.history_length);
}

function methodRow({ method, outcomes }: Cell): GateRow {
  const users = outcomes.length / OUTCOMES.length;
  const column = (at: number) =>
    Array.from({ length: users }, (_, user) => outcomes[user * OUTCOMES.length + at]);
  return { name: method, l3: column(L3), ctcvr: column(CTCVR) };
}

function counterRow(dataset: Dataset, test: readonly Example[], { name, recommend }: Counter): GateRow {
  const needs = needsOf(dataset);
  const shown = test.map(recommend);
  const right = ({ user, position }: Example, item: number) =>
    Number(needs[item].key === needs[dataset.users[user].history[position]].key);
  return {
    name,
    l3: test.map((example, row) => right(example, shown[row])),
    ctcvr: test.map(({ user, position }, row) => dataset.oracle!.ctcvr(user, position, shown[row])),
  };
}

/**
 * Seeds of gates that several processes wrote, in order.
 * @throws Error for a file that is not one, a seed in two of them, and seeds that different versions made
 */
export function readGates(paths: readonly string[]): GateSeed[] {
  const seeds = paths.flatMap((path) => {
    if (!existsSync(path)) throw new Error(`${path} does not exist: --from takes files gate.json of --gate.`);
    const { gate } = JSON.parse(readFileSync(path, 'utf8')) as { gate?: GateSeed[] };
    if (!Array.isArray(gate)) throw new Error(`${path} is not the gate.json of a study with --gate.`);
    return gate;
  });
  const twice = seeds.find(({ seed }, index) => seeds.slice(0, index).some((other) => other.seed === seed));
  if (twice !== undefined) throw new Error(`Seed ${twice.seed} stands in two of the files of --from.`);
  const other = seeds.find((own) => madeBy(own) !== madeBy(seeds[0]));
  if (other !== undefined)
    throw new Error(
      `Seed ${other.seed} was made by ${madeBy(other)}, and seed ${seeds[0].seed} by ${madeBy(seeds[0])}: a gate is joined of parts of one version and one kernels.`,
    );
  return seeds.sort((a, b) => a.seed - b.seed);
}
