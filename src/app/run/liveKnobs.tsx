/** What of a stage can be changed while it goes on. A change holds from the next step, and travels with the run's link. */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { RULES, ruleOf, type Weighting } from '../../popo/rules';
import { type FieldEdit, liveFields, weightingEdits } from '../../run/changes';
import { fieldAt, leafAt, whyUnread } from '../../run/fields/paths';
import { rewardLook } from '../charts/palette';
import { FieldProblem, LabelOf, whyUnfit } from '../parts/fields';
import { withWeight } from '../parts/weights';
import { useSession } from '../state/context';
import { isLabelled, labelOf, type ShownPath } from '../words/fieldLabels';
import { unreadWords } from '../words/fieldWords';
import { OwnChanges } from './ownChanges';
import { WeightTriangle } from './weightTriangle';
import '../styles/knobs.css';

const KNOBS: readonly ShownPath[] = [
  'popo.eta_over_mu',
  'popo.min_weight',
  'popo.beta',
  'popo.learning_rate',
  'popo.temperature',
  'popo.num_generations',
  'popo.epsilon',
  'popo.scale_rewards',
  'popo.multi_objective_aggregation',
];

/** Those of one rule stand there only while it weighs. */
const OF_RULES: readonly ShownPath[] = [
  'popo.correlation_target',
  'popo.correlation_rate',
  'popo.constrained',
  'popo.constraint_margin',
  'popo.constraint_step',
];

/** Shown while alignment is under way, running or at rest, and where an earlier stage rests that trains the model. Else, what was turned. */
export function LiveKnobs() {
  const session = useSession();
  const stage = session.view.currentStage.value?.name ?? null;
  const isOn = session.busy.value && session.runConfig.value !== null && stage !== null;
  const rests = session.status.value === 'paused' && stage !== null && liveFields(stage).length > 0;
  if (!isOn || !(stage === 'popo' || rests)) return <Turned />;
  const told = session.view.changes.value.filter((change) => change.stage === stage);
  return (
    <section class="knobs" aria-labelledby="knobs-title">
      <div class="knobs-head">
        <h2 id="knobs-title" class="overline">
          Turn the knobs
        </h2>
        <button
          type="button"
          class="plain"
          data-action="fork"
          title="Goes on with a second line from here. This one is kept, and its curves stay behind the new ones."
          onClick={() => void session.fork('here')}
        >
          Fork here
        </button>
      </div>
      {stage === 'popo' ? (
        <AlignmentKnobs />
      ) : (
        <div class="knobs-fields">
          {liveFields(stage)
            .filter(isLabelled)
            .map((path) => (
              <Knob key={path} path={path} />
            ))}
        </div>
      )}
      {told.length === 0 ? (
        <p class="plot-note">
          A change holds from the next step on. It is part of the link, so whoever opens that has it at the
          same step.
        </p>
      ) : (
        <OwnChanges changes={told} />
      )}
    </section>
  );
}

/** What was changed in the run on show, where nothing can be turned any more. */
function Turned() {
  const session = useSession();
  const held = session.view.changes.value.slice(0, session.changed.value);
  if (held.length === 0 || session.runId.value === null) return null;
  return (
    <section class="knobs" aria-labelledby="turned-title">
      <h2 id="turned-title" class="overline">
        Changed on the way
      </h2>
      <OwnChanges changes={held} />
    </section>
  );
}

function AlignmentKnobs() {
  const session = useSession();
  const config = session.shownConfig.value;
  const draws = ruleOf(config.popo.weighting).draw !== undefined;
  const rules = useRef<HTMLDivElement>(null);
  /** Why the last rule that was chosen was not taken; null where it was. */
  const problem = useSignal<string | null>(null);
  const choose = (name: Weighting) => {
    problem.value = null;
    void session.change(weightingEdits(name, config), (why) => {
      problem.value = why;
      // What is chosen is what holds.
      for (const radio of rules.current?.querySelectorAll('input') ?? [])
        radio.checked = radio.value === session.shownConfig.value.popo.weighting;
    });
  };
  return (
    <>
      {config.popo.rewards.length > 1 && <Weights />}
      <div
        class="segments small"
        role="radiogroup"
        aria-label="By what the weights go from the next step on"
        ref={rules}
      >
        {RULES.filter(({ draw }) => (draw !== undefined) === draws).map(({ name, label, words }) => (
          <label key={name} title={words}>
            <input
              type="radio"
              name="live-weighting"
              checked={config.popo.weighting === name}
              value={name}
              onChange={() => choose(name)}
            />
            <span>{label}</span>
          </label>
        ))}
      </div>
      <FieldProblem why={problem.value} />
      <details>
        <summary>More knobs</summary>
        <div class="knobs-fields">
          {[...OF_RULES.filter((path) => whyUnread(config, path) === null), ...KNOBS].map((path) => (
            <Knob key={path} path={path} />
          ))}
        </div>
      </details>
    </>
  );
}

/** The weights as they are now; they can be set, also where a rule moves them on from there. */
function Weights() {
  const session = useSession();
  const { view } = session;
  /** While somebody drags it, what it is dragged to. */
  const dragged = useSignal<number[] | null>(null);
  /** Why the last weights were not taken; null where they were. */
  const problem = useSignal<string | null>(null);
  void view.tick.value;
  const { rewards, reward_weights: begun, weighting } = session.shownConfig.value.popo;
  const { needs, draw } = ruleOf(weighting);
  // Drawn weights are gone with their step: what can be set is the mixture that is measured.
  const now = draw ? begun : rewards.map((name, k) => view.popo.last(`w_${name}`) ?? begun[k]);
  const taken = view.popo.xs().at(-1) ?? 0;
  /** Set, and no step has been taken under it yet. */
  const wanted = view.changes.value.findLast(
    ({ stage, step, field }) => stage === 'popo' && step >= taken && field === 'popo.reward_weights',
  );
  const shown = dragged.value ?? (wanted === undefined ? now : (wanted.to as number[]));
  const moves = needs !== 'nothing';
  const set = (to: number[]) => {
    dragged.value = null;
    problem.value = null;
    void session.change([{ field: 'popo.reward_weights', to }], (why) => {
      problem.value = why;
    });
  };
  const steps = rewards.map((name) => view.popo.column(`w_${name}`));
  const way = Array.from(steps[0], (_, i) => steps.map((column) => column[i])).filter(
    (weights) => !weights.some(Number.isNaN),
  );
  /** Of two rewards one bar says all. */
  const bars = rewards.length === 2 ? rewards.slice(0, 1) : rewards;
  return (
    <div class="weight-bars">
      {rewards.length === 3 && (
        <WeightTriangle
          rewards={rewards}
          weights={shown}
          way={draw ? [] : way}
          onDrag={(to, done) => {
            if (done) set(rounded(to));
            else dragged.value = to;
          }}
        />
      )}
      {bars.map((name, k) => (
        <label key={name} class="weight-bar" data-reward={name}>
          <span>
            <b style={{ color: `var(--${rewardLook(name).color})` }}>
              {rewardLook(name).label} {shown[k].toFixed(2)}
            </b>
            {rewards.length === 2 && (
              <b style={{ color: `var(--${rewardLook(rewards[1]).color})` }}>
                {shown[1].toFixed(2)} {rewardLook(rewards[1]).label}
              </b>
            )}
          </span>
          <input
            type="range"
            min="0"
            max="1"
            step="0.01"
            value={shown[k]}
            aria-label={`Weight of the ${rewardLook(name).label} reward${moves ? ', from which its rule goes on' : draw ? ' in the mixture that is measured' : ''}`}
            style={{
              '--left': `var(--${rewardLook(name).color})`,
              '--right': rewards.length === 2 ? `var(--${rewardLook(rewards[1]).color})` : 'var(--line)',
              '--at': `${100 * shown[k]}%`,
            }}
            onInput={(event) => {
              dragged.value = withWeight(now, k, event.currentTarget.valueAsNumber);
            }}
            onChange={(event) => set(rounded(withWeight(now, k, event.currentTarget.valueAsNumber)))}
          />
        </label>
      ))}
      <FieldProblem why={problem.value} />
    </div>
  );
}

/** To four digits, with the sum at 1: a link has to hold them. */
function rounded(weights: readonly number[]): number[] {
  const most = weights.indexOf(Math.max(...weights));
  const four = weights.map((weight) => Number(weight.toFixed(4)));
  const others = four.reduce((sum, weight, k) => (k === most ? sum : sum + weight), 0);
  return four.map((weight, k) => (k === most ? Number((1 - others).toFixed(4)) : weight));
}

function Knob({ path }: { path: ShownPath }) {
  const session = useSession();
  const config = session.shownConfig.value;
  const unread = unreadWords(config, path);
  const { control } = fieldAt(path).kind;
  const value = leafAt(config, path);
  /** Why the last value was not taken; null where it was. */
  const problem = useSignal<string | null>(null);
  const set = (to: FieldEdit['to']) => {
    problem.value = null;
    const edits: FieldEdit[] = [{ field: path, to }];
    if (path === 'popo.epsilon') edits.push({ field: 'popo.epsilon_high', to });
    void session.change(edits, (why) => {
      problem.value = why;
    });
  };
  const label = <LabelOf {...labelOf(path)} />;
  if (control.type === 'choice')
    return (
      <label class="field" title={unread ?? undefined}>
        {label}
        <select
          value={String(value)}
          disabled={unread !== null}
          data-knob={path}
          onChange={(event) => set(event.currentTarget.value)}
        >
          {control.options.map((option) => (
            <option key={option} value={option} translate={false}>
              {option}
            </option>
          ))}
        </select>
        {unread !== null ? <small class="unread">{unread}</small> : <FieldProblem why={problem.value} />}
      </label>
    );
  const alone =
    path === 'popo.num_generations' && value === 1
      ? 'With one answer to a prompt there is nothing to compare it with: all advantages are 0.'
      : null;
  return (
    <label class="field" title={unread ?? undefined}>
      {label}
      <input
        type="number"
        step="any"
        disabled={unread !== null}
        data-knob={path}
        aria-invalid={problem.value !== null}
        value={Number(value)}
        onChange={(event) => {
          const { value: text, valueAsNumber } = event.currentTarget;
          problem.value = control.type === 'number' ? whyUnfit(control, valueAsNumber, text) : null;
          if (problem.value === null) set(valueAsNumber);
          event.currentTarget.value = String(value);
        }}
      />
      {unread !== null ? (
        <small class="unread">{unread}</small>
      ) : (
        <FieldProblem why={problem.value ?? alone} />
      )}
    </label>
  );
}
