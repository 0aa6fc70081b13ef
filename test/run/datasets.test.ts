import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import type { RunConfig } from '../../src/run/config';
import { loadDataset } from '../../src/run/datasets';
import { minusculeConfig } from './tinyRun';

const nothing = async () => null;

/** A world that differs from the preset's in every option. */
function world(change: (config: RunConfig) => void = () => {}): Promise<Dataset> {
  const config = minusculeConfig(({ data }) => {
    Object.assign(data, {
      world: 'hackable',
      num_l1: 3,
      items_per_l3: 2,
      num_users: 30,
      num_heldout_users: 7,
    });
  });
  change(config);
  return loadDataset(config, nothing);
}

describe('the data set of a config', () => {
  it('is the world that it names, as large as it says', async () => {
    const { id, items, users, splits } = await world();
    expect(id).toBe('world-hackable');
    expect(items).toHaveLength(3 * 16 * 2);
    expect(users).toHaveLength(30 + 2 * 7);
    expect([splits.validation.length, splits.test.length]).toEqual([7, 7]);
    expect((await loadDataset(minusculeConfig(), nothing)).id).toBe('world');
  });

  it('is another with another seed, and the same with the same', async () => {
    const [first, same, other] = await Promise.all([
      world(),
      world(),
      world((config) => {
        config.seed = 6;
      }),
    ]);
    expect(same.sha256).toBe(first.sha256);
    expect(other.sha256).not.toBe(first.sha256);
  });

  it('is the import of its hash, and nothing else where that is not here', async () => {
    const sha256 = 'ab'.repeat(32);
    const config = minusculeConfig(({ data }) => Object.assign(data, { source: 'import', sha256 }));
    const here = { id: 'mine' } as Dataset;
    const asked: string[] = [];
    const find = async (hash: string) => {
      asked.push(hash);
      return here;
    };
    expect(await loadDataset(config, find)).toBe(here);
    expect(asked).toEqual([sha256]);
    await expect(loadDataset(config, nothing)).rejects.toThrow(
      /imported data set abababababab…, which is not here/,
    );
  });
});
