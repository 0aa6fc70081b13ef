import { Gauges, LearningCharts } from './charts';
import { SessionContext } from './context';
import { Controls } from './controls';
import { Header } from './header';
import { Hero } from './hero';
import { WhatToKnow } from './notes';
import { Notices } from './notices';
import { OrftView } from './orft';
import { RankingView } from './ranking';
import { Samples } from './samples';
import { SavedRuns } from './saved';
import type { Session } from './session';
import { Stages } from './stages';
import { StudyPanel } from './studyPanel';
import { StageTable } from './table';
import { TradeOff } from './tradeoff';

/** The one screen: promise, controls, and below them either what the page does or the run as it goes. */
export function App({ session }: { session: Session }) {
  const fresh = session.status.value === 'idle' && session.view.table.value.length === 0;
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
        <RankingView />
        <Samples />
        <OrftView />
        <StudyPanel />
        <SavedRuns />
        <WhatToKnow />
      </main>
    </SessionContext.Provider>
  );
}
