import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { useSession } from '../state/context';
import { said } from '../words/language';
import { runTitle } from '../words/runWords';

/** Offers to tell of the run's end while another tab is looked at; tells of it once that is allowed. */
export function Notify() {
  const session = useSession();
  const allowed = useSignal(typeof Notification === 'undefined' ? 'denied' : Notification.permission);
  const wanted = useSignal(false);
  const status = session.status.value;
  const rests = session.divergence.value !== null;
  useEffect(() => {
    if (!wanted.value || !document.hidden) return;
    const news = rests
      ? 'Training runs away, and rests until you decide'
      : { done: 'The run is done', error: 'The run has stopped' }[status as string];
    if (news === undefined) return;
    const config = session.runConfig.value;
    const note = new Notification(said(news), {
      body: config === null ? '' : said(runTitle(config)),
      tag: 'taiji-lab',
    });
    note.onclick = () => focus();
  }, [status, rests, session, wanted]);
  if (status !== 'running' || allowed.value === 'denied') return null;
  if (wanted.value) return <p class="stage-found">You are told when it ends.</p>;
  const ask = async () => {
    allowed.value = allowed.value === 'granted' ? 'granted' : await Notification.requestPermission();
    wanted.value = allowed.value === 'granted';
  };
  return (
    <p class="stage-found">
      <button type="button" class="inline" data-action="notify" onClick={() => void ask()}>
        Tell me when it ends
      </button>
    </p>
  );
}
