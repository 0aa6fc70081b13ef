/** Measuring the device while nobody trains: whoever trains ends it, and does not wait for it. */
import type { DeviceSpeed, ProductShape } from '../gpu/speed';

export interface Measuring {
  /** Null where it was ended, or the device cannot be measured. */
  measure(shape: ProductShape): Promise<DeviceSpeed | null>;
  end(): void;
}

export type MeasureDevice = (shape: ProductShape, signal: AbortSignal) => Promise<DeviceSpeed>;

const fetched: MeasureDevice = async (shape, signal) =>
  (await import('./measureService')).measureDevice(shape, signal);

/** @param isFree whether nobody trains */
export function createMeasuring(isFree: () => boolean, measureDevice = fetched): Measuring {
  let underWay: AbortController | null = null;
  return {
    async measure(shape) {
      underWay?.abort();
      if (!isFree()) return null;
      const own = new AbortController();
      underWay = own;
      try {
        const speed = await measureDevice(shape, own.signal);
        return own.signal.aborted ? null : speed;
      } catch {
        // A device that cannot be measured may train all the same, and says then what is wrong.
        return null;
      }
    },
    end: () => underWay?.abort(),
  };
}
