/** Which kind each test user of a run is of, where its data set tells kinds apart: for tables over several runs. */
import type { TestSlices } from '../evaluate/slices';
import type { Data } from './stages/data';

/** Null for data without slices. */
export function testSlices({ dataset: { slices }, draw }: Pick<Data, 'dataset' | 'draw'>): TestSlices | null {
  return slices === undefined
    ? null
    : { names: [...slices.names], of: draw.test.map((example) => slices.of(example)) };
}
