/** Hosts for the built page, at origins of their own: with the headers that the build asks for or without, and with files changed. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { transformWithOxc } from 'vite';
import { headersFor } from '../../src/commands/barrier';

const BUILT = '.cache/page';
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

export interface Site {
  origin: string;
  /** Paths that were asked for, WebSockets too, oldest first. */
  asked: string[];
  close(): Promise<void>;
}

/** The probes as a script that leaves them in `globalThis.probe`. */
async function probeScript(): Promise<string> {
  const path = 'test/page/probes.ts';
  return (await transformWithOxc(readFileSync(path, 'utf8'), path, { sourcemap: false })).code;
}

/** A host of the built page. `change` rewrites a file of text on its way out. */
export async function builtSite({
  headers,
  change = (_path, text) => text,
}: {
  headers: boolean;
  change?(path: string, text: string): string;
}): Promise<Site> {
  const probes = await probeScript();
  const rules = headers ? readFileSync(join(BUILT, '_headers'), 'utf8') : '';
  return site((path, response) => {
    const file = path === '/' ? '/index.html' : path;
    const own = { '/probes.js': probes, '/empty.html': '' }[file];
    let bytes: Buffer;
    try {
      bytes = own === undefined ? readFileSync(join(BUILT, file)) : Buffer.from(own);
    } catch {
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[extname(file)] ?? 'application/octet-stream';
    for (const [name, value] of Object.entries(headersFor(rules, path))) response.setHeader(name, value);
    response.setHeader('content-type', type);
    response.end(/text/.test(type) ? change(file, bytes.toString()) : bytes);
  });
}

/** A host that lets everybody in, and would like to hear from everybody: whatever arrives there got out. */
export function stranger(html = ''): Promise<Site> {
  return site((path, response) => {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', '*');
    const type = path.endsWith('.js') ? '.js' : path.endsWith('.svg') ? '.svg' : '.html';
    response.setHeader('content-type', path === '/events' ? 'text/event-stream' : TYPES[type]);
    response.end(
      { '.js': 'export const here = 1;', '.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>', '.html': html }[
        type
      ],
    );
  });
}

async function site(answer: (path: string, response: ServerResponse) => void): Promise<Site> {
  const asked: string[] = [];
  const note = ({ url = '/' }: IncomingMessage) => {
    const { pathname } = new URL(url, 'http://localhost');
    asked.push(pathname);
    return pathname;
  };
  const server = createServer((request, response) => answer(note(request), response));
  server.on('upgrade', (request, socket) => {
    note(request);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
