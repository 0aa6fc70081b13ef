/** Asking kept models, for the training worker: its code is fetched when somebody asks. */
import type { Controls } from '../run/controls';
import type { RunDevice } from '../run/device';
import type { AskHost, AskService } from './askService';
import type { TrainerApi } from './protocol';

export interface Asking extends Pick<TrainerApi, 'ask' | 'askable'> {
  /** Lets go of what was opened, so that whoever trains has the device to itself; null where nobody has asked. Never rejects. */
  end(): Promise<void> | null;
}

export function createAsking(host: AskHost): Asking {
  let service: Promise<AskService> | null = null;

  function fetched(): Promise<AskService> {
    service ??= import('./askService').then(
      (code) => new code.AskService(host),
      (error) => {
        // Whoever asks again fetches again.
        service = null;
        throw error;
      },
    );
    return service;
  }

  return {
    ask: async (request) => (await fetched()).ask(request),
    askable: async (id) => (await fetched()).askable(id),
    end: () =>
      service?.then(
        (asked) => asked.free(),
        () => undefined,
      ) ?? null,
  };
}

/** The device of the run that is on and rests; null where none is on. @throws an Error in one sentence where it does not rest */
export async function restingDevice(
  run: { controls: Controls; device: RunDevice | null; ended: Promise<void> } | null,
): Promise<RunDevice | null> {
  if (run === null) return null;
  const { controls, device, ended } = run;
  if (controls.resting) await Promise.race([controls.rested(), ended]);
  if (controls.resting && device !== null) return device;
  throw new Error('A run is being trained: pause it, or wait for its end, then ask.');
}
