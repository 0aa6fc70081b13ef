/**
 * Starts a command of this folder: `node src/commands/launch.mjs train --out out` runs `main(['--out', 'out'])` of train.ts.
 * The commands are TypeScript that shares code with the page (and its `?raw` shaders), so Vite loads them: Node 20 alone cannot.
 */
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

const [command, ...args] = process.argv.slice(2);
const root = fileURLToPath(new URL('../..', import.meta.url));
const loader = await createServer({
  root,
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true, hmr: false, watch: null, ws: false },
  optimizeDeps: { noDiscovery: true, include: [] },
});
let code = 1;
try {
  const { main } = await loader.ssrLoadModule(`/src/commands/${command}.ts`);
  code = await main(args);
} catch (error) {
  // A person reads this: the sentence, and the stack only when it is asked for.
  console.error(error instanceof Error && !process.env.DEBUG ? `Error: ${error.message}` : error);
} finally {
  await loader.close();
}
// A Dawn instance, or a browser that hangs, would keep Node alive.
process.exit(code);
