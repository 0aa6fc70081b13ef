/** A server that speaks `/v1/chat/completions` over real HTTP, and fails in the ways that real ones do. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ChatRequest {
  path: string;
  headers: IncomingMessage['headers'];
  body: {
    model: string;
    messages: { role: string; content: string }[];
    temperature: number;
    max_tokens?: number;
    max_completion_tokens?: number;
    stream: boolean;
  };
}

/** Answers one request; the number counts requests from 0. */
export type Behaviour = (request: ChatRequest, response: ServerResponse, index: number) => unknown;

export interface ChatServer {
  url: string;
  requests: ChatRequest[];
  /** Most requests that were under way at a time. */
  busiest(): number;
  behave(behaviour: Behaviour): void;
  /** Lets pages of this origin in, which it does not before. */
  allow(origin: string): void;
  close(): Promise<void>;
}

export async function startChatServer(behaviour: Behaviour): Promise<ChatServer> {
  let behave = behaviour;
  let allowed: string | null = null;
  let open = 0;
  let most = 0;
  const requests: ChatRequest[] = [];
  const server = createServer((incoming, response) => {
    if (allowed !== null) {
      response.setHeader('access-control-allow-origin', allowed);
      response.setHeader('access-control-allow-headers', 'authorization, content-type');
    }
    if (incoming.method !== 'POST') {
      response.writeHead(allowed === null ? 405 : 204).end();
      return;
    }
    let text = '';
    most = Math.max(most, ++open);
    response.on('close', () => open--);
    incoming.on('data', (piece) => {
      text += piece;
    });
    incoming.on('end', () => {
      const request = { path: incoming.url ?? '', headers: incoming.headers, body: JSON.parse(text) };
      requests.push(request);
      behave(request, response, requests.length - 1);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    busiest: () => most,
    behave(next) {
      behave = next;
    },
    allow(origin) {
      allowed = origin;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Without streaming, as the smallest servers do it. */
export function whole(content: string): Behaviour {
  return (_request, response) =>
    json(response, 200, { choices: [{ message: { role: 'assistant', content } }] });
}

/** Server-sent events, each with these further fields, cut into pieces that respect neither lines nor letters. */
export function streamed(content: string, { end = 'data: [DONE]\n\n', fields = {} } = {}): Behaviour {
  return async (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const events = [
      ': a comment\n\n',
      ...Array.from(
        content,
        (letter) => `data: ${JSON.stringify({ ...fields, choices: [{ delta: { content: letter } }] })}\n\n`,
      ),
      `data: ${JSON.stringify({ choices: [], usage: { total_tokens: 1 } })}\n\n`,
      end,
    ];
    const bytes = Buffer.from(events.join(''));
    for (let at = 0; at < bytes.length && !response.destroyed; at += 97) {
      response.write(bytes.subarray(at, at + 97));
      if (at % 970 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  };
}

export function json(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

export function refuse(status: number, message: string, headers = {}): Behaviour {
  return (_request, response) => json(response, status, { error: { message } }, headers);
}

/** The first `count` requests go one way, the rest the other. */
export function first(count: number, one: Behaviour, other: Behaviour): Behaviour {
  return (request, response, index) => (index < count ? one : other)(request, response, index);
}

/** What an obedient model says: it names what it was told, or else the newest purchase. */
export const obedient: Behaviour = (request, response, index) => {
  const lines = request.body.messages[1].content.split('\n');
  const told = lines.find((line) => line.startsWith('Bought next: '))?.slice(13);
  const [newest] = lines.filter((line) => line.startsWith('- ')).map((line) => line.slice(2));
  const title = (line: string) => line.slice(0, line.lastIndexOf(' ('));
  const category = (told ?? newest).split(' > ').at(-1)?.replace(')', '');
  const answer = `<think>Bought ${title(newest)} before; need ${category}</think><answer>${title(told ?? newest)}</answer>`;
  return (index % 2 === 0 ? whole(answer) : streamed(answer))(request, response, index);
};
