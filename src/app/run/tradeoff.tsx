/**
 * The trade-off: one reward to the right, another upwards, the run's path step by step. The arrow is how hard each of the
 * two pulls now: its weight times the spread of what it pays, w·σ.
 */
import { useSignal } from '@preact/signals';
import { policyOptions } from '../../popo/options';
import { ruleOf } from '../../popo/rules';
import type { RunConfig } from '../../run/config';
import { rewardLook } from '../charts/palette';
import { heldoutPath, meansPath, Plane, type PlanePoint, rewardAxes, rewardPath } from '../charts/plane';
import { useSession } from '../state/context';
import type { RunView } from '../state/runView';
import { inFieldWords } from '../words/fieldWords';
import { heldOutWords, rowLabel } from '../words/runWords';

type View = 'rewards' | 'heldout';

export function TradeOff() {
  const session = useSession();
  const chosen = useSignal<View | null>(null);
  void session.view.tick.value;
  const config = session.shownConfig.value;
  const axes = rewardAxes(config.popo.rewards);
  const hasPath = axes !== null && session.view.popo.length > 1;
  const others = session.behind.value;
  const view: View = chosen.value ?? (hasPath ? 'rewards' : 'heldout');
  return (
    <section class="tradeoff" aria-labelledby="tradeoff-title">
      <div class="tradeoff-head">
        <h2 id="tradeoff-title" class="overline">
          Trade-off
        </h2>
        <div class="segments small" role="radiogroup" aria-label="What the trade-off shows">
          {(['rewards', 'heldout'] as const).map((value) => (
            <label key={value}>
              <input
                type="radio"
                name="tradeoff-view"
                checked={view === value}
                onChange={() => {
                  chosen.value = value;
                }}
              />
              <span>{value === 'rewards' ? 'Rewards' : 'Held out'}</span>
            </label>
          ))}
        </div>
      </div>
      {view === 'heldout' ? (
        <>
          <Plane
            path={heldoutPath(session.view)}
            behind={others.map(({ columns }) => heldoutPath(columns))}
            landmarks={stageLandmarks(session.view, config)}
            front={frontPoints(session.view, config)}
            names={['held-out L3 hit rate', 'held-out CTCVR']}
            colors={['semantic', 'id']}
            pull={null}
            empty="First point after warm-up"
          />
          <p class="plot-note">
            Each stage, and alignment as it goes, on {heldOutWords(config).many}.
            {session.view.front.value.length > 0 && ` ${frontWords(config)}`}
          </p>
        </>
      ) : axes === null ? (
        <p class="plot-note">This run has one reward, so there is nothing to trade against it.</p>
      ) : (
        <>
          <Plane
            path={rewardPath(session.view, axes)}
            behind={others.map(({ columns }) => meansPath(columns.popo, axes))}
            landmarks={[]}
            names={[`${rewardLook(axes[0]).label} reward`, `${rewardLook(axes[1]).label} reward`]}
            colors={[rewardLook(axes[0]).color, rewardLook(axes[1]).color]}
            pull={axes}
            empty="Begins with alignment"
          />
          <p class="plot-note">
            Each step of alignment moves the point; the arrow is the pull of the two rewards, w·σ.{' '}
            {whoGains(config)}
          </p>
        </>
      )}
    </section>
  );
}

/** What a person should know of the rule that moves the weights. */
export function whoGains({ popo }: RunConfig): string {
  const { etaOverMu, influence, scaleRewards, aggregation } = policyOptions(popo, 0);
  const numRewards = popo.rewards.length;
  const run = { numRewards, etaOverMu, influence, scaleRewards, aggregation };
  return inFieldWords(ruleOf(popo.weighting).caution?.(run) ?? '');
}

/** Named by the weight of the first reward where there are two: the other's follows. */
function frontPoints({ front }: RunView, { popo }: RunConfig): (PlanePoint & { label: string })[] {
  return front.value.map(({ weights, row }, step) => ({
    x: row.Category_L3_ACC,
    y: row.CTCVR,
    step,
    label: (popo.rewards.length === 2 ? weights.slice(0, 1) : weights)
      .map((weight) => trimmed(weight))
      .join('/'),
  }));
}

const trimmed = (weight: number) => String(Number(weight.toFixed(2)));

function frontWords({ popo }: RunConfig): string {
  const [first] = popo.rewards;
  return popo.rewards.length === 2
    ? `The line is this one run at five weights of the ${rewardLook(first).label} reward, which stand beside its points.`
    : 'The line is this one run at several weights of its rewards, which stand beside its points.';
}

function stageLandmarks({ table }: RunView, config: RunConfig): (PlanePoint & { label: string })[] {
  return table.value.map((row) => ({
    x: row.Category_L3_ACC,
    y: row.CTCVR,
    step: 0,
    label: rowLabel(row, config),
  }));
}
