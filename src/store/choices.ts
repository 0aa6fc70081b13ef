/** Which kernels an adapter was found to be fastest with: plain names, by the adapter and the version of the kernels. */
import type { Store } from './store';

type Names = Record<string, string>;

export class KernelChoices {
  constructor(readonly store: Store) {}

  /** What is kept of an adapter; nothing where there is none, or where it is not what was written. @throws StoreError */
  async load(adapter: string): Promise<Names> {
    const found = (await this.store.get('choices', adapter))?.header;
    const entries = typeof found === 'object' && found !== null ? Object.entries(found) : [];
    return Object.fromEntries(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
  }

  /** @throws StoreError */
  save(adapter: string, names: Names): Promise<void> {
    return this.store.put('choices', { id: adapter, header: { ...names }, parts: {} });
  }
}
