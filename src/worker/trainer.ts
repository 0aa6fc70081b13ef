/** The training worker's entry file. */
import { expose, transfer } from 'comlink';
import { describeRunDevice, openRunDevice } from '../run/device';
import { openStore } from '../store/database';
import { createTrainer } from './trainService';

const trainer = createTrainer({ openStore, openDevice: openRunDevice, describeDevice: describeRunDevice });

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
