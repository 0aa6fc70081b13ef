import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { useSession } from '../state/context';
import type { Session } from '../state/session';

/** Copies the link of what is shown: of a finished run with its result in it, or the short one without. */
export function Share() {
  const session = useSession();
  const copied = useSignal<'no' | 'copied' | 'shown'>('no');
  const link = useSignal('');
  /** Whether the link that was copied has a result, which a shorter one has not. */
  const isLong = useSignal(false);
  const report = session.report.value;
  useEffect(() => {
    isLong.value = false;
    // What writes it is there before it is asked for: a browser lets a page copy only soon after a press.
    if (report !== null) void import('../../run/result/resultField').catch(() => {});
  }, [report, isLong]);
  const copy = async (text: string) => {
    link.value = text;
    try {
      await navigator.clipboard.writeText(text);
      copied.value = 'copied';
      setTimeout(() => {
        copied.value = 'no';
      }, 2500);
    } catch {
      // No permission, or not a secure context: show it to be copied by hand.
      copied.value = 'shown';
    }
  };
  const share = async () => {
    const whole = await resultLink(session).catch(() => null);
    isLong.value = whole !== null;
    await copy(whole ?? pageLink(session));
  };
  return (
    <div class="share">
      <button
        type="button"
        data-action="share"
        title={report === null ? undefined : 'The link shows what came out, and repeats the run'}
        onClick={() => void share()}
      >
        {copied.value === 'copied' ? 'Link copied' : report === null ? 'Share set-up' : 'Share run'}
      </button>
      {isLong.value && (
        <button
          type="button"
          class="inline share-short"
          data-action="share-short"
          title="Repeats the run, and does not show what came out"
          onClick={() => void copy(pageLink(session))}
        >
          Short link
        </button>
      )}
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

/** The link with what came out in it; null before a run has ended, and where it would be longer than a link may be. */
export async function resultLink(session: Session): Promise<string | null> {
  const report = session.report.value;
  if (report === null) return null;
  const { withResult } = await import('../../run/result/resultField');
  return withResult(pageLink(session), report);
}

/** The page's own address with the run as its fragment. */
export function pageLink(session: Session): string {
  return location.href.split('#')[0] + session.link();
}
