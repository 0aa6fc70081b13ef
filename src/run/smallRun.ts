/**
 * A run at the beginning of its alignment, in as few bytes as it takes to go on to the same bits. Left out is what is there again without
 * a GPU: the optimiser's moments, which are 0, and the embedded teacher's reasoning, which follows from the seed. Floats lie in planes,
 * all their first bytes, then all their second ones: deflate finds more in them so.
 */
import { UNKEPT } from '../control/hooks';
import { sha256 } from '../numeric/hash';
import type { TeacherServices } from '../sft/cot';
import { CheckpointError } from './checkpointError';
import { loadDataset } from './datasets';
import type { RunCheckpoint } from './runState';
import { drawExamples } from './stages/data';
import { teacherOf } from './teaching';

/** What a file of this form says of what it leaves out. */
export interface SmallForm {
  /** SHA-256 of the reasoning as JSON. */
  cots: string;
}

const BYTES_PER_FLOAT = 4;

/** Byte k of every float, for k from 0 to 3. @param bytes whole floats */
export function toPlanes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const planes = new Uint8Array(bytes.length);
  const floats = bytes.length / BYTES_PER_FLOAT;
  for (let at = 0; at < floats; at++)
    for (let k = 0; k < BYTES_PER_FLOAT; k++) planes[k * floats + at] = bytes[at * BYTES_PER_FLOAT + k];
  return planes;
}

/** The inverse of `toPlanes`. */
export function fromPlanes(planes: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(planes.length);
  const floats = planes.length / BYTES_PER_FLOAT;
  for (let at = 0; at < floats; at++)
    for (let k = 0; k < BYTES_PER_FLOAT; k++) bytes[at * BYTES_PER_FLOAT + k] = planes[k * floats + at];
  return bytes;
}

/** Whether nothing is lost of it in this form. */
export function canBeSmall({ state: { stage, step, config } }: RunCheckpoint): boolean {
  return (
    stage === 'popo' && step === 0 && config.rupr.teacher === 'attributes' && config.data.source === 'world'
  );
}

/** Without its reasoning. @param whole one that `canBeSmall` */
export async function withoutCots(
  whole: RunCheckpoint,
): Promise<{ checkpoint: RunCheckpoint; form: SmallForm }> {
  const { rupr } = whole.state.made;
  if (rupr === undefined || !canBeSmall(whole))
    throw new CheckpointError(
      'Only a run of a generated world that stands before its alignment can be made small.',
    );
  const made = { ...whole.state.made, rupr: { ...rupr, cots: [] } };
  const form = { cots: await sha256(JSON.stringify(rupr.cots)) };
  // Whoever wants what warm-up left trains it: alignment does not begin there.
  const { backbone: _, ...state } = whole.state;
  return { checkpoint: { ...whole, state: { ...state, made } }, form };
}

/**
 * With the reasoning that its teacher gave, to the byte: the inverse of `withoutCots`. Takes a second or two.
 * @throws CheckpointError where that comes out as something else
 */
export async function withCots(small: RunCheckpoint, { cots: sum }: SmallForm): Promise<RunCheckpoint> {
  const { config, made } = small.state;
  if (made.rupr === undefined || !canBeSmall(small))
    throw new CheckpointError(
      'This run.zip is damaged: it leaves out what only a run before its alignment can.',
    );
  const dataset = await loadDataset(config, nobody);
  const teacher = teacherOf(dataset, config, NO_SERVICES);
  const hooks = { gate: async () => 'go' as const, work: UNKEPT };
  const cots = await teacher.teach(drawExamples(dataset, config).prompts, hooks, () => {});
  if ((await sha256(JSON.stringify(cots))) !== sum)
    throw new CheckpointError(
      'This run.zip leaves out its reasoning, and this version of the app comes to another: train from its link.',
    );
  return { ...small, state: { ...small.state, made: { ...made, rupr: { ...made.rupr, cots } } } };
}

const nobody = async () => {
  throw new Error('The embedded teacher of a generated world asks nobody.');
};
const NO_SERVICES: TeacherServices = {
  key: null,
  readAnswers: nobody,
  appendAnswers: nobody,
  loadCots: nobody,
  keepCots: nobody,
};
