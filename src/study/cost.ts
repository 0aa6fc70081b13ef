/** What it took to come to a set of models: the RL of every run involved, once, however many models are made from it. */
import type { Cell } from './cell';

export interface Cost {
  /** Mean over seeds, of training alone. */
  seconds: number;
  updates: number;
  rollouts: number;
  /** Rollouts as a multiple of what one fixed weight took on the same seeds; null where no fixed weight tells. */
  ofOneFixed: number | null;
  /** What it was trained on, each once. */
  adapters: string[];
}

/**
 * @param fixed names of the fixed weights, whose mean is the unit
 * @returns null where a run does not tell, as those of older versions do not
 */
export function costOf(
  cells: readonly Cell[],
  methods: readonly string[],
  seeds: readonly number[],
  fixed: readonly string[],
): Cost | null {
  const find = (method: string, seed: number) =>
    cells.find((cell) => cell.method === method && cell.seed === seed);
  const runs: Cell[] = [];
  for (const seed of seeds) {
    const own = methods.map((name) => find(name, seed));
    const names = new Set(own.flatMap((cell) => cell?.from ?? cell?.method ?? []));
    const trained = [...names].map((name) => find(name, seed));
    for (const cell of [...own, ...trained]) if (cell?.spent === undefined) return null;
    runs.push(...(trained as Cell[]));
  }
  if (runs.length === 0) return null;
  const sum = (of: (spent: NonNullable<Cell['spent']>) => number, among: readonly Cell[] = runs) =>
    among.reduce((total, { spent }) => total + (spent === undefined ? 0 : of(spent)), 0);
  const units = cells.filter(
    ({ method, seed, spent }) => fixed.includes(method) && seeds.includes(seed) && spent !== undefined,
  );
  const unit = sum(({ rollouts }) => rollouts, units) / units.length;
  const rollouts = sum((spent) => spent.rollouts) / seeds.length;
  return {
    seconds: sum(({ seconds }) => seconds) / seeds.length,
    updates: sum(({ updates }) => updates) / seeds.length,
    rollouts,
    ofOneFixed: unit > 0 ? rollouts / unit : null,
    adapters: [...new Set(runs.flatMap(({ spent }) => spent?.adapter ?? []))],
  };
}

/** In a few words, such as `25,600 rollouts, 100 updates, 41 s`. */
export function costWords({ seconds, updates, rollouts }: Cost): string {
  const whole = (value: number) => Math.round(value).toLocaleString('en');
  return `${whole(rollouts)} rollouts, ${whole(updates)} updates, ${whole(seconds)} s`;
}
