/**
 * The worker's end of the line to a teacher's endpoint. The policy of page and worker lets neither out to another origin, so
 * requests are made by a document of their own (endpointDocument.ts), whose policy names one address. What travels here are
 * requests by their numbers, and answers piece by piece, each asked for: a server cannot fill the memory.
 */
import type { EndpointFetch } from '../sft/cot';

export type EndpointAsk =
  | { type: 'ask'; id: number; url: string; headers: Record<string, string>; body: string }
  /** The next piece of the answer is wanted. */
  | { type: 'more'; id: number }
  /** Nothing more is wanted. */
  | { type: 'abort'; id: number };

export type EndpointAnswer =
  | { type: 'head'; id: number; status: number; headers: [string, string][] }
  /** Null at the end. */
  | { type: 'piece'; id: number; bytes: Uint8Array<ArrayBuffer> | null }
  /** Not sent, not let in, or broken off; browsers do not say which. */
  | { type: 'failed'; id: number };

/** Statuses of answers that may have no body (Fetch Standard, "null body status"). */
const WITHOUT_BODY = [204, 205, 304];

/** A `fetch` for the one endpoint at the other end. As there, what cannot be had is a TypeError. */
export function fetchThrough(line: MessagePort): EndpointFetch {
  const listeners = new Map<number, (answer: EndpointAnswer) => void>();
  let requests = 0;
  line.onmessage = ({ data }: MessageEvent<EndpointAnswer>) => listeners.get(data.id)?.(data);
  const say = (ask: EndpointAsk) => line.postMessage(ask);

  return (url, { headers, body, signal }) =>
    new Promise<Response>((resolve, reject) => {
      signal.throwIfAborted();
      const id = ++requests;
      let pieces: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | null = null;
      let taken = () => {};
      const end = () => {
        listeners.delete(id);
        signal.removeEventListener('abort', abort);
      };
      const fail = (error: unknown) => {
        end();
        reject(error);
        pieces?.error(error);
      };
      const abort = () => {
        say({ type: 'abort', id });
        fail(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      listeners.set(id, (answer) => {
        if (answer.type === 'failed') fail(new TypeError('The request failed.'));
        else if (answer.type === 'head') {
          const { status } = answer;
          const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
            {
              start: (controller) => {
                pieces = controller;
              },
              // Settles with the piece, or the stream would ask once more before it is there.
              pull: () =>
                new Promise<void>((arrived) => {
                  taken = arrived;
                  say({ type: 'more', id });
                }),
              cancel: () => {
                end();
                say({ type: 'abort', id });
              },
            },
            { highWaterMark: 0 },
          );
          resolve(
            new Response(WITHOUT_BODY.includes(status) ? null : stream, { status, headers: answer.headers }),
          );
        } else if (answer.bytes !== null) {
          pieces?.enqueue(answer.bytes);
          taken();
        } else {
          end();
          pieces?.close();
        }
      });
      say({ type: 'ask', id, url, headers, body });
    });
}
