import { useSignal } from '@preact/signals';
import { useSession } from '../state/context';
import type { Session } from '../state/session';
import { sentence } from '../words/sentence';

/** Copies the link of what is shown. */
export function Share() {
  const session = useSession();
  const copied = useSignal<'no' | 'copied' | 'shown'>('no');
  const link = useSignal('');
  const report = session.report.value;
  const share = async () => {
    link.value = pageLink(session);
    try {
      await navigator.clipboard.writeText(link.value);
      copied.value = 'copied';
      setTimeout(() => {
        copied.value = 'no';
      }, 2500);
    } catch {
      // No permission, or not a secure context: show it to be copied by hand.
      copied.value = 'shown';
    }
  };
  return (
    <div class="share">
      <button type="button" data-action="share" onClick={() => void share()}>
        {copied.value === 'copied' ? 'Link copied' : report === null ? 'Share set-up' : 'Share run'}
      </button>
      <span class="hidden" role="status">
        {copied.value === 'copied' ? 'Link copied' : ''}
      </span>
      {copied.value === 'shown' && (
        <input
          class="link-shown"
          readOnly
          value={link.value}
          aria-label="Link to copy"
          onFocus={(event) => event.currentTarget.select()}
        />
      )}
    </div>
  );
}

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
      save('The run', async () => [await session.continueElsewhere(to)]),
    );
  return (
    <div class="downloads">
      {button('Save report.json', () => download('report.json', JSON.stringify(report)))}
      {button('Save the model', () => save('The model', session.exportModel))}
      {button('Save the reasoning', () => save('The reasoning', async () => [await session.exportCots()]))}
      {elsewhere('TRL', 'trl')}
      {elsewhere('verl', 'verl')}
    </div>
  );
}

/** The page's own address with the run as its fragment. */
export function pageLink(session: Session): string {
  return location.href.split('#')[0] + session.link();
}

export function download(name: string, content: string | Uint8Array<ArrayBuffer>): void {
  const url = URL.createObjectURL(new Blob([content]));
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
