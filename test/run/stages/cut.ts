/** Long work, cut off at gates of the test's choice and taken up by a session that knows only what was kept. */
import { expect } from 'vitest';
import { type StageHooks, StoppedError } from '../../../src/control/hooks';
import { type KeptPart, Workbench } from '../../../src/run/workbench';
import type { RecordingModel } from './recorded';

/** Through JSON, as in a checkpoint: what is no plain value and no array of f32 does not survive. */
function throughJson(part: KeptPart): KeptPart {
  const json = JSON.stringify(part, (_key, value: unknown) =>
    value instanceof Float32Array ? { f32: [...new Uint32Array(value.slice().buffer)] } : value,
  );
  return JSON.parse(json, (_key, value: { f32?: number[] } | null) =>
    value?.f32 === undefined ? value : new Float32Array(Uint32Array.from(value.f32).buffer),
  ) as KeptPart;
}

/**
 * @param cuts at which gate each session ends, counted from 0; the last one goes to the end
 * @param options whether a session keeps where it stands at the gate, goes on and is lost three gates later; and the model, which a
 *   checkpoint keeps too
 * @returns what comes of it, gates that each session passed, and what the last one leaves on its bench
 */
export async function cutAt<T>(
  cuts: readonly number[],
  run: (hooks: Required<StageHooks>) => Promise<T>,
  { isCrash = false, model }: { isCrash?: boolean; model?: Pick<RecordingModel, 'version'> } = {},
): Promise<{ result: T; passed: number[]; left: KeptPart }> {
  let kept: KeptPart = { parts: {} };
  let version = model?.version ?? 0;
  const passed: number[] = [];
  for (const cut of [...cuts, Number.POSITIVE_INFINITY]) {
    const root = kept;
    const bench = new Workbench(root);
    let gates = 0;
    if (model !== undefined) model.version = version;
    const gate = async () => {
      if (gates === cut) {
        await bench.read();
        kept = throughJson(root);
        version = model?.version ?? 0;
      }
      return gates++ === cut + (isCrash ? 3 : 0) ? 'stop' : 'go';
    };
    const session = run({ gate, onProgress: () => {}, work: bench.work });
    if (cut === Number.POSITIVE_INFINITY) {
      const result = await session;
      return { result, passed: [...passed, gates], left: root };
    }
    if (isCrash) await session.catch((error) => expect(error).toBeInstanceOf(StoppedError));
    else await expect(session).rejects.toThrow(StoppedError);
    passed.push(gates);
  }
  throw new Error('There is always a last session.');
}
