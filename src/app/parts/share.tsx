import { useSignal } from '@preact/signals';
import { useSession } from '../state/context';
import type { Session } from '../state/session';

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

/** The page's own address with the run as its fragment. */
export function pageLink(session: Session): string {
  return location.href.split('#')[0] + session.link();
}
