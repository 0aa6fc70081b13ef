/** The same training steps in PyTorch, as a script that needs nothing else: whoever has PyTorch prints rows for the same table. */
import { BENCH_HYPER, type BenchShape } from '../model/benchShape';
import { COLUMNS } from './table';
import script from './torchStep.py?raw';

/** @param rounds that each shape is measured in, a second each */
export function torchScript(shapes: readonly BenchShape[], rounds: number): string {
  const task = JSON.stringify({ shapes, hyper: BENCH_HYPER, rounds, columns: COLUMNS }, null, 1);
  return script.replace('TASK_OF_THE_BENCHMARK', () => task);
}
