/** The training worker of a tab, on a database of the test's, with training that is played. */
import { expose } from 'comlink';
import { openStore } from '../../src/store/database';
import { RUNS_CHANNEL } from '../../src/worker/runLock';
import { createTrainer } from '../../src/worker/trainService';
import { playedPipeline } from '../worker/played';

const never = async () => {
  throw new Error('No device is opened here.');
};
const tabs = new BroadcastChannel(RUNS_CHANNEL);
const trainer = createTrainer({
  openStore: (onClosed) => openStore(self.name, onClosed),
  openDevice: never,
  describeDevice: never,
  locks: navigator.locks,
  tellTabs: () => tabs.postMessage(null),
  pipeline: playedPipeline(),
});
expose(trainer);
