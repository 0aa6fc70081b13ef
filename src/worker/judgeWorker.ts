/** The worker in which judges are trained, of a browser. It runs the training worker's own file, which is there already, under another name. */
import { type JudgeLine, type Judges, judgesThrough, serveJudges } from '../run/judgeLine';
import { ownWorkers } from './ownWorkers';

const NAME = 'judges';

/** What of this worker's own scope is used; the page's types stand for it elsewhere. */
const scope = globalThis as unknown as {
  name?: string;
  postMessage(message: unknown): void;
  addEventListener(type: 'message', take: (event: MessageEvent) => void): void;
};

/** Whether this is that worker. */
export function isForJudges(): boolean {
  return scope.name === NAME;
}

export function serveHere(): void {
  serveJudges(
    (message) => scope.postMessage(message),
    (take) => scope.addEventListener('message', ({ data }) => take(data)),
  );
}

/** @param entry address of this worker's own file */
export function judgeOpener(entry: string): () => Judges {
  const urls = ownWorkers([entry], entry);
  return () => judgesThrough(lineTo(urls.createScriptURL(entry)));
}

function lineTo(url: string): JudgeLine {
  const worker = new Worker(url, { type: 'module', name: NAME });
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onCrash) {
      worker.addEventListener('message', ({ data }) => onMessage(data));
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        onCrash();
      });
    },
    end: () => worker.terminate(),
  };
}
