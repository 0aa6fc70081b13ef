/** By seed, how far each method is above the hull of the fixed weights and SFT, with what it took beside it. */
import { type Cost, costWords } from './cost';

interface Judged {
  method: string;
  overHullBySeed: readonly { seed: number; area: number }[];
  cost: Cost | null;
}

export interface HullBySeed {
  seeds: number[];
  /** Of methods that are judged on some seed. */
  rows: {
    method: string /** As `seeds`; null of a seed that it lacks. */;
    areas: (number | null)[];
    cost: Cost | null;
  }[];
}

/** Null where nothing is judged. */
export function hullBySeed(methods: readonly Judged[]): HullBySeed | null {
  const judged = methods.filter(({ overHullBySeed }) => overHullBySeed.length > 0);
  if (judged.length === 0) return null;
  const seeds = [
    ...new Set(judged.flatMap(({ overHullBySeed }) => overHullBySeed.map(({ seed }) => seed))),
  ].sort((a, b) => a - b);
  return {
    seeds,
    rows: judged.map(({ method, overHullBySeed, cost }) => ({
      method,
      areas: seeds.map((wanted) => overHullBySeed.find(({ seed }) => seed === wanted)?.area ?? null),
      cost,
    })),
  };
}

/** Thousandths of an area, with its sign. */
export const areaText = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(1000 * value).toFixed(2)}`;

/** For a terminal. */
export function hullBySeedRows({ seeds, rows }: HullBySeed): string[][] {
  return [
    ['above the hull by seed, ×1000', ...seeds.map(String), '× one fixed', 'RL, mean over seeds'],
    ...rows.map(({ method, areas, cost }) => [
      method,
      ...areas.map((area) => (area === null ? '' : areaText(area))),
      cost?.ofOneFixed?.toFixed(2) ?? '',
      cost === null ? '' : costWords(cost),
    ]),
  ];
}
