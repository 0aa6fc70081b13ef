/** Builds the page and serves it on this machine, for people (`npm start`) and for the headless commands. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { build, preview } from 'vite';

export interface ServedPage {
  /** Of the page; ends in a slash unless `entry` is given. */
  url: string;
  close(): Promise<void>;
}

export interface ServeOptions {
  /** 0 takes any free port; any other gives the next free one where it is taken. */
  port: number;
  /** Listens beyond this machine. */
  host?: boolean;
  /** Where the build goes. */
  outDir?: string;
  /** Another HTML file than the app's. */
  entry?: string;
}

/** @throws when the build fails. */
export async function servePage({ port, host, outDir = 'dist', entry }: ServeOptions): Promise<ServedPage> {
  // Both a test runner and the launcher's module loader leave their own mark here, and builds follow it.
  process.env.NODE_ENV = 'production';
  await build({
    logLevel: 'error',
    build: { outDir, emptyOutDir: true, ...(entry ? { rolldownOptions: { input: resolve(entry) } } : {}) },
  });
  const server = await preview({
    logLevel: 'error',
    build: { outDir },
    preview: {
      headers: siteHeaders(),
      port,
      strictPort: port === 0,
      host: host ? true : '127.0.0.1',
      open: false,
    },
  });
  const address = server.httpServer.address();
  if (address === null || typeof address === 'string') throw new Error('The server could not be started.');
  return {
    url: `http://${host ? 'localhost' : '127.0.0.1'}:${address.port}/${entry ?? ''}`,
    close: () => server.close(),
  };
}

/** What public/_headers tells a host to send with every file, so that the page is tested as it is deployed. */
function siteHeaders(path = 'public/_headers'): Record<string, string> {
  if (!existsSync(path)) return {};
  const [, block = ''] = /^\/\*\n((?:[ \t]+.*\n?)*)/m.exec(readFileSync(path, 'utf8')) ?? [];
  const lines = block.split('\n').filter((line) => line.includes(':'));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    }),
  );
}
