import { DataPicker } from './data';
import { Knobs } from './knobs';

/** What waits behind More. Its code is fetched when it is first opened. */
export function Settings() {
  return (
    <>
      <DataPicker />
      <Knobs />
    </>
  );
}
