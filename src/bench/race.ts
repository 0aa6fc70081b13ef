/** Which of several ways of doing the same is the fastest. */
import { median } from '../numeric/median';

export interface Runner {
  name: string;
  /** Whether what it makes is right; asked first, which also warms it up. */
  isRight(): Promise<boolean>;
  /** Milliseconds of doing it once. */
  time(): Promise<number>;
}

export interface RaceResult {
  /** The first of the fastest. */
  best: string;
  /** Medians by name; those that are not right have none. */
  ms: Map<string, number>;
}

/** @param rounds in which each is timed in turn, so that a machine that slows down does so for all. @throws Error where none is right */
export async function race(runners: readonly Runner[], rounds: number): Promise<RaceResult> {
  const times = new Map<Runner, number[]>();
  for (const runner of runners) if (await runner.isRight()) times.set(runner, []);
  for (let round = 0; round < rounds; round++)
    for (const [runner, taken] of times) taken.push(await runner.time());
  const ms = new Map([...times].map(([{ name }, taken]) => [name, median(taken)]));
  const [first, ...others] = ms.keys();
  if (first === undefined) throw new Error(`None of ${runners.map(({ name }) => name).join(', ')} is right.`);
  const of = (name: string) => ms.get(name) ?? Number.POSITIVE_INFINITY;
  return { best: others.reduce((best, name) => (of(name) < of(best) ? name : best), first), ms };
}
