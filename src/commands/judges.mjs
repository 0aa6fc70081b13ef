/** The thread in which judges are trained beside a run in Node. As for a command (launch.mjs), Vite loads what is TypeScript. */
import { fileURLToPath } from 'node:url';
import { parentPort } from 'node:worker_threads';
import { createServer } from 'vite';

/** What is posted meanwhile waits. */
const early = [];
let take = (message) => early.push(message);
parentPort.on('message', (message) => take(message));

const loader = await createServer({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true, hmr: false, watch: null, ws: false },
  optimizeDeps: { noDiscovery: true, include: [] },
});
const { serveJudges } = await loader.ssrLoadModule('/src/run/judgeLine.ts');
serveJudges(
  (message) => parentPort.postMessage(message),
  (serve) => {
    take = serve;
    for (const message of early) serve(message);
  },
);
