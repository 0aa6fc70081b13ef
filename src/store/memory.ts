/** The Store in memory: for Node, and for browsers whose IndexedDB is missing or refuses. */
import { sizeOf } from './size';
import { type CollectionName, type Store, type StoreAction, type StoredRecord, toStoreError } from './store';

/** A store that lasts as long as the object. It copies on write and on read, as IndexedDB does. */
export function memoryStore(): Store {
  const collections = new Map<CollectionName, Map<string, StoredRecord & { writtenAt: number }>>();
  const records = (collection: CollectionName) => {
    const found = collections.get(collection) ?? new Map<string, StoredRecord & { writtenAt: number }>();
    collections.set(collection, found);
    return found;
  };
  return {
    persistent: false,
    async put(collection, { id, header, parts }) {
      records(collection).set(id, { ...copy({ id, header, parts }, 'write'), writtenAt: Date.now() });
    },
    async list(collection) {
      const all = [...records(collection).values()].map(({ id, header, parts, writtenAt }) =>
        copy({ id, header, bytes: sizeOf(parts), writtenAt }, 'read'),
      );
      return all.sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    async get(collection, id) {
      const found = records(collection).get(id);
      if (!found) return null;
      const { header, parts } = found;
      return copy({ id, header, parts }, 'read');
    },
    async delete(collection, id) {
      records(collection).delete(id);
    },
    close() {},
  };
}

function copy<T>(value: T, action: StoreAction): T {
  try {
    return structuredClone(value);
  } catch (error) {
    throw toStoreError(error, action);
  }
}
