/**
 * What was said in the alignment of runs, a few steps to a record, so that a run that goes on writes its newest alone. It is for eyes only:
 * whatever is gone leaves a run as it was.
 */
import { runOfRecord } from './runRecords';
import type { ListedRecord, Store, StoreError } from './store';

/** Of one run; its oldest go first. */
export const MOST_TRANSCRIPT_BYTES = 16 * 1024 * 1024;
/** Of a record. */
const STEPS = 16;
/** Of what a record holds: one of another form is passed over. */
const FORM = 1;

/** What is said in a store. Methods reject with StoreError only. */
export class StoredTranscripts<Step extends { step: number }> {
  constructor(
    readonly store: Store,
    readonly most = MOST_TRANSCRIPT_BYTES,
  ) {}

  /**
   * Brings what is kept of a run from a step on to what it said.
   * @param steps all of them, in order
   * @param from those before it are kept already
   */
  async save(run: string, steps: readonly Step[], from = 0): Promise<void> {
    const first = blockOf(from);
    const blocks = new Map<string, Step[]>();
    for (const said of steps) {
      if (blockOf(said.step) < first) continue;
      const key = keyOf(run, blockOf(said.step));
      blocks.set(key, [...(blocks.get(key) ?? []), said]);
    }
    for (const { id } of await this.#recordsOf(run))
      if (id >= keyOf(run, first) && !blocks.has(id)) await this.store.delete('transcripts', id);
    for (const [id, own] of blocks)
      await this.store.put('transcripts', { id, header: { form: FORM }, parts: { steps: own } });
    const all = await this.#recordsOf(run);
    let bytes = all.reduce((sum, record) => sum + (record.bytes ?? 0), 0);
    // The newest stays however large it is.
    for (const { id, bytes: own = 0 } of all.slice(0, -1)) {
      if (bytes <= this.most) break;
      await this.store.delete('transcripts', id);
      bytes -= own;
    }
  }

  /** All that is kept of a run, in order. */
  async load(run: string): Promise<Step[]> {
    const steps: Step[] = [];
    for (const { id } of await this.#recordsOf(run)) steps.push(...(await this.#read(id)));
    return steps;
  }

  /** A step of a run; null where it is not kept. */
  async step(run: string, step: number): Promise<Step | null> {
    const steps = await this.#read(keyOf(run, blockOf(step)));
    return steps.find((said) => said.step === step) ?? null;
  }

  /** In the order of its steps. */
  async #recordsOf(run: string): Promise<ListedRecord[]> {
    return (await this.store.list('transcripts')).filter(({ id }) => runOfRecord(id) === run);
  }

  /** Nothing of one that is damaged. */
  async #read(id: string): Promise<Step[]> {
    const record = await this.store.get('transcripts', id).catch((error: StoreError) => {
      if (error.problem === 'damaged') return null;
      throw error;
    });
    const isKnown = (record?.header as { form?: unknown } | undefined)?.form === FORM;
    return isKnown ? (record!.parts.steps as Step[]) : [];
  }
}

function blockOf(step: number): number {
  return Math.floor(step / STEPS);
}

/** Keys of a run are in the order of its steps. */
function keyOf(run: string, block: number): string {
  return `${run} ${String(block).padStart(6, '0')}`;
}
