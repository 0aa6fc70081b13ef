/** Measuring the device while nobody trains: whoever trains ends it, and does not wait for it. */
import type { DeviceSpeed, ProductShape } from '../gpu/speed';
import type { DeviceTable, MeasuredPart } from '../run/deviceTable';

export interface Measuring {
  /** Null where it was ended, or the device cannot be measured. */
  measure(shape: ProductShape): Promise<DeviceSpeed | null>;
  /**
   * All that an owner of the device wants to know, in some seconds.
   * @param onPart told of each part before it is measured
   * @returns null where it was ended
   * @throws an Error, in one sentence, where somebody trains, and what a device throws
   */
  measureWhole(onPart: (part: MeasuredPart) => void): Promise<DeviceTable | null>;
  endWhole(): void;
  /** Ends whatever is being measured. */
  end(): void;
}

export type MeasureDevice = (shape: ProductShape, signal: AbortSignal) => Promise<DeviceSpeed>;

export type MeasureWhole = (
  onPart: (part: MeasuredPart) => void,
  signal: AbortSignal,
) => Promise<DeviceTable>;

const fetchedWhole: MeasureWhole = async (onPart, signal) =>
  (await import('./wholeDevice')).measureWholeDevice(onPart, signal);

const fetched: MeasureDevice = async (shape, signal) =>
  (await import('./measureService')).measureDevice(shape, signal);

/** @param isFree whether nobody trains */
export function createMeasuring(
  isFree: () => boolean,
  measureDevice = fetched,
  measureAll = fetchedWhole,
): Measuring {
  let underWay: AbortController | null = null;
  /** Settles when the last one that was begun is over: two at once would measure each other. */
  let before: Promise<unknown> = Promise.resolve();
  let whole: AbortController | null = null;
  return {
    async measure(shape) {
      underWay?.abort();
      if (whole !== null) await before;
      if (!isFree()) return null;
      const own = new AbortController();
      underWay = own;
      try {
        const measured = measureDevice(shape, own.signal);
        before = measured.catch(() => {});
        const speed = await measured;
        return own.signal.aborted ? null : speed;
      } catch {
        // A device that cannot be measured may train all the same, and says then what is wrong.
        return null;
      }
    },
    async measureWhole(onPart) {
      if (!isFree())
        throw new Error('A run is on, so the device cannot be measured: wait for its end, or reset it.');
      whole?.abort();
      const own = new AbortController();
      whole = own;
      const earlier = before;
      const measured = (async () => {
        await earlier;
        own.signal.throwIfAborted();
        return measureAll(onPart, own.signal);
      })();
      before = measured.catch(() => {});
      try {
        const table = await measured;
        return own.signal.aborted ? null : table;
      } catch (error) {
        if (own.signal.aborted) return null;
        throw error;
      } finally {
        if (whole === own) whole = null;
      }
    },
    endWhole: () => whole?.abort(),
    end() {
      underWay?.abort();
      whole?.abort();
    },
  };
}
