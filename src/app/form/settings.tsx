import { late } from '../parts/late';
import { DataPicker } from './data';
import { Knobs } from './knobs';

const MeasureDevice = late('The measurement', async () => (await import('./measure')).MeasureDevice);

/** What waits behind More. Its code is fetched when it is first opened. */
export function Settings() {
  return (
    <>
      <DataPicker />
      <Knobs />
      <MeasureDevice />
    </>
  );
}
