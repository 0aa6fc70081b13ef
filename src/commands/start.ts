/** `npm start`: builds the page and serves it. `--port N` and `--host` as in `vite preview`; a taken port gives the next. */
import { parseArgs } from 'node:util';
import { servePage } from './serve.ts';

export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { port: { type: 'string', default: '4173' }, host: { type: 'boolean', default: false } },
  });
  const { url } = await servePage({ port: Number(values.port), host: values.host });
  console.log(`\ntaiji-lab is at ${url}\nPress Train there. Ctrl+C ends the server.`);
  return new Promise(() => undefined);
}
