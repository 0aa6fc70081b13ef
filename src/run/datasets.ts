import { generateCompatibility } from '../data/compatibility/world';
import type { Dataset } from '../data/dataset';
import { generateWorld } from '../data/world';
import { camelCased } from './camelCase';
import type { RunConfig } from './config';

/**
 * The data set that a config names: a world is generated, an import is fetched by its hash.
 * @param findImport null when there is no import of that hash here
 * @throws Error when the import is not here
 */
export async function loadDataset(
  { data, seed }: RunConfig,
  findImport: (sha256: string) => Promise<Dataset | null>,
): Promise<Dataset> {
  if (data.source === 'world') {
    const { world, ...sizes } = camelCased(data);
    return world === 'compatibility'
      ? generateCompatibility({ ...sizes, seed })
      : generateWorld({ ...sizes, world, seed });
  }
  const dataset = await findImport(data.sha256);
  if (dataset !== null) return dataset;
  throw new Error(
    `This run needs the imported data set ${data.sha256.slice(0, 12)}…, which is not here: import the same files first.`,
  );
}
