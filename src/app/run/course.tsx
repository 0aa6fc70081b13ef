/** What a run shows from its first step on. It is fetched as one, since nobody needs it before Train is pressed. */
import { StageTable } from '../results/table';
import { Gauges, LearningCharts } from './charts';
import { LiveKnobs } from './liveKnobs';
import { TradeOff } from './tradeoff';

export { StageTable };

/** Charts, and beside them the trade-off and the signs of trouble. */
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
