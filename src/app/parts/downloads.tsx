import { useSession } from '../state/context';
import { download } from '../state/download';
import { sentence } from '../words/sentence';

/** Files of a finished run: its report, the model as a Hugging Face checkpoint, what the teacher said, and what goes on elsewhere. */
export function Downloads() {
  const session = useSession();
  const report = session.report.value;
  if (report === null) return null;
  const save = async (
    what: string,
    make: () => Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }[]>,
  ) => {
    try {
      for (const { name, bytes } of await make()) download(name, bytes);
    } catch (error) {
      session.say('error', `${what} could not be exported: ${sentence(error)}`);
    }
  };
  const button = (label: string, onClick: () => void) => (
    <button type="button" onClick={onClick}>
      {label}
    </button>
  );
  const elsewhere = (name: string, to: 'trl' | 'verl') =>
    button(`Continue elsewhere: ${name}`, () =>
      save('The run', async () => [await session.trainer().continueElsewhere(to)]),
    );
  return (
    <div class="downloads">
      {button('Save report.json', () => download('report.json', JSON.stringify(report)))}
      {button('Save the model', () => save('The model', () => session.trainer().exportModel()))}
      {button('Save the reasoning', () =>
        save('The reasoning', async () => [await session.trainer().exportCots()]),
      )}
      {button('Save the run', () => save('The run', async () => [await session.trainer().exportRun()]))}
      {elsewhere('TRL', 'trl')}
      {elsewhere('verl', 'verl')}
    </div>
  );
}
