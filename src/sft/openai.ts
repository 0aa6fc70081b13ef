/**
 * A client of `/v1/chat/completions` as OpenAI, Ollama, llama.cpp and vLLM serve it. Answers are streamed where the server can,
 * so that a slow one is told from a dead one and a talkative one is cut off. What may pass is tried again with growing
 * pauses (a server that says Retry-After is believed); what will not pass ends in one sentence.
 *
 * The key goes into the Authorization header and nowhere else: redirects are not followed, it is taken out of every message,
 * and an answer that holds it, whole or in pieces, is refused (keyGuard.ts).
 */
import { Random } from '../numeric/random';
import { type EndpointFetch, type EndpointNews, TeacherError } from './cot';
import { endpointHost } from './endpoint';
import { chatUrl } from './endpointAddress';
import { KeyGuard } from './keyGuard';
import type { ChatMessage } from './teacherPrompts';

export interface Endpoint {
  url: string;
  model: string;
  key: string | null;
}

export interface ChatLimits {
  /** Most tokens of an answer. */
  maxTokens: number;
  /** Milliseconds without a byte, and in all. */
  silence: number;
  total: number;
  /** Tries of one answer; of the very first, where more likely the address is wrong. */
  attempts: number;
  firstAttempts: number;
  /** Milliseconds before the second try; each later one waits twice as long. */
  pause: number;
  /** Longest Retry-After that is waited for, in milliseconds. */
  longestWait: number;
}

const LIMITS: ChatLimits = {
  maxTokens: 2048,
  silence: 120_000,
  total: 600_000,
  attempts: 6,
  firstAttempts: 2,
  pause: 1000,
  longestWait: 600_000,
};

/** Characters of one answer; of a server's message in ours. */
const MAX_ANSWER = 1_000_000;
const MAX_DETAIL = 160;
/** Where an answer of ours ends; what a model says after it is not paid for. */
const END = '</answer>';

/** How a request names the most tokens of an answer. OpenAI's newer models refuse the first name, many servers do not know the second. */
const TOKEN_LIMITS = ['max_tokens', 'max_completion_tokens'] as const;

/** The server refuses the first of `TOKEN_LIMITS`; the second is taken from now on. */
class OtherTokenLimit extends Error {}

/** Something that may pass; `busy`: the server is there and said so itself. */
class Retryable extends Error {
  constructor(
    message: string,
    readonly busy = false,
    /** Milliseconds the server asks to wait; null where a page is not shown whether it does. */
    readonly wait: number | null = 0,
  ) {
    super(message);
  }
}

export class ChatClient {
  /** Requests sent again so far. */
  retries = 0;
  readonly #host: string;
  readonly #limits: ChatLimits;
  readonly #guard: KeyGuard;
  readonly #tell: (news: EndpointNews) => void;
  /** Whether this server has ever given an answer. */
  #proven = false;
  #tokenLimit: (typeof TOKEN_LIMITS)[number] = TOKEN_LIMITS[0];
  /**
   * No request is sent before this time: a busy server's wish counts for all that wait. Of the clock that only goes forward, since
   * the other one is set by people.
   */
  #notBefore = 0;

  /** @throws {TeacherError} for a key that no header can carry */
  constructor(
    readonly endpoint: Endpoint,
    limits: Partial<ChatLimits> = {},
    tell: (news: EndpointNews) => void = () => {},
    readonly send: EndpointFetch = fetch,
  ) {
    this.#host = endpointHost(endpoint.url);
    this.#limits = { ...LIMITS, ...limits };
    this.#guard = new KeyGuard(endpoint.key);
    this.#tell = tell;
    if (endpoint.key !== null && !/^[\x21-\x7e]+$/.test(endpoint.key))
      throw new TeacherError('The key of the teacher has spaces or letters that no key has: copy it again.');
  }

  /**
   * The text of one answer, empty where the model gave none.
   * @throws {TeacherError} in one sentence; the signal's reason when it was aborted
   */
  async complete(
    messages: readonly ChatMessage[],
    temperature: number,
    signal: AbortSignal,
  ): Promise<string> {
    const { attempts, firstAttempts, pause, longestWait } = this.#limits;
    for (let attempt = 1; ; attempt++) {
      while (this.#notBefore > performance.now() && !signal.aborted)
        await sleep(this.#notBefore - performance.now(), signal);
      signal.throwIfAborted();
      try {
        const content = await this.#ask(messages, temperature, signal);
        this.#proven = true;
        if (this.#guard.findsNext(content))
          throw new TeacherError(
            `The teacher at ${this.#host} sent your key back, whole or in part, in an answer that was thrown away: do not trust ` +
              'this server, and have the key replaced.',
          );
        return content;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof OtherTokenLimit) {
          attempt--;
          continue;
        }
        if (!(error instanceof Retryable)) throw error;
        const { message } = error;
        const wait = error.wait ?? 0;
        if (wait > longestWait)
          throw new TeacherError(
            `${message} It asks to wait ${Math.ceil(wait / 1000)} s; what it answered before is kept, so go on later.`,
          );
        const most = this.#proven || error.busy ? attempts : firstAttempts;
        if (attempt >= most)
          throw new TeacherError(
            `${message} It was tried ${attempt} times${this.#proven ? '; what it answered before is kept' : ''}.` +
              `${error.wait === null ? ` ${UNSEEN_WAIT}` : ''}`,
          );
        this.retries++;
        if (error.wait === null)
          this.#tell({
            type: 'notice',
            level: 'warning',
            message:
              `The teacher at ${this.#host} is busy. ${UNSEEN_WAIT} Until then each answer is asked for again after ` +
              `${pause / 1000} s, then after twice as long each time, at most ${most} times.`,
          });
        if (wait > 0) this.#notBefore = Math.max(this.#notBefore, performance.now() + wait);
        // Apart from each other, or all that failed together would come back together.
        else
          await sleep(
            pause * 2 ** (attempt - 1) * (1 + new Random(this.retries, 'back-off').uniform()),
            signal,
          );
      }
    }
  }

  async #ask(messages: readonly ChatMessage[], temperature: number, signal: AbortSignal): Promise<string> {
    const url = chatUrl(this.endpoint.url);
    this.#tell({ type: 'asked', url, outcome: 'sent' });
    let outcome: 'answered' | 'failed' = 'failed';
    try {
      const content = await this.#send(messages, temperature, signal);
      outcome = 'answered';
      return content;
    } finally {
      this.#tell({ type: 'asked', url, outcome });
    }
  }

  async #send(messages: readonly ChatMessage[], temperature: number, signal: AbortSignal): Promise<string> {
    const { send } = this;
    const { url, model, key } = this.endpoint;
    const { silence, total, maxTokens } = this.#limits;
    const tokenLimit = this.#tokenLimit;
    const abort = new AbortController();
    const stop = () => abort.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    let late = false;
    let connected = false;
    const expire = () => {
      late = true;
      stop();
    };
    const deadline = setTimeout(expire, total);
    let quiet = setTimeout(expire, silence);
    const heard = () => {
      clearTimeout(quiet);
      quiet = setTimeout(expire, silence);
    };
    try {
      const response = await send(chatUrl(url), {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'text/event-stream, application/json',
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        },
        body: JSON.stringify({ model, messages, temperature, [tokenLimit]: maxTokens, stream: true }),
        signal: abort.signal,
        redirect: 'error',
        credentials: 'omit',
        cache: 'no-store',
        referrerPolicy: 'no-referrer',
      });
      connected = true;
      heard();
      if (!response.ok) throw await this.#refusal(response, tokenLimit, heard);
      if (response.headers.get('content-type')?.includes('text/event-stream'))
        return await this.#readStream(response, heard);
      return this.#readWhole(await readText(response, heard));
    } catch (error) {
      if ([Retryable, TeacherError, OtherTokenLimit].some((kind) => error instanceof kind)) throw error;
      if (late)
        throw new Retryable(
          `The teacher at ${this.#host} fell silent or took too long (over ${Math.round(silence / 1000)} s without a word, or ` +
            `${Math.round(total / 1000)} s in all).`,
        );
      throw this.#unreachable(error, connected);
    } finally {
      clearTimeout(deadline);
      clearTimeout(quiet);
      signal.removeEventListener('abort', stop);
      // Nothing more is wanted of a stream that was left early.
      stop();
    }
  }

  /** A browser does not say why; Node does, in the cause. */
  #unreachable(error: unknown, connected: boolean): Retryable {
    const cause =
      error instanceof Error ? (error.cause as { code?: string; message?: string } | undefined) : null;
    const why = cause?.code ?? cause?.message;
    if (connected || this.#proven)
      return new Retryable(`The connection to the teacher at ${this.#host} broke${why ? ` (${why})` : ''}.`);
    const page =
      typeof location === 'undefined'
        ? ''
        : ` or does not let this page in (CORS; it must allow ${location.origin})`;
    return new Retryable(
      `The teacher at ${this.#host} cannot be reached${why ? ` (${why})` : ''}: it is not running, the address is wrong${page}.`,
    );
  }

  async #refusal(response: Response, tokenLimit: string, heard: () => void): Promise<Error> {
    const { status } = response;
    const detail = this.#guard.clean(detailOf(await readText(response, heard).catch(() => '')));
    const said = detail === '' ? String(status) : `${status}: ${detail}`;
    const { model, key } = this.endpoint;
    // What was asked, not what is asked now: several requests may be refused at a time.
    if (status === 400 && tokenLimit === TOKEN_LIMITS[0] && /\bmax_tokens\b/.test(detail)) {
      this.#tokenLimit = TOKEN_LIMITS[1];
      return new OtherTokenLimit();
    }
    if (status === 429 || status === 408 || status >= 500)
      return new Retryable(
        `The teacher at ${this.#host} is busy or broken (${said}).`,
        true,
        retryAfter(response) ?? (isHeaderHidden(response, this.endpoint.url) ? null : 0),
      );
    if (status === 401 || status === 403)
      return new TeacherError(
        key === null
          ? `The teacher at ${this.#host} wants a key (${said}): give it one.`
          : `The teacher at ${this.#host} refuses the key (${said}): check it.`,
      );
    if (status === 404 || status === 405)
      return new TeacherError(
        `The teacher at ${this.#host} has no chat completions at this address, or no model ${model} (${said}): check both.`,
      );
    return new TeacherError(`The teacher at ${this.#host} refuses the request (${said}).`);
  }

  /** One JSON document, of a server that does not stream. */
  #readWhole(text: string): string {
    const answer = parse(text);
    if (answer === null) throw this.#garbage('is not JSON');
    const choices = choicesOf(answer);
    if (choices === null) throw this.#garbage('has no choices');
    if (choices.length === 0) throw this.#garbage('has empty choices');
    return choices[0].message?.content ?? '';
  }

  /** Server-sent events, until the model is done or has said all that is wanted. */
  async #readStream(response: Response, heard: () => void): Promise<string> {
    let content = '';
    let any = false;
    let done = false;
    for await (const line of lines(response, heard)) {
      if (!line.startsWith('data:')) continue;
      const data = line.slice(5).trim();
      if (data === '[DONE]') {
        done = true;
        break;
      }
      const event = parse(data);
      if (event === null) throw this.#garbage('holds an event that is not JSON');
      // Some servers send the field with every event, empty.
      if ('error' in event && event.error)
        throw new Retryable(
          `The teacher at ${this.#host} broke off (${this.#guard.clean(detailOf(data))}).`,
          true,
        );
      const [choice] = choicesOf(event) ?? [];
      if (choice === undefined) continue;
      any = true;
      content += choice.delta?.content ?? '';
      if (content.length > MAX_ANSWER) throw this.#garbage(`is longer than ${MAX_ANSWER} characters`);
      if (choice.finish_reason || content.includes(END)) {
        done = true;
        break;
      }
    }
    if (!any) throw this.#garbage('has no choices');
    if (!done) throw new Retryable(`An answer of the teacher at ${this.#host} ended in its midst.`);
    return content;
  }

  #garbage(what: string): Retryable {
    return new Retryable(
      `What ${this.#host} answers ${what}, so it is no chat completion: is this the address of an OpenAI-compatible server?`,
    );
  }
}

interface Choice {
  message?: { content?: string | null };
  delta?: { content?: string | null };
  finish_reason?: string | null;
}

function parse(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** The choices as far as they can be relied on; null when there are none. */
function choicesOf(answer: object): Choice[] | null {
  const { choices } = answer as { choices?: unknown };
  if (!Array.isArray(choices)) return null;
  return choices.map((choice: unknown) => {
    const { message, delta, finish_reason } = (choice ?? {}) as Record<string, unknown>;
    const textOf = (part: unknown) => {
      const content = (part as { content?: unknown } | null | undefined)?.content;
      return { content: typeof content === 'string' ? content : null };
    };
    return {
      message: textOf(message),
      delta: textOf(delta),
      finish_reason: typeof finish_reason === 'string' ? finish_reason : null,
    };
  });
}

/** What a server says about its refusal, short and in one line. */
function detailOf(text: string): string {
  const body = parse(text) as { error?: { message?: unknown } | string; message?: unknown } | null;
  const error = typeof body?.error === 'object' ? body.error?.message : body?.error;
  const said = body === null ? text : [error, body.message].find((part) => typeof part === 'string');
  const line = String(said ?? '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return line.length > MAX_DETAIL ? `${line.slice(0, MAX_DETAIL)}…` : line;
}

/** Milliseconds; null where no header is to be seen. A date counts from the server's own, or from when this page was opened. */
function retryAfter({ headers }: Response): number | null {
  const value = headers.get('retry-after')?.trim();
  if (value === undefined) return null;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  const now = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(date)
    ? 0
    : Math.max(0, date - (Number.isNaN(now) ? performance.timeOrigin + performance.now() : now));
}

/** Whether a Retry-After may be there all the same: a page sees it of other origins only where their servers expose it. */
function isHeaderHidden({ status }: Response, url: string): boolean {
  const asksToWait = status === 429 || status === 503;
  return asksToWait && typeof location !== 'undefined' && new URL(url).origin !== location.origin;
}

const UNSEEN_WAIT =
  'This page cannot see how long the server asks it to wait: have it send Access-Control-Expose-Headers: Retry-After.';

async function* pieces(response: Response, heard: () => void): AsyncGenerator<string> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    heard();
    yield decoder.decode(value, { stream: true });
  }
  yield decoder.decode();
}

/** The whole body, or as much of it as any honest answer has. */
async function readText(response: Response, heard: () => void): Promise<string> {
  let text = '';
  for await (const piece of pieces(response, heard)) {
    text += piece;
    if (text.length > MAX_ANSWER) break;
  }
  return text;
}

async function* lines(response: Response, heard: () => void): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of pieces(response, heard)) {
    const found = (rest + piece).split(/\r?\n/);
    rest = found.pop() ?? '';
    if (rest.length > MAX_ANSWER) break;
    yield* found;
  }
  yield rest;
}

/** Ends at once when the signal aborts. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted) end();
  });
}
