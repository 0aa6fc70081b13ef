/** Runs, finished or not: a header for the list, and the report. */
import type { Store } from './store';

/** The runs of a store, by run id. Methods reject with StoreError only. */
export class Runs<Header, Report> {
  constructor(readonly store: Store) {}

  /** Writes or replaces a run's header and report (null while there is none), all of it or nothing. */
  save(id: string, header: Header, report: Report | null): Promise<void> {
    return this.store.put('runs', { id, header, parts: { report } });
  }

  /** Ids and headers in the order of ids, without reading any report. */
  async list(): Promise<{ id: string; header: Header }[]> {
    return (await this.store.list('runs')).map(({ id, header }) => ({ id, header: header as Header }));
  }

  /** The run of this id, or null if there is none. */
  async load(id: string): Promise<{ id: string; header: Header; report: Report | null } | null> {
    const record = await this.store.get('runs', id);
    if (!record) return null;
    return { id, header: record.header as Header, report: record.parts.report as Report | null };
  }
}
