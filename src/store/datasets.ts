/** Imported data sets, by their SHA-256. Columns of numbers are stored flat; sample ids are made again when read. */
import type { Dataset, Example, Impressions } from '../data/dataset';
import { sampleId } from '../data/hash';
import type { Store } from './store';

/** The part of a data set that is text. */
interface Catalogue extends Pick<Dataset, 'id' | 'items' | 'facts' | 'notes'> {
  users: { id: string; profile: string; length: number }[];
}

/** The imported data sets of a store; `Header` is what a list shows of one. Methods reject with StoreError only. */
export class Datasets<Header> {
  constructor(readonly store: Store) {}

  /** Writes or replaces the data set, all of it or nothing. An oracle is not kept: an imported data set has none. */
  save(dataset: Dataset, header: Header): Promise<void> {
    const { id, sha256, items, users, impressions, heldOutImpressions, splits, facts, notes } = dataset;
    const catalogue: Catalogue = {
      id,
      items,
      users: users.map((user) => ({ id: user.id, profile: user.profile, length: user.history.length })),
      facts,
      notes,
    };
    const parts = {
      catalogue,
      histories: flatten(users.map((user) => user.history)).buffer,
      train: pairs(splits.train),
      validation: pairs(splits.validation),
      test: pairs(splits.test),
      ...columns('impressions', impressions),
      ...(heldOutImpressions && columns('heldOutImpressions', heldOutImpressions)),
    };
    return this.store.put('datasets', { id: sha256, header, parts });
  }

  /** Headers in the order of hashes, without reading any data. */
  async list(): Promise<Header[]> {
    return (await this.store.list('datasets')).map(({ header }) => header as Header);
  }

  /** The data set of this hash, or null if there is none. */
  async load(sha256: string): Promise<Dataset | null> {
    const record = await this.store.get('datasets', sha256);
    if (!record) return null;
    const { id, items, users, facts, notes } = record.parts.catalogue as Catalogue;
    const ints = (part: string) => new Int32Array(record.parts[part] as ArrayBuffer);
    const flags = (part: string) => new Uint8Array(record.parts[part] as ArrayBuffer);
    const examples = (part: string): Example[] => {
      const flat = ints(part);
      return Array.from({ length: flat.length / 2 }, (_, index) => {
        const [user, position] = [flat[2 * index], flat[2 * index + 1]];
        return { sampleId: sampleId(sha256, users[user].id, position), user, position };
      });
    };
    const shown = (part: string): Impressions => ({
      user: ints(`${part}.user`),
      item: ints(`${part}.item`),
      historyLength: ints(`${part}.historyLength`),
      click: flags(`${part}.click`),
      conversion: flags(`${part}.conversion`),
    });
    const histories = ints('histories');
    let offset = 0;
    return {
      id,
      sha256,
      items,
      users: users.map(({ id, profile, length }) => {
        offset += length;
        return { id, profile, history: histories.slice(offset - length, offset) };
      }),
      impressions: shown('impressions'),
      ...('heldOutImpressions.user' in record.parts && { heldOutImpressions: shown('heldOutImpressions') }),
      splits: { train: examples('train'), validation: examples('validation'), test: examples('test') },
      facts,
      notes,
    };
  }

  delete(sha256: string): Promise<void> {
    return this.store.delete('datasets', sha256);
  }
}

function columns(part: string, impressions: Impressions): Record<string, ArrayBuffer> {
  return Object.fromEntries(
    Object.entries(impressions).map(([name, column]) => [`${part}.${name}`, column.slice().buffer]),
  );
}

/** Rows of integers one after the other. */
function flatten(rows: ArrayLike<number>[]): Int32Array<ArrayBuffer> {
  const flat = new Int32Array(rows.reduce((total, row) => total + row.length, 0));
  let offset = 0;
  for (const row of rows) {
    flat.set(row, offset);
    offset += row.length;
  }
  return flat;
}

function pairs(examples: Example[]): ArrayBuffer {
  return flatten(examples.map(({ user, position }) => [user, position])).buffer;
}
