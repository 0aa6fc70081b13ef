/**
 * RUPR, reverse-engineered user preference reasoning: k chains of thought per prompt from a teacher that knows the true
 * next item and explains it backwards (paper: QwQ-32B, k = 3). With `told: false` the same teacher is not told: direct
 * distillation, the control. The teacher is the embedded one (teacher.ts), a chat model behind an endpoint
 * (openaiTeacher.ts), or a file (cotFile.ts).
 */
import { passGate, type StageHooks } from '../control/hooks';
import type { Dataset, Example } from '../data/dataset';
import { sha256 } from '../numeric/hash';
import { type Cot, noCounts, type Teacher, type TeacherServices } from './cot';
import { fileTeacher, formatCots } from './cotFile';
import { type Explainer, embeddedTeacher } from './embedded';
import { openaiTeacher } from './openaiTeacher';
import type { AttributesOptions } from './teacher';

/** Which teacher, how it argues, and what the others than the embedded one need. */
export interface TeacherOptions extends AttributesOptions {
  /** k, a positive integer. */
  numCots: number;
  teacher: 'attributes' | 'openai' | 'file';
  /** Of the endpoint. */
  url: string;
  model: string;
  /** The set of CoTs to learn from, asked for already; empty: ask. */
  cotsSha256: string;
  /** Tokens, CoT and answer together. */
  maxCompletionLength: number;
}

/** The teacher that the options name; nothing is asked of it yet. */
export function openTeacher(
  dataset: Dataset,
  options: TeacherOptions,
  seed: number,
  services: TeacherServices,
): Teacher {
  if (options.teacher === 'attributes')
    return attributesTeacher(embeddedTeacher(dataset, options, seed), options.numCots);
  if (options.cotsSha256 !== '') return fileTeacher(dataset, options, (sha256) => services.loadCots(sha256));
  return openaiTeacher(dataset, options, services);
}

/** Keeps what a teacher said, so that the run can be repeated; the set's SHA-256. */
export async function keepCots(cots: readonly Cot[], services: TeacherServices): Promise<string> {
  const jsonl = formatCots(cots.map(({ sampleId, text }) => ({ sampleId, cot: text })));
  const hash = await sha256(jsonl);
  await services.keepCots(hash, jsonl);
  return hash;
}

function attributesTeacher(teacher: Explainer, numCots: number): Teacher {
  return {
    check: async () => {},
    async teach(examples, hooks, tell) {
      const cots = await generateCots(teacher, examples, numCots, hooks);
      tell({ ...noCounts(cots.length), kept: cots.length });
      return cots;
    },
  };
}

const YIELD_EVERY = 256;

/**
 * The embedded teacher's `numCots` CoTs for each example, in order: CoT j of example i is at i·numCots + j. Examples without
 * any history are left out, since nothing could be cited for them.
 * @throws StoppedError when the hooks say stop
 */
export async function generateCots(
  teacher: Explainer,
  examples: readonly Example[],
  numCots: number,
  hooks: StageHooks,
): Promise<Cot[]> {
  const cots: Cot[] = [];
  for (let index = 0; index < examples.length; index++) {
    if (index % YIELD_EVERY === 0) {
      hooks.onProgress?.(index, examples.length);
      await passGate(hooks, 'RUPR');
    }
    const example = examples[index];
    if (example.position < 1) continue;
    for (let sample = 0; sample < numCots; sample++) {
      cots.push({ sampleId: example.sampleId, example: index, ...teacher.explain(example, sample) });
    }
  }
  hooks.onProgress?.(examples.length, examples.length);
  return cots;
}
