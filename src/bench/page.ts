/** The benchmark in a browser's page; `bench.ts` opens it headless and calls what it needs. */
import { raceProducts } from './products';
import { runBench } from './run';

const calls = { runBench, raceProducts };

declare global {
  var taijiBench: typeof calls | undefined;
}

globalThis.taijiBench = calls;
