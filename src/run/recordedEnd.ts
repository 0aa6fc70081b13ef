/**
 * A recorded run as it stood when its alignment ended, so that its aligned model can be asked: put together from the same run before its
 * alignment (a starter), from what the recording tells, and from the weights that alignment came to, which have a file of their own.
 */
import { strFromU8, strToU8, unzipSync } from 'fflate';
import { sha256 } from '../numeric/hash';
import { CheckpointError } from './checkpointError';
import type { RunEvent } from './report';
import { zipFiles } from './runFile';
import { copyState, type RunCheckpoint } from './runState';
import { fromPlanes, toPlanes } from './smallRun';

/** What there is beside the run before its alignment. */
export interface RecordedEnd {
  /** The file of the weights. */
  aligned: Uint8Array<ArrayBuffer>;
  events: readonly RunEvent[];
}

const PARAMETERS = 'parameters';
/** SHA-256 of the weights that alignment began with: these belong to no others. */
const BEGAN = 'began';

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array<ArrayBuffer>) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The weights that a finished run's alignment came to; null where there are none, or more is handed over than these. */
export async function alignedFile({ state, model }: RunCheckpoint): Promise<Uint8Array<ArrayBuffer> | null> {
  const { popo } = state.made;
  const isPlain = state.config.popo.keep === 'last' && !popo?.mixture && !popo?.levels;
  if (model === null || !popo?.reference || !isPlain) return null;
  const files = [
    { name: PARAMETERS, bytes: toPlanes(bytesOf(model.parameters)) },
    { name: BEGAN, bytes: strToU8(await sha256(bytesOf(popo.reference))) as Uint8Array<ArrayBuffer> },
  ];
  return zipFiles('aligned.zip', files, 9).bytes;
}

/**
 * @param begun stands before its alignment
 * @throws {CheckpointError} where that, or the weights, are of another run
 */
export async function atEndOfAlignment(
  begun: RunCheckpoint,
  { aligned, events }: RecordedEnd,
): Promise<RunCheckpoint> {
  const { state, model } = begun;
  const { [PARAMETERS]: planes, [BEGAN]: began } = unzipSync(aligned);
  const parameters = new Float32Array(fromPlanes(planes).buffer);
  const isSame =
    model?.parameters.length === parameters.length &&
    (await sha256(bytesOf(model.parameters))) === strFromU8(began);
  if (model === null || !isSame || state.stage !== 'popo' || state.step !== 0)
    throw new CheckpointError('The aligned model is of another run than the one that lies beside the page.');
  const steps = events.flatMap((event) => (event.type === 'popo' ? [event.step] : []));
  const [seconds = 0] = events.flatMap((event) =>
    event.type === 'stage' && event.name === 'popo' && event.status === 'finished' ? [event.seconds] : [],
  );
  const zero = new Float32Array(parameters.length);
  return {
    state: {
      ...copyState(state),
      step: steps.length,
      stages: [
        ...state.stages,
        {
          name: 'popo',
          seconds,
          steps: steps.length,
          loss: steps.map(({ loss }) => loss),
          heldOutLoss: [],
          gradNorm: [],
        },
      ],
      made: {
        ...state.made,
        popo: {
          rewardNames: [...state.config.popo.rewards],
          steps,
          weights: steps.at(-1)?.weightsAfter ?? [...state.config.popo.reward_weights],
          curve: events.flatMap((event) =>
            event.type === 'curve' ? [{ step: event.step, row: event.row }] : [],
          ),
          samples: events.flatMap((event) =>
            event.type === 'sample' && event.sample.stage === 'popo' ? [event.sample] : [],
          ),
          reference: model.parameters,
          best: null,
          last: null,
        },
      },
      beginning: model.parameters,
    },
    // No step follows that would ask for moments.
    model: { parameters, moment1: zero, moment2: zero },
  };
}
