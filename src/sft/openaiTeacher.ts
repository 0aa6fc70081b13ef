/**
 * The teacher behind an endpoint: k answers for every prompt, several asked for at a time, each kept as soon as it has come, so
 * that a run that was cut off asks only for the rest. What is kept is the raw answer; which are dropped is decided anew.
 */
import { passGate, type StageHooks } from '../control/hooks';
import { type Dataset, type Example, targetItem } from '../data/dataset';
import { sha256 } from '../numeric/hash';
import { type Cot, noCounts, type Teacher, TeacherError, type TeacherServices } from './cot';
import { chatUrl } from './endpointAddress';
import { KeyGuard } from './keyGuard';
import { NamedItems } from './namedItem';
import { ChatClient, type ChatLimits, sleep } from './openai';
import { PROMPT_VERSION, readAnswer, teacherMessages, wordLimit } from './teacherPrompts';

export interface EndpointOptions {
  url: string;
  model: string;
  told: boolean;
  numCots: number;
  temperature: number;
  /** Behaviours a prompt shows. */
  historyLength: number;
  /** Tokens, CoT and answer together. */
  maxCompletionLength: number;
}

/** One answer that is wanted. */
interface Job {
  example: number;
  sampleId: string;
  /** 0 … k − 1 */
  sample: number;
}

interface KeptAnswer {
  sampleId: string;
  sample: number;
  content: string;
}

/** Requests under way at a time. */
const CONCURRENCY = 4;
/** Milliseconds between looks at pause and stop while answers are awaited. */
const TICK = 100;
/** Milliseconds that an answer may wait for others to be written with. */
const WRITE_DELAY = 500;
/** If none of so many answers can be used, none will be. */
const PATIENCE = 20;

export function openaiTeacher(
  dataset: Dataset,
  options: EndpointOptions,
  services: TeacherServices,
  limits: Partial<ChatLimits> & { concurrency?: number } = {},
): Teacher {
  const { url, model, told, temperature, historyLength } = options;
  const client = new ChatClient(
    { url, model, key: services.key },
    limits,
    (news) => services.tell?.(news),
    services.fetch,
  );
  const guard = new KeyGuard(services.key);
  const words = wordLimit(options.maxCompletionLength);
  /**
   * Whose answers they are: the key is no part of it, and neither is what does not change an answer. The whole address is,
   * since one host may have several servers behind its paths.
   */
  const identity = {
    url: chatUrl(url),
    model,
    told,
    temperature,
    historyLength,
    words,
    PROMPT_VERSION,
  };
  const name = sha256(JSON.stringify(identity)).then((hash) => hash.slice(0, 32));

  function jobsOf(examples: readonly Example[]): Job[] {
    return examples.flatMap(({ sampleId, position }, example) =>
      Array.from({ length: position < 1 ? 0 : options.numCots }, (_, sample) => ({
        example,
        sampleId,
        sample,
      })),
    );
  }

  async function keptAnswers(): Promise<Map<string, string>> {
    const kept = new Map<string, string>();
    for (const line of await services.readAnswers(await name)) {
      try {
        const { sampleId, sample, content } = JSON.parse(line) as KeptAnswer;
        if (!guard.finds(content)) kept.set(`${sampleId} ${sample}`, content);
      } catch {
        // Cut off while it was written: it is asked for again.
      }
    }
    return kept;
  }

  /** Asks for those jobs and hands each answer over as it comes, in no certain order. */
  async function ask(
    examples: readonly Example[],
    jobs: readonly Job[],
    hooks: StageHooks,
    take: (job: Job, content: string) => void,
  ): Promise<void> {
    const abort = new AbortController();
    const flights = new Set<Promise<void>>();
    const writer = new Writer(async (lines) => services.appendAnswers(await name, lines));
    const failures: unknown[] = [];
    const fly = async (job: Job) => {
      try {
        const messages = teacherMessages(dataset, examples[job.example], { told, historyLength, words });
        const content = await client.complete(messages, temperature, abort.signal);
        const { sampleId, sample } = job;
        writer.add(JSON.stringify({ sampleId, sample, content } satisfies KeptAnswer));
        take(job, content);
      } catch (error) {
        failures.push(error);
      }
    };
    try {
      for (let next = 0; next < jobs.length || flights.size > 0; ) {
        await passGate(hooks, 'RUPR');
        if (failures.length > 0) throw failures[0];
        if (next < jobs.length && flights.size < (limits.concurrency ?? CONCURRENCY)) {
          const flight = fly(jobs[next++]).finally(() => flights.delete(flight));
          flights.add(flight);
        } else await Promise.race([...flights, sleep(TICK)]);
      }
      if (failures.length > 0) throw failures[0];
    } finally {
      abort.abort();
      await Promise.all(flights);
      await writer.close();
    }
  }

  return {
    async check(examples, hooks) {
      const [first] = jobsOf(examples);
      if (first === undefined || (await keptAnswers()).has(keyOf(first))) return;
      await ask(examples, [first], hooks, () => {});
    },

    async teach(examples, hooks, tell) {
      const jobs = jobsOf(examples);
      const kept = await keptAnswers();
      const counts = noCounts(jobs.length);
      const catalogue = new NamedItems(dataset.items);
      const texts = new Map<Job, string>();
      const read = (job: Job, content: string) => {
        const target = targetItem(dataset, examples[job.example]);
        const answer = readAnswer(content, told ? (text) => catalogue.names(text, target) : null);
        if ('cot' in answer) {
          texts.set(job, answer.cot);
          counts.kept++;
        } else counts[answer.dropped]++;
      };
      const report = () => {
        counts.retries = client.retries;
        tell({ ...counts });
        hooks.onProgress?.(counts.kept + counts.malformed + counts.contradicting, counts.wanted);
      };
      const missing = jobs.filter((job) => {
        const content = kept.get(keyOf(job));
        if (content === undefined) return true;
        read(job, content);
        counts.cached++;
        return false;
      });
      report();
      await ask(examples, missing, hooks, (job, content) => {
        read(job, content);
        report();
        if (counts.kept === 0 && counts.malformed + counts.contradicting >= PATIENCE)
          throw nothingUsable(counts);
      });
      if (counts.kept === 0) throw nothingUsable(counts);
      return jobs.flatMap((job): Cot[] => {
        const text = texts.get(job);
        const { sampleId, example } = job;
        return text === undefined ? [] : [{ sampleId, example, text, evidence: null, truth: null }];
      });
    },
  };

  function nothingUsable({ malformed, contradicting }: { malformed: number; contradicting: number }) {
    return new TeacherError(
      `None of ${malformed + contradicting} answers of ${model} can be used: ${malformed} lack <think> … </think><answer> … ` +
        `</answer>, ${contradicting} name another item than the one told. Choose a model that follows instructions, and whose ` +
        'server leaves <think> in the text.',
    );
  }
}

function keyOf({ sampleId, sample }: Job): string {
  return `${sampleId} ${sample}`;
}

/** Writes lines a few at a time and one batch after the other. */
class Writer {
  #lines: string[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #last: Promise<void> = Promise.resolve();
  readonly #append: (lines: string[]) => Promise<void>;

  constructor(append: (lines: string[]) => Promise<void>) {
    this.#append = append;
  }

  add(line: string): void {
    this.#lines.push(line);
    this.#timer ??= setTimeout(() => this.#flush(), WRITE_DELAY);
  }

  /** Resolves when all is written. */
  async close(): Promise<void> {
    this.#flush();
    await this.#last;
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length > 0) this.#last = this.#last.then(() => this.#append(lines));
  }
}
