/** The training worker's entry file. */
import { expose, transfer } from 'comlink';
import { describeRunDevice, openRunDevice } from '../run/device';
import { openStore } from '../store/database';
import { RUNS_CHANNEL } from './runLock';
import { createTrainer } from './trainService';

const tabs = new BroadcastChannel(RUNS_CHANNEL);
const trainer = createTrainer({
  openStore,
  openDevice: openRunDevice,
  describeDevice: describeRunDevice,
  locks: navigator.locks,
  tellTabs: () => tabs.postMessage(null),
});

expose({
  ...trainer,
  async exportModel() {
    const files = await trainer.exportModel();
    return transfer(
      files,
      files.map(({ bytes }) => bytes.buffer),
    );
  },
});
