/** A worker that can be ended in the midst of a write. */
import { type FaultyWrite, faultyWrite } from './faultyWrite';

self.onmessage = async ({ data }: MessageEvent<FaultyWrite>) => {
  self.postMessage(await faultyWrite(data, () => self.postMessage('there')));
};
