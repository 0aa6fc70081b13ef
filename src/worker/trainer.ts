/** The entry file of the training worker, and of the one in which it has judges trained: so both are one download. */
import { expose, transfer } from 'comlink';
import { describeRunDevice, openRunDevice } from '../run/device';
import type { EndpointFetch } from '../sft/cot';
import { openStore } from '../store/database';
import { fetchThrough } from './endpointLine';
import { isForJudges, judgeOpener, serveHere } from './judgeWorker';
import { RUNS_CHANNEL } from './runLock';
import { createTrainer } from './trainService';

if (isForJudges()) serveHere();
else serveTrainer();

function serveTrainer(): void {
  const tabs = new BroadcastChannel(RUNS_CHANNEL);
  /** To the endpoint that the page has opened a line to last; before that the policy lets nobody be asked. */
  let askEndpoint: EndpointFetch = fetch;
  const trainer = createTrainer({
    openStore: (onClosed) => openStore(undefined, onClosed),
    openDevice: openRunDevice,
    describeDevice: describeRunDevice,
    locks: navigator.locks,
    askEndpoint: (url, request) => askEndpoint(url, request),
    openJudges: judgeOpener(import.meta.url),
    tellTabs: () => tabs.postMessage(null),
  });

  expose({
    ...trainer,
    askThrough(line: MessagePort) {
      askEndpoint = fetchThrough(line);
    },
    async exportModel() {
      const files = await trainer.exportModel();
      return transfer(
        files,
        files.map(({ bytes }) => bytes.buffer),
      );
    },
  });
}
