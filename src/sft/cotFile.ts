/**
 * CoTs as JSON lines, `{"sampleId": "…", "cot": "…"}`; further fields are ignored. What a teacher elsewhere wrote comes in this
 * way, and what a run used goes out. A set is named by the SHA-256 of its lines written as `formatCots` writes them.
 */
import { passGate } from '../control/hooks';
import type { Dataset, Example } from '../data/dataset';
import { type Cot, cleanCot, noCounts, type Teacher, TeacherError } from './cot';

export interface CotRecord {
  sampleId: string;
  cot: string;
}

/** Characters; a CoT is cut to `max_completion_length` tokens anyway. */
const MAX_COT = 20_000;

/**
 * @param name of the file, for messages
 * @throws {TeacherError} that names the file and the line
 */
export function parseCots(text: string, name: string): CotRecord[] {
  const records: CotRecord[] = [];
  text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .forEach((line, index) => {
      if (line.trim() === '') return;
      const problem = (what: string) => new TeacherError(`${name}, line ${index + 1}: ${what}.`);
      let value: Partial<Record<keyof CotRecord, unknown>> | null;
      try {
        value = JSON.parse(line);
      } catch {
        throw problem('this is not JSON; each line must be {"sampleId": "…", "cot": "…"}');
      }
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw problem('this is not an object; each line must be {"sampleId": "…", "cot": "…"}');
      const { sampleId, cot } = value;
      if (typeof sampleId !== 'string' || sampleId === '')
        throw problem('sampleId is missing or is not a text');
      if (typeof cot !== 'string' || cleanCot(cot) === '')
        throw problem('cot is missing, empty or not a text');
      if (cot.length > MAX_COT) throw problem(`cot has more than ${MAX_COT} characters`);
      records.push({ sampleId, cot });
    });
  if (records.length === 0) throw new TeacherError(`${name} holds no CoT: each line must be one.`);
  return records;
}

/** One line each, its fields in this order and nothing else. */
export function formatCots(records: readonly CotRecord[]): string {
  return records.map(({ sampleId, cot }) => `${JSON.stringify({ sampleId, cot })}\n`).join('');
}

export interface FileOptions {
  /** k: how many of an example's CoTs are taken at most, in the file's order. */
  numCots: number;
  cotsSha256: string;
}

/** The teacher whose CoTs are known already: from a file, or from an earlier run of an endpoint. */
export function fileTeacher(
  dataset: Pick<Dataset, 'sha256'>,
  options: FileOptions,
  loadCots: (sha256: string) => Promise<string | null>,
): Teacher {
  const name = `The set of CoTs ${options.cotsSha256.slice(0, 12)}…`;
  async function cotsOf(examples: readonly Example[]): Promise<Cot[]> {
    const jsonl = await loadCots(options.cotsSha256);
    if (jsonl === null)
      throw new TeacherError(`${name} that this run learns from is not here: add the file that holds it.`);
    const bySample = new Map<string, string[]>();
    for (const { sampleId, cot } of parseCots(jsonl, name)) {
      const known = bySample.get(sampleId);
      if (known) known.push(cot);
      else bySample.set(sampleId, [cot]);
    }
    const cots = examples.flatMap(({ sampleId, position }, example) =>
      (position < 1 ? [] : (bySample.get(sampleId) ?? []))
        .slice(0, options.numCots)
        .map((cot): Cot => ({ sampleId, example, text: cleanCot(cot), evidence: null, truth: null })),
    );
    if (cots.length === 0)
      throw new TeacherError(
        `${name} has none for the ${examples.length} prompts of this run: its sample ids must be those of this data, ` +
          `${dataset.sha256.slice(0, 12)}:user:position, and the seed and rupr.prompts those it was made for.`,
      );
    return cots;
  }
  return {
    async check(examples) {
      await cotsOf(examples);
    },
    async teach(examples, hooks, tell) {
      await passGate(hooks, 'RUPR');
      const cots = await cotsOf(examples);
      const wanted = examples.filter(({ position }) => position > 0).length * options.numCots;
      tell({ ...noCounts(wanted), kept: cots.length, missing: wanted - cots.length });
      hooks.onProgress?.(examples.length, examples.length);
      return cots;
    },
  };
}
