/** Has judges trained in a thread of their own, beside a run in Node. */
import { Worker } from 'node:worker_threads';
import { type Judges, judgesThrough } from '../run/judgeLine';

export function openJudgeThread(): Judges {
  const thread = new Worker(new URL('./judges.mjs', import.meta.url));
  return judgesThrough({
    post: (message) => thread.postMessage(message),
    listen(onMessage, onCrash) {
      thread.on('message', onMessage);
      thread.on('error', onCrash);
    },
    end: () => void thread.terminate(),
  });
}
