/** A chain of thought, and what every teacher offers: the embedded one, an endpoint, a file. */
import type { StageHooks } from '../control/hooks';
import type { Example } from '../data/dataset';

export interface Cot {
  sampleId: string;
  /** Index into the examples that were explained. */
  example: number;
  /** All that a model ever sees of it. */
  text: string;
  /** The item cited, which is always one that the prompt shows; null where the teacher does not say. */
  evidence: number | null;
  /** Whether the cited item and the concluded category are the true ones; null where nobody knows. */
  truth: { evidence: boolean; conclusion: boolean } | null;
}

/** What became of the CoTs that were wanted, up to now. */
export interface TeacherCounts {
  /** k per prompt that has a history. */
  wanted: number;
  kept: number;
  /** Dropped: not of the form <think> … </think><answer> … </answer>. */
  malformed: number;
  /** Dropped: told the item, it answered with another. */
  contradicting: number;
  /** Not in the file. */
  missing: number;
  /** Answers that were asked for in an earlier session. */
  cached: number;
  /** Requests that failed and were sent again. */
  retries: number;
}

export interface Teacher {
  /** Meets at once what would otherwise fail only at its stage: a wrong address, a file of other prompts. */
  check(examples: readonly Example[], hooks: StageHooks): Promise<void>;
  /**
   * At most k CoTs for each example, in their order. Examples without any history are left out.
   * @throws StoppedError when the hooks say stop
   */
  teach(
    examples: readonly Example[],
    hooks: StageHooks,
    tell: (counts: TeacherCounts) => void,
  ): Promise<Cot[]>;
}

/** What happens between an endpoint and this app, as it happens. */
export type EndpointNews =
  /** A request to `url` was sent, or what was sent was answered, or it failed. */
  | { type: 'asked'; url: string; outcome: 'sent' | 'answered' | 'failed' }
  | { type: 'notice'; level: 'warning'; message: string };

/** What asks an endpoint: `fetch`, or where a page may not call others itself, what stands for it. */
export type EndpointFetch = (
  url: string,
  request: RequestInit & { headers: Record<string, string>; body: string; signal: AbortSignal },
) => Promise<Response>;

/** What teachers outside this app need of it. */
export interface TeacherServices {
  /** Asks the endpoint; `fetch` where it is absent. */
  fetch?: EndpointFetch;
  /** Sent to the endpoint and to nobody else; never written anywhere. */
  key: string | null;
  /** Hears of every request; absent where nobody listens. */
  tell?(news: EndpointNews): void;
  /** Raw answers as JSON lines, by the teacher that gave them. Where they cannot be kept a run goes on all the same: neither
   * method rejects. */
  readAnswers(teacher: string): Promise<string[]>;
  appendAnswers(teacher: string, lines: string[]): Promise<void>;
  /** A set of CoTs as JSONL, by its SHA-256; null when it is not here. */
  loadCots(sha256: string): Promise<string | null>;
  /** Keeps a set, so that its run can be repeated here. Never rejects. */
  keepCots(sha256: string, jsonl: string): Promise<void>;
}

export function noCounts(wanted: number): TeacherCounts {
  return { wanted, kept: 0, malformed: 0, contradicting: 0, missing: 0, cached: 0, retries: 0 };
}

/** What became of a teacher's answers, in a few words; null when all that were wanted are of use. */
export function countsInWords(
  counts: TeacherCounts,
  write: (count: number) => string = String,
): string | null {
  const { malformed, contradicting, missing, cached, retries } = counts;
  const parts: [number, string][] = [
    [malformed, 'dropped for their form'],
    [contradicting, 'dropped for another item'],
    [missing, 'not in the file'],
    [cached, 'kept from before'],
    [retries, 'asked again'],
  ];
  const told = parts.filter(([count]) => count > 0).map(([count, what]) => `${write(count)} ${what}`);
  return told.length === 0 ? null : `${write(counts.kept)} could be used, ${told.join(', ')}`;
}

/** A teacher outside this app that cannot teach; the message says why and what to do. */
export class TeacherError extends Error {
  override readonly name = 'TeacherError';
}

/**
 * A free-form CoT on one line, in the punctuation that every tokenizer here knows (text/bpe.ts): letters and digits beyond the
 * data's words fall into pieces, but a quotation mark would read as unknown. Cleaning twice changes nothing.
 */
export function cleanCot(text: string): string {
  return text
    .replace(/[‘’`´]/g, "'")
    .replace(/[‐-―]/g, '-')
    .replace(/[!?;…]+/g, '.')
    .replace(/["“”«»()[\]{}<>*_#|]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
