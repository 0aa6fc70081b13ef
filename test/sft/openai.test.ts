import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type EndpointNews, TeacherError } from '../../src/sft/cot';
import { ChatClient, type ChatLimits } from '../../src/sft/openai';
import {
  type Behaviour,
  type ChatServer,
  first,
  json,
  refuse,
  startChatServer,
  streamed,
  whole,
} from './chatServer';

const KEY = 'sk-secret-0123456789';
const ANSWER = '<think>saw “cribs” — need strollers</think><answer>light stroller</answer>';
const MESSAGES = [{ role: 'user' as const, content: 'why?' }];

let server: ChatServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
  news = [];
});

const outcomes = () => news.flatMap((told) => (told.type === 'asked' ? [told.outcome] : []));
const notices = () => news.flatMap((told) => (told.type === 'notice' ? [told.message] : []));

/** Where no request may be sent again, however slow the machine is. */
const PATIENT = { silence: 20_000, total: 20_000 };

/** What the client tells, since the last test. */
let news: EndpointNews[] = [];

/** Impatient, so that a test of giving up takes milliseconds. */
async function client(behaviour: Behaviour, limits: Partial<ChatLimits> = {}, key: string | null = KEY) {
  server = await startChatServer(behaviour);
  return new ChatClient(
    { url: server.url, model: 'm:7b', key },
    { pause: 5, silence: 300, total: 2000, ...limits },
    (told) => news.push(told),
  );
}

const ask = (chat: ChatClient, signal = new AbortController().signal) => chat.complete(MESSAGES, 0.7, signal);

async function failure(chat: ChatClient): Promise<string> {
  const error = await ask(chat).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(TeacherError);
  const { message } = error as TeacherError;
  expect(message).not.toContain(KEY);
  expect(message).toMatch(/^[A-Z].*\.$/);
  return message;
}

describe('the chat client', () => {
  it('asks as the protocol has it, and reads whole and streamed answers', async () => {
    const chat = await client(first(1, whole(ANSWER), streamed(ANSWER)), PATIENT);
    expect(await ask(chat)).toBe(ANSWER);
    expect(await ask(chat)).toBe(ANSWER);
    const [request] = server!.requests;
    expect(request.path).toBe('/v1/chat/completions');
    expect(request.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(request.body).toEqual({
      model: 'm:7b',
      messages: MESSAGES,
      temperature: 0.7,
      max_tokens: 2048,
      stream: true,
    });
    expect(chat.retries).toBe(0);
  });

  it('sends no key where there is none', async () => {
    const chat = await client(whole(ANSWER), {}, null);
    await ask(chat);
    expect(server!.requests[0].headers.authorization).toBeUndefined();
  });

  it('leaves a stream when all that is wanted has been said', async () => {
    let closed = false;
    const chat = await client((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify({ choices: [{ delta: { content: `${ANSWER} and` } }] })}\n\n`);
      response.on('close', () => {
        closed = true;
      });
    });
    expect(await ask(chat)).toBe(`${ANSWER} and`);
    await expect.poll(() => closed).toBe(true);
  });

  it('takes an end by finish_reason, and an answer without words as empty', async () => {
    const done = `data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: 'length' }] })}\n\n`;
    const chat = await client(first(1, streamed('<think>too', { end: done }), whole(null as never)));
    expect(await ask(chat)).toBe('<think>too');
    expect(await ask(chat)).toBe('');
  });

  it('takes no empty error field of an event for an error', async () => {
    const chat = await client(streamed(ANSWER, { fields: { error: null } }), PATIENT);
    expect(await ask(chat)).toBe(ANSWER);
    expect(chat.retries).toBe(0);
  });

  describe('with a server that refuses max_tokens', () => {
    const refusal =
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    const newer: Behaviour = (request, response, index) =>
      ('max_tokens' in request.body ? refuse(400, refusal) : whole(ANSWER))(request, response, index);

    it('asks again by the other name, and remembers it', async () => {
      const chat = await client(newer, PATIENT);
      expect(await Promise.all([ask(chat), ask(chat)])).toEqual([ANSWER, ANSWER]);
      expect(await ask(chat)).toBe(ANSWER);
      expect(server!.requests).toHaveLength(5);
      const { max_tokens, max_completion_tokens } = server!.requests[4].body;
      expect([max_tokens, max_completion_tokens]).toEqual([undefined, 2048]);
      expect(chat.retries).toBe(0);
    });

    it('asks so once, and then says what the server said', async () => {
      const chat = await client(refuse(400, 'max_tokens is too large'), PATIENT);
      expect(await failure(chat)).toMatch(/refuses the request \(400: max_tokens is too large\)/);
      expect(server!.requests).toHaveLength(2);
    });
  });

  it('waits as long as a busy server asks, then goes on', async () => {
    const chat = await client(first(2, refuse(429, 'slow down', { 'retry-after': '0.2' }), whole(ANSWER)));
    const start = performance.now();
    expect(await ask(chat)).toBe(ANSWER);
    expect(performance.now() - start).toBeGreaterThan(390);
    expect(chat.retries).toBe(2);
  });

  it('reads Retry-After as a date too, holds back all requests, and does not wait for ever', async () => {
    const when = new Date(Date.now() + 2000).toUTCString();
    const chat = await client(first(1, refuse(503, '', { 'retry-after': when }), whole(ANSWER)));
    const start = performance.now();
    const early = ask(chat);
    await expect.poll(() => chat.retries).toBe(1);
    await Promise.all([early, ask(chat)]);
    expect(performance.now() - start).toBeGreaterThan(800);
    server!.behave(refuse(429, 'quota', { 'retry-after': '86400' }));
    expect(await failure(chat)).toMatch(/quota\).*asks to wait 86400 s.*go on later/);
  });

  it('waits by a clock that nobody sets', async () => {
    // A clock that is an hour further each time it is read.
    let hours = 0;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => 3_600_000 * ++hours);
    try {
      const chat = await client(first(1, refuse(429, '', { 'retry-after': '0.2' }), whole(ANSWER)), PATIENT);
      const start = performance.now();
      expect(await ask(chat)).toBe(ANSWER);
      expect(performance.now() - start).toBeGreaterThan(190);
    } finally {
      clock.mockRestore();
    }
  });

  describe('in a page of another origin', () => {
    beforeEach(() => void Object.assign(globalThis, { location: { origin: 'https://lab.example' } }));
    afterEach(() => void Reflect.deleteProperty(globalThis, 'location'));

    it.each([429, 503])('says on %i that it cannot see how long it is to wait', async (status) => {
      const chat = await client(first(1, refuse(status, 'slow'), whole(ANSWER)), PATIENT);
      expect(await ask(chat)).toBe(ANSWER);
      expect(notices()).toEqual([
        expect.stringMatching(
          /cannot see how long .*Access-Control-Expose-Headers: Retry-After\. Until then .* after 0\.005 s, .* at most 6 times\.$/,
        ),
      ]);
      server!.behave(refuse(status, 'slow'));
      expect(await failure(chat)).toMatch(/tried 6 times;.*cannot see how long/);
    });

    it('says nothing of it where the header is seen, or another status asks for no wait', async () => {
      const chat = await client(
        first(1, refuse(429, '', { 'retry-after': '0' }), first(2, refuse(500, ''), whole(ANSWER))),
        PATIENT,
      );
      expect(await ask(chat)).toBe(ANSWER);
      expect(notices()).toEqual([]);
    });
  });

  it('tells of every request that it was sent, and what came of it', async () => {
    const chat = await client(first(1, refuse(503, ''), whole(ANSWER)), PATIENT);
    await ask(chat);
    expect(outcomes()).toEqual(['sent', 'failed', 'sent', 'answered']);
    expect(new Set(news.flatMap((told) => (told.type === 'asked' ? [told.url] : [])))).toEqual(
      new Set([`${server!.url}/chat/completions`]),
    );
    news = [];
    await server!.close();
    await failure(await client(refuse(401, '')));
    expect(outcomes()).toEqual(['sent', 'failed']);
  });

  it('gives up on 500 for ever, after growing pauses', async () => {
    const chat = await client(refuse(500, 'out of memory'), { attempts: 4 });
    expect(await failure(chat)).toMatch(/busy or broken \(500: out of memory\)\. It was tried 4 times\.$/);
    expect(server!.requests).toHaveLength(4);
  });

  it.each<[string, Behaviour, RegExp]>([
    ['401', refuse(401, `bad key ${KEY}`), /refuses the key \(401: bad key \[key\]\): check it/],
    ['403', refuse(403, 'no'), /refuses the key/],
    ['405', refuse(405, 'POST only elsewhere'), /no chat completions at this address/],
    ['404', refuse(404, 'model "m:7b" not found'), /no model m:7b \(404: model "m:7b" not found\)/],
    [
      '400',
      (_q, response) => json(response, 400, { message: 'bad\n temperature' }),
      /\(400: bad temperature\)/,
    ],
  ])('%s is said at once, without the key', async (_name, behaviour, message) => {
    const chat = await client(behaviour);
    expect(await failure(chat)).toMatch(message);
    expect(server!.requests).toHaveLength(1);
  });

  it('says that a key is wanted where there is none', async () => {
    const chat = await client(refuse(401, ''), {}, null);
    expect(await failure(chat)).toMatch(/wants a key \(401\): give it one/);
  });

  it.each<[string, Behaviour, RegExp]>([
    ['a web page', (_q, response) => response.end('<html>hello'), /is not JSON/],
    ['a number', (_q, response) => json(response, 200, 5), /is not JSON/],
    ['a list', (_q, response) => json(response, 200, ['hello']), /has no choices/],
    ['another API', (_q, response) => json(response, 200, { data: [] }), /has no choices/],
    ['empty choices', (_q, response) => json(response, 200, { choices: [] }), /has empty choices/],
    ['a truncated document', (_q, response) => response.end('{"choices": [{"mess'), /is not JSON/],
    ['a stream of garbage', streamed('', { end: 'data: {oops\n\n' }), /not JSON/],
    ['a stream of nothing', streamed(''), /has no choices/],
    ['a truncated stream', streamed('<think>saw cri', { end: '' }), /ended in its midst/],
    [
      'an error in a stream',
      streamed('x', { end: 'data: {"error": {"message": "overloaded"}}\n\n' }),
      /broke off \(overloaded\)/,
    ],
    ['a reset', (_q, response) => response.socket?.destroy(), /cannot be reached/],
    [
      'a reset in mid-answer',
      (_q, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"choices":', () => response.socket?.destroy());
      },
      /broke/,
    ],
    ['silence', () => {}, /fell silent/],
  ])('%s is tried again, then told in one sentence', async (_name, behaviour, message) => {
    const chat = await client(behaviour, { attempts: 2 });
    expect(await failure(chat)).toMatch(message);
    expect(server!.requests).toHaveLength(2);
    // The same once, among good answers, is passed over.
    server!.behave((request, response, index) =>
      (index === 2 ? behaviour : whole(ANSWER))(request, response, index),
    );
    expect(await ask(chat)).toBe(ANSWER);
    expect(chat.retries).toBe(2);
  });

  it('is patient with a slow stream that keeps talking, and not for ever', async () => {
    const drip =
      (letters: string): Behaviour =>
      async (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (const content of letters) {
          await new Promise((resolve) => setTimeout(resolve, 60));
          response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
        }
        response.end('data: [DONE]\n\n');
      };
    const chat = await client(drip('12345678'), { silence: 250, total: 900, firstAttempts: 1, attempts: 1 });
    expect(await ask(chat)).toBe('12345678');
    server!.behave(drip('x'.repeat(100)));
    expect(await failure(chat)).toMatch(/fell silent or took too long/);
  });

  it.each<[string, Behaviour]>([
    ['waits', refuse(429, '', { 'retry-after': '60' })],
    ['is answered', () => {}],
    [
      'reads',
      (_q, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: '),
    ],
  ])('stops at once when it is told to while it %s', async (_name, behaviour) => {
    const chat = await client(behaviour, { silence: 60_000, total: 60_000 });
    const abort = new AbortController();
    const asked = ask(chat, abort.signal);
    await expect.poll(() => server!.requests.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    abort.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
  });

  it('leaves no timer behind, nor an ear on the signal', async () => {
    // Told from other timers by their length.
    const LENGTHS = [61_234, 62_345];
    const open = new Set<unknown>();
    const { setTimeout: set, clearTimeout: clear } = globalThis;
    vi.stubGlobal('setTimeout', (...all: Parameters<typeof set>) => {
      const timer = set(...all);
      if (LENGTHS.includes(all[1] ?? 0)) open.add(timer);
      return timer;
    });
    vi.stubGlobal('clearTimeout', (timer: Parameters<typeof clear>[0]) => {
      open.delete(timer);
      clear(timer);
    });
    try {
      const whileAsked: number[] = [];
      const chat = await client(
        (...all) => {
          whileAsked.push(open.size);
          return first(1, refuse(503, ''), streamed(ANSWER))(...all);
        },
        { silence: LENGTHS[0], total: LENGTHS[1] },
      );
      const { signal } = new AbortController();
      expect(await ask(chat, signal)).toBe(ANSWER);
      // One of each while an answer is awaited, of the refused one too.
      expect(whileAsked).toEqual([2, 2]);
      expect(open.size).toBe(0);
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('follows no redirect, so that neither key nor purchases go to another host', async () => {
    const other = await startChatServer(whole(ANSWER));
    try {
      const chat = await client((_request, response) => {
        response.writeHead(307, { location: `${other.url}/chat/completions` }).end();
      });
      expect(await failure(chat)).toMatch(/cannot be reached/);
      expect(other.requests).toHaveLength(0);
    } finally {
      await other.close();
    }
  });

  it('throws away an answer that holds the key, and one that goes on where the last one broke off', async () => {
    const chat = await client(whole(`<think>${KEY}</think>`));
    expect(await failure(chat)).toMatch(/sent your key back, whole or in part/);
    await server!.close();
    const pieces = ['saw cribs, need sk-se', 'cret-0 and more'];
    const sly = await client((...all) => whole(pieces[all[2]])(...all), PATIENT);
    expect(await ask(sly)).toBe(pieces[0]);
    expect(await failure(sly)).toMatch(/sent your key back, whole or in part/);
  });

  it('repeats no refusal that holds pieces of the key', async () => {
    const chat = await client(refuse(401, `no such key: ${KEY.slice(0, 9)}****`));
    expect(await failure(chat)).toMatch(/\(401: words with parts of your key\)/);
  });

  it('takes a word of fewer than twelve characters for no secret, and of twelve for one', async () => {
    const echoing = (key: string) => client(whole(`<think>${key}</think>`), PATIENT, key);
    expect(await ask(await echoing('abcdefghijk'))).toBe('<think>abcdefghijk</think>');
    await server!.close();
    expect(await failure(await echoing('abcdefghijkl'))).toMatch(/sent your key back/);
    await server!.close();
    // Without a key, nothing is taken out of an answer.
    expect(await ask(await client(whole('null'), PATIENT, null))).toBe('null');
  });

  it('takes content that is no text for none', async () => {
    const list: Behaviour = (_q, response) =>
      json(response, 200, { choices: [{ message: { content: [{ type: 'text', text: 'x' }] } }] });
    expect(await ask(await client(list, PATIENT))).toBe('');
  });

  it('reads events without a space after their name, and letters cut in two by the network', async () => {
    const chat = await client(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const event = `data:${JSON.stringify({ choices: [{ delta: { content: 'größer' } }] })}\n\n`;
      const bytes = Buffer.from(`${event}data:[DONE]\n\n`);
      const half = bytes.indexOf(0xc3) + 1;
      response.write(bytes.subarray(0, half));
      await new Promise((resolve) => setTimeout(resolve, 30));
      response.end(bytes.subarray(half));
    }, PATIENT);
    expect(await ask(chat)).toBe('größer');
  });

  it('breaks off a stream that has no end in sight', async () => {
    const long = 'x'.repeat(300_000);
    const event = `data: ${JSON.stringify({ choices: [{ delta: { content: long } }] })}\n\n`;
    const chat = await client(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end(event.repeat(4));
      },
      { ...PATIENT, firstAttempts: 1 },
    );
    expect(await failure(chat)).toMatch(/is longer than 1000000 characters/);
  });

  it('gives no more of a server’s message than a line', async () => {
    const exact = 'a'.repeat(160);
    expect(await failure(await client(refuse(400, exact)))).toContain(`(400: ${exact}).`);
    await server!.close();
    expect(await failure(await client(refuse(400, ` ${exact}b`)))).toContain(`(400: ${exact}…).`);
  });

  it('waits at least twice as long before each further try', async () => {
    const times: number[] = [];
    const chat = await client(
      (request, response, index) => {
        times.push(performance.now());
        return refuse(500, 'broken')(request, response, index);
      },
      { ...PATIENT, pause: 60, attempts: 4 },
    );
    await failure(chat);
    const pauses = times.slice(1).map((time, i) => time - times[i]);
    [60, 120, 240].forEach((least, i) => {
      expect(pauses[i]).toBeGreaterThan(least - 2);
    });
  });

  it('says in a page which page the server would have to let in', async () => {
    const chat = await client(whole(ANSWER));
    await server!.close();
    Object.assign(globalThis, { location: { origin: 'https://lab.example' } });
    try {
      expect(await failure(chat)).toMatch(
        /does not let this page in \(CORS; it must allow https:\/\/lab\.example\)/,
      );
    } finally {
      Reflect.deleteProperty(globalThis, 'location');
    }
  });

  it('refuses a key that no header can carry', async () => {
    await expect(client(whole(ANSWER), {}, 'my key')).rejects.toThrow(/copy it again/);
    await expect(client(whole(ANSWER), {}, 'ключ')).rejects.toThrow(/copy it again/);
  });

  it('says when nobody listens', async () => {
    const chat = await client(whole(ANSWER));
    await server!.close();
    const message = await failure(chat);
    expect(message).toContain(`The teacher at ${new URL(server!.url).host} cannot be reached`);
    // At the very first more likely the address is wrong than that it passes.
    expect(message).toMatch(
      /\(ECONNREFUSED\): it is not running, the address is wrong\. It was tried 2 times\.$/,
    );
  });

  it('is more patient with a server that says that it is busy', async () => {
    const chat = await client(refuse(503, 'starting'), PATIENT);
    expect(await failure(chat)).toMatch(/It was tried 6 times\.$/);
  });
});
