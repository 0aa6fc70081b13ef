/** Opens the one document that may call another origin (worker/endpointDocument.ts), for the endpoint that a person confirmed. */
import * as Comlink from 'comlink';
import { chatUrl } from '../../sft/endpointAddress';
import type { TrainerWorkerApi } from '../../worker/protocol';

/** Milliseconds for a file of this page's own to be loaded. */
const PATIENCE = 20_000;

/**
 * Does `work` while the worker can ask the endpoint, and nobody else.
 * @throws an Error with one sentence where the document cannot be had; what `work` throws
 */
export async function withEndpoint<T>(
  worker: Comlink.Remote<TrainerWorkerApi>,
  url: string,
  work: () => Promise<T>,
): Promise<T> {
  const frame = document.createElement('iframe');
  try {
    const line = await open(frame, `endpoint.html#${chatUrl(url)}`);
    await worker.askThrough(Comlink.transfer(line, [line]));
    return await work();
  } finally {
    frame.remove();
  }
}

/** Resolves with the line to the document, once that has taken its policy. */
function open(frame: HTMLIFrameElement, path: string): Promise<MessagePort> {
  // It needs this page's origin, which is what servers let in (CORS). It needs no forms, windows or navigation of the tab.
  frame.setAttribute('sandbox', 'allow-scripts allow-same-origin');
  frame.hidden = true;
  frame.title = 'Requests to the teacher';
  frame.src = new URL(path, document.baseURI).href;
  const { port1: line, port2: other } = new MessageChannel();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(
          new Error(
            'The document that would ask the teacher (endpoint.html, beside this page) does not answer: reload the page, or have ' +
              'the whole built folder served.',
          ),
        ),
      PATIENCE,
    );
    line.onmessage = () => {
      clearTimeout(timer);
      line.onmessage = null;
      resolve(line);
    };
    const hand = () => frame.contentWindow?.postMessage(null, location.origin, [other]);
    frame.addEventListener('load', hand, { once: true });
    document.body.append(frame);
  });
}
