/** Builds the page and serves it on this machine, for people (`npm start`) and for the headless commands. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Plugin, preview } from 'vite';
import { headersFor } from './barrier.ts';

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
    plugins: [sendHeaders(outDir)],
    preview: {
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

/** Answers as a host does that reads `_headers` of the built folder. */
function sendHeaders(outDir: string): Plugin {
  return {
    name: 'send-headers',
    configurePreviewServer({ middlewares }) {
      const file = readFileSync(join(outDir, '_headers'), 'utf8');
      middlewares.use(({ url = '/' }, response, next) => {
        const { pathname } = new URL(url, 'http://localhost');
        for (const [name, value] of Object.entries(headersFor(file, pathname)))
          response.setHeader(name, value);
        next();
      });
    },
  };
}
