/** A study's means and paired differences by slice of test users, for the two outcomes that a trade-off is drawn in. */
import { type PairedInterval, pairedBootstrap } from '../evaluate/bootstrap';
import { OUTCOMES } from '../evaluate/metrics';
import type { BySlicedMetric } from '../evaluate/sliceChanges';
import { SLICED, type SlicedMetric } from '../evaluate/slices';
import type { Cell } from './cell';
import { COMPARISONS } from './comparisons';
import { type SliceFront, sliceFrontRows, sliceFronts } from './sliceFronts';
import { aligned } from './textTable';

export interface SliceTables {
  /** As the data set names them, without those that no test user is of. */
  names: string[];
  /** Test users of each over all seeds of the first method. */
  users: number[];
  /** In the order of `names`. */
  means: { method: string; slices: BySlicedMetric[] }[];
  /** `method` less `control` on the same users. */
  differences: { method: string; control: string; slices: BySlicedMetric[] }[];
  /** Of those slices that have a hull; left out by studies of older versions. */
  fronts?: SliceFront[];
}

/** Null where no cell tells its users' slices. */
export function sliceTables(all: readonly Cell[]): SliceTables | null {
  const cells = all.filter(({ slices }) => slices !== undefined);
  if (cells.length === 0) return null;
  const methods = [...new Set(cells.map(({ method }) => method))];
  const ofMethod = (method: string) => cells.filter((cell) => cell.method === method);
  const pairs = COMPARISONS.map(({ method, control }) => ({
    method,
    control,
    cells: ofMethod(method).flatMap((ours) =>
      ofMethod(control)
        .filter(({ seed }) => seed === ours.seed)
        .map((theirs) => [ours, theirs] as const),
    ),
  })).filter((pair) => pair.cells.length > 0);
  const names = (cells[0].slices?.names ?? []).filter((name) =>
    cells.every((cell) => usersOf(cell, name).length > 0),
  );
  // One slice after another, since the bootstrap keeps its last draws.
  const bySlice = names.map((name) => ({
    means: methods.map((method) =>
      each((metric) =>
        pairedBootstrap(
          ofMethod(method).map((cell) => values(cell, metric, name)),
          1,
        ),
      ),
    ),
    differences: pairs.map((pair) => each((metric) => pairedBootstrap(less(pair.cells, metric, name), 1))),
  }));
  return {
    names,
    fronts: sliceFronts(cells, names),
    users: names.map((name) =>
      ofMethod(methods[0]).reduce((sum, cell) => sum + usersOf(cell, name).length, 0),
    ),
    means: methods.map((method, at) => ({ method, slices: bySlice.map(({ means }) => means[at]) })),
    differences: pairs.map(({ method, control }, at) => ({
      method,
      control,
      slices: bySlice.map(({ differences }) => differences[at]),
    })),
  };
}

/** Per seed, of each user of the slice. */
function less(pairs: readonly (readonly [Cell, Cell])[], metric: SlicedMetric, name: string): number[][] {
  return pairs.map(([ours, theirs]) => {
    const base = values(theirs, metric, name);
    return values(ours, metric, name).map((value, user) => value - base[user]);
  });
}

function each(of: (metric: SlicedMetric) => PairedInterval): BySlicedMetric {
  return { Category_L3_ACC: of('Category_L3_ACC'), CTCVR: of('CTCVR') };
}

/** Test users of a slice. */
function usersOf({ slices }: Cell, name: string): number[] {
  const kind = slices?.names.indexOf(name) ?? -1;
  return (slices?.of ?? []).flatMap((own, user) => (own === kind ? [user] : []));
}

function values(cell: Cell, metric: SlicedMetric, name: string): number[] {
  const column = OUTCOMES.indexOf(metric);
  return usersOf(cell, name).map((user) => cell.outcomes[user * OUTCOMES.length + column]);
}

/** Tables for a terminal: means and differences, and the front where there is one. */
export function sliceTexts(tables: SliceTables): string[] {
  const fronts = sliceFrontRows(tables.fronts ?? []);
  return [aligned(sliceRowsText(tables)), ...(fronts.length === 0 ? [] : [aligned(fronts)])];
}

/** Rows for a terminal: of each method L3 and CTCVR by slice, then differences. */
export function sliceRowsText({ names, users, means, differences }: SliceTables): string[][] {
  const header = names.flatMap((name, at) => [`L3 ${name} (${users[at]})`, `CTCVR ${name}`]);
  const cell = ({ mean, low, high }: PairedInterval) =>
    `${mean.toFixed(4)} ±${((high - low) / 2).toFixed(4)}`;
  const row = (title: string, slices: readonly BySlicedMetric[]) => [
    title,
    ...slices.flatMap((slice) => SLICED.map((metric) => cell(slice[metric]))),
  ];
  return [
    ['by slice', ...header],
    ...means.map(({ method, slices }) => row(method, slices)),
    ...differences.map(({ method, control, slices }) => row(`${method} − ${control}`, slices)),
  ];
}
