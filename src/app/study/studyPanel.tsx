import { useSignal } from '@preact/signals';
import { late } from '../parts/late';

const StudyView = late('The study', async () => (await import('./study')).StudyView);

/** Opens the study, whose code is fetched only then. */
export function StudyPanel() {
  const open = useSignal(false);
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
          onClick={() => {
            open.value = !open.value;
          }}
        >
          {open.value ? 'Close' : 'Compare methods'}
        </button>
      </div>
      <div id="study" hidden={!open.value}>
        {open.value && <StudyView />}
      </div>
    </section>
  );
}
