import { Controls } from './form/controls';
import { Header } from './header';
import { late } from './parts/late';
import { StageTable } from './results/table';
import { Gauges, LearningCharts } from './run/charts';
import { Hero } from './run/hero';
import { WhatToKnow } from './run/notes';
import { Notices } from './run/notices';
import { Stages } from './run/stages';
import { TradeOff } from './run/tradeoff';
import { SessionContext } from './state/context';
import type { Session } from './state/session';
import { StudyPanel } from './study/studyPanel';

const Baselines = late('The baselines', async () => (await import('./results/baselines')).Baselines);
const OrftView = late('The view of the reasoning', async () => (await import('./run/orft')).OrftView);
const RankingView = late('The rankers', async () => (await import('./results/ranking')).RankingView);
const Samples = late('The samples', async () => (await import('./run/samples')).Samples);
const World = late('The world', async () => (await import('./run/world')).World);
const SavedRuns = late('The list of kept runs', async () => (await import('./results/saved')).SavedRuns);

/** The one screen: promise, controls, and below them either what the page does or the run as it goes. */
export function App({ session }: { session: Session }) {
  const fresh = session.status.value === 'idle' && session.view.table.value.length === 0;
  const { data } = session.shownConfig.value;
  return (
    <SessionContext.Provider value={session}>
      <a class="skip" href="#run">
        Skip to the run
      </a>
      <Header />
      <main>
        <Controls />
        <Notices />
        <div class="run" id="run" data-fresh={fresh}>
          <Stages />
          {fresh ? (
            <Hero />
          ) : (
            <>
              <LearningCharts />
              <div class="aside">
                <TradeOff />
                <Gauges />
              </div>
            </>
          )}
        </div>
        <StageTable />
        {session.view.baselines.value !== null && <Baselines />}
        {session.view.ranking.value !== null && <RankingView />}
        {session.view.samples.value.length > 0 && <Samples />}
        {session.view.cots.value !== null && <OrftView />}
        {data.source === 'world' && data.world === 'compatibility' && <World />}
        <StudyPanel />
        <SavedRuns />
        <WhatToKnow />
      </main>
    </SessionContext.Provider>
  );
}
