import { useSignal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { useSession } from '../state/context';
import { sentence } from '../words/sentence';

/** Opens the study, whose code is fetched only then. */
export function StudyPanel() {
  const session = useSession();
  const view = useSignal<FunctionComponent | null>(null);
  const open = useSignal(false);
  const View = view.value;
  const toggle = async () => {
    open.value = !open.value;
    if (view.value !== null) return;
    try {
      const { StudyView } = await import('./study');
      view.value = () => <StudyView />;
    } catch (error) {
      open.value = false;
      session.say('error', `The study could not be loaded: ${sentence(error)} Try again.`);
    }
  };
  return (
    <section class="study" aria-labelledby="study-title">
      <div class="section-head">
        <h2 id="study-title">Study</h2>
        <p>Which part of the method is worth what: the same worlds, trained in several ways.</p>
        <button
          type="button"
          data-action="open-study"
          aria-expanded={open.value}
          aria-controls="study"
          onClick={() => void toggle()}
        >
          {open.value ? 'Close' : 'Compare methods'}
        </button>
      </div>
      <div id="study" hidden={!open.value}>
        {open.value && (View === null ? <p class="faint">Loading…</p> : <View />)}
      </div>
    </section>
  );
}
