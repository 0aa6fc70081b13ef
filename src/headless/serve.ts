/** Builds the page and serves it on this machine, for people (`npm start`) and for the headless commands. */
import { build, preview } from 'vite';

export interface ServedPage {
  url: string;
  close(): Promise<void>;
}

/** Port 0 takes any free one; any other port gives the next free one where it is taken. `host` listens beyond localhost. */
export async function servePage(o: { port: number; host?: boolean; outDir?: string }): Promise<ServedPage> {
  const outDir = o.outDir ?? 'dist';
  await build({ logLevel: 'warn', build: { outDir } });
  const server = await preview({
    logLevel: 'warn',
    build: { outDir },
    preview: { port: o.port, strictPort: false, host: o.host ? true : '127.0.0.1', open: false },
  });
  const url = server.resolvedUrls?.local[0] ?? server.resolvedUrls?.network[0];
  if (url === undefined) throw new Error('The server listens nowhere; is another one holding every port?');
  return { url, close: () => server.close() };
}
