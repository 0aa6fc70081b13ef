/** The benchmark in a browser's page; `bench.ts` opens it headless and calls `runBench`. */
import { runBench } from './run';

declare global {
  var taijiBench: typeof runBench | undefined;
}

globalThis.taijiBench = runBench;
