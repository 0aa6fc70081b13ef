/** How many items the catalogue of a config's data has. */
import type { RunConfig } from './config';

/** Of the generated world of devices, beside its devices. */
const COMPATIBILITY_ITEMS = 224;

/** @param imported of the data set that the config names, where it was imported; 0 where that is not known here */
export function catalogueSize({ data }: Pick<RunConfig, 'data'>, imported: number): number {
  if (data.source !== 'world') return imported;
  return data.world === 'compatibility'
    ? data.devices + COMPATIBILITY_ITEMS
    : data.num_l1 * 16 * data.items_per_l3;
}
