import { Gauges, LearningCharts } from './charts';
import { LiveKnobs } from './liveKnobs';
import { TradeOff } from './tradeoff';

/** What a run shows from its first step on: charts, and beside them the trade-off and the signs of trouble. */
export function Course() {
  return (
    <>
      <LearningCharts />
      <div class="aside">
        <TradeOff />
        <LiveKnobs />
        <Gauges />
      </div>
    </>
  );
}
