/** The Store in memory: for Node, and for browsers whose IndexedDB is missing or refuses. */
import { type CollectionName, type Store, type StoreAction, type StoredRecord, toStoreError } from './store';

/** A store that lasts as long as the object. It copies on write and on read, as IndexedDB does. */
export function memoryStore(): Store {
  const collections = new Map<CollectionName, Map<string, StoredRecord>>();
  const records = (collection: CollectionName) => {
    const found = collections.get(collection) ?? new Map<string, StoredRecord>();
    collections.set(collection, found);
    return found;
  };
  return {
    persistent: false,
    async put(collection, { id, header, parts }) {
      records(collection).set(id, copy({ id, header, parts }, 'write'));
    },
    async list(collection) {
      const all = [...records(collection).values()].map(({ id, header }) => copy({ id, header }, 'read'));
      return all.sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    async get(collection, id) {
      const found = records(collection).get(id);
      return found ? copy(found, 'read') : null;
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
