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

/** Files of a finished run: its report, the model as a Hugging Face checkpoint, and what the teacher said. */
export function Downloads() {
  const session = useSession();
  const report = session.report.value;
  if (report === null) return null;
  const model = async () => {
    try {
      for (const file of await session.exportModel()) download(file.name, file.bytes);
    } catch (error) {
      session.say('error', `The model could not be exported: ${sentence(error)}`);
    }
  };
  const reasoning = async () => {
    try {
      const { name, bytes } = await session.exportCots();
      download(name, bytes);
    } catch (error) {
      session.say('error', `The reasoning could not be exported: ${sentence(error)}`);
    }
  };
  return (
    <div class="downloads">
      <button type="button" onClick={() => download('report.json', JSON.stringify(report))}>
        Save report.json
      </button>
      <button type="button" onClick={() => void model()}>
        Save the model
      </button>
      <button type="button" onClick={() => void reasoning()}>
        Save the reasoning
      </button>
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
