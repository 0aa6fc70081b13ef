import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Controls } from './form/controls';
import { Header } from './header';
import { late, whenIdle } from './parts/late';
import { listenForShortcuts } from './parts/shortcuts';
import { Hero } from './run/hero';
import { WhatToKnow } from './run/notes';
import { Notices } from './run/notices';
import { Stages } from './run/stages';
import { SessionContext } from './state/context';
import type { Session } from './state/session';
import { StudyPanel } from './study/studyPanel';

/** What was promised stands until what happens can be shown. */
const Course = late('The view of the run', async () => (await import('./run/course')).Course, Hero);
const RecordedRun = late('The recording', async () => (await import('./run/recorded')).RecordedRun);
const StageTable = late('The table of stages', async () => (await import('./results/table')).StageTable);
const linked = () => import('./results/linked');
const LinkedRun = late(
  'What the link says came out',
  async () => (await linked()).LinkedRun,
  () => <p class="faint linked-reading">Reading what the link says came out…</p>,
);
const LinkedBeside = late('What the link says came out', async () => (await linked()).LinkedBeside);
const Baselines = late('The baselines', async () => (await import('./results/baselines')).Baselines);
const OrftView = late('The view of the reasoning', async () => (await import('./run/orft')).OrftView);
const RankingView = late('The rankers', async () => (await import('./results/ranking')).RankingView);
const Compare = late('The pinned runs', async () => (await import('./results/compare')).Compare);
const Samples = late('The samples', async () => (await import('./run/samples')).Samples);
const Ask = late('Asking the model', async () => (await import('./results/ask')).Ask);
const World = late('The world', async () => (await import('./run/world')).World);
const SavedRuns = late('The list of kept runs', async () => (await import('./results/saved')).SavedRuns);

/** The one screen: promise, controls, and below them either what the page does or the run as it goes. */
export function App({ session }: { session: Session }) {
  const hasRows = session.view.table.value.length > 0;
  const hasTheirs = session.theirs.value !== null;
  const fresh = session.status.value === 'idle' && !hasRows;
  // Whoever presses Train finds the view of the run there.
  useEffect(
    () =>
      whenIdle(() => {
        Course.preload();
        StageTable.preload();
      }),
    [],
  );
  const { data } = session.shownConfig.value;
  /** The list of keys, once it was asked for and while it is shown. */
  const keys = useSignal<typeof import('./parts/shortcutSheet').ShortcutSheet | null>(null);
  useEffect(() => {
    const showKeys = async () => {
      keys.value = (await import('./parts/shortcutSheet')).ShortcutSheet;
    };
    return listenForShortcuts(session, () => void showKeys().catch(() => {}));
  }, [session, keys]);
  const Keys = keys.value;
  return (
    <SessionContext.Provider value={session}>
      <a class="skip" href="#run">
        Skip to the run
      </a>
      <Header />
      <main>
        <Controls />
        <Notices />
        {session.watched.value !== null && <RecordedRun />}
        <div class="run" id="run" data-fresh={fresh || !Course.there.value}>
          <Stages />
          {!fresh ? <Course /> : hasTheirs ? <LinkedRun /> : <Hero />}
        </div>
        {hasRows && <StageTable />}
        {!fresh && hasTheirs && <LinkedBeside />}
        {session.pinned.value.length > 0 && <Compare />}
        {session.view.baselines.value !== null && <Baselines />}
        {session.view.ranking.value !== null && <RankingView />}
        {session.view.samples.value.length > 0 && <Samples />}
        {session.askable.value.length > 0 && <Ask />}
        {session.view.cots.value !== null && <OrftView />}
        {data.source === 'world' && data.world === 'compatibility' && <World />}
        <StudyPanel />
        <SavedRuns />
        <WhatToKnow />
      </main>
      {Keys !== null && (
        <Keys
          close={() => {
            keys.value = null;
          }}
        />
      )}
    </SessionContext.Provider>
  );
}
