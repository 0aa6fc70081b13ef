/**
 * RUPR, reverse-engineered user preference reasoning: k chains of thought per prompt from a teacher that knows the true
 * next item and explains it backwards (paper: QwQ-32B, k = 3). With `told: false` the same teacher is not told: direct
 * distillation, the control.
 */
import type { Dataset, Example } from '../data/dataset';
import { passGate, type StageHooks } from '../data/stage';
import { AttributesTeacher, type Explanation } from './teacher';

export interface Cot extends Explanation {
  sampleId: string;
  /** Index into the examples that were explained. */
  example: number;
}

/** `num_cots` must be a positive integer; `temperature` 1 gives the teacher's usual mix of good and bad arguments. */
export interface RuprOptions {
  teacher: 'attributes';
  told: boolean;
  num_cots: number;
  temperature: number;
  /** Behaviours a prompt shows (`text.history_length`); only these are cited. */
  history_length: number;
}

const YIELD_EVERY = 256;

/**
 * `num_cots` CoTs for each example, in order: CoT j of example i is at i·num_cots + j. Examples without any history are
 * left out, since nothing could be cited for them.
 * @throws StoppedError when the hooks say stop
 */
export async function generateCots(
  dataset: Dataset,
  examples: readonly Example[],
  options: RuprOptions,
  seed: number,
  hooks?: StageHooks,
): Promise<Cot[]> {
  const teacher = new AttributesTeacher(
    dataset,
    { told: options.told, historyLength: options.history_length, temperature: options.temperature },
    seed,
  );
  const cots: Cot[] = [];
  for (let index = 0; index < examples.length; index++) {
    if (hooks && index % YIELD_EVERY === 0) {
      hooks.onProgress?.(index, examples.length);
      await passGate(hooks, 'RUPR');
    }
    const example = examples[index];
    if (example.position < 1) continue;
    for (let sample = 0; sample < options.num_cots; sample++) {
      cots.push({ sampleId: example.sampleId, example: index, ...teacher.explain(example, sample) });
    }
  }
  hooks?.onProgress?.(examples.length, examples.length);
  return cots;
}
