/**
 * The script of endpoint.html, a hidden frame of the page and the only document that may call another origin. It is written into
 * that document by the build, whose policy allows this very text and no other script (commands/barrier.ts), so it imports
 * nothing.
 *
 * The address of one endpoint stands in its fragment. Before anything else it takes a policy that names that address alone;
 * policies can be added to a document and never taken back. It then serves one line (endpointLine.ts), which the page that holds it
 * hands over; a page of another origin is not heard.
 */
import type { EndpointAnswer, EndpointAsk } from './endpointLine';

const address = location.hash.slice(1);
/** Nothing in it that would mean something else in a policy: no `;`, no `*`, no space. */
const isPlain = /^https?:\/\/[a-z0-9_.-]+(?::\d+)?\/[\w.~\-/]*$/.test(address);
const policy = document.createElement('meta');
policy.httpEquiv = 'Content-Security-Policy';
policy.content = `connect-src ${isPlain ? address : "'none'"}`;
document.head.append(policy);

interface Request {
  abort: AbortController;
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | null;
}

function serve(line: MessagePort): void {
  const open = new Map<number, Request>();
  const say = (answer: EndpointAnswer) => line.postMessage(answer);

  async function ask({ id, url, headers, body }: Extract<EndpointAsk, { type: 'ask' }>): Promise<void> {
    const request: Request = { abort: new AbortController(), reader: null };
    open.set(id, request);
    if (url !== address) throw new TypeError('Not the address of this document.');
    const response = await fetch(address, {
      method: 'POST',
      headers,
      body,
      signal: request.abort.signal,
      redirect: 'error',
      credentials: 'omit',
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
    });
    request.reader = response.body?.getReader() ?? null;
    say({ type: 'head', id, status: response.status, headers: [...response.headers] });
  }

  async function more(id: number): Promise<void> {
    const request = open.get(id);
    if (request === undefined) return;
    const piece = await request.reader?.read();
    const bytes = piece?.value ?? null;
    if (bytes === null) open.delete(id);
    say({ type: 'piece', id, bytes });
  }

  line.onmessage = ({ data }: MessageEvent<EndpointAsk>) => {
    const { id, type } = data;
    if (type === 'abort') {
      open.get(id)?.abort.abort();
      open.delete(id);
      return;
    }
    (type === 'ask' ? ask(data) : more(id)).catch(() => {
      // The other end has hung up itself where it was aborted.
      if (open.delete(id)) say({ type: 'failed', id });
    });
  };
  line.postMessage('ready');
}

addEventListener('message', ({ source, origin, ports: [line] }) => {
  if (source === parent && origin === location.origin && line !== undefined) serve(line);
});
