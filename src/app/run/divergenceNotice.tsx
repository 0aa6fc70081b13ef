import type { DivergenceChoice } from '../../run/divergence';
import { useSession } from '../state/context';
import { inFieldWords } from '../words/fieldWords';
import { short } from '../words/format';
import '../styles/divergence.css';

const WIDTH = 320;
const HEIGHT = 96;
/** Room for the letters of the two axes. */
const LEFT = 40;
const BOTTOM = 16;

const CHOICES: { choice: DivergenceChoice; label: string; does: string }[] = [
  {
    choice: 'go-back',
    label: 'Go back',
    does: 'to the last good checkpoint, with half the learning rate from there on',
  },
  { choice: 'go-on', label: 'Go on', does: 'as it is; you are not asked again in this stage' },
  { choice: 'stop', label: 'Stop', does: 'here; what was kept stays in the list below' },
];

/** Training has run away: what was seen, its curve, and what can be done. The run rests meanwhile, or was stopped for that. */
export function DivergenceNotice() {
  const session = useSession();
  const run = session.left.value;
  const asked = session.divergence.value;
  const found = asked ?? run?.stopped;
  if (found == null) return null;
  const { sentence, kind, curve, bound } = found;
  // From what is no number there is nothing to go on from.
  const choices = CHOICES.filter(
    ({ choice }) => (kind !== 'not-finite' || choice !== 'go-on') && (asked !== null || choice !== 'stop'),
  );
  const decide = (choice: DivergenceChoice) => {
    if (asked !== null || run === null || choice === 'stop') void session.decide(choice);
    else void session.start(run, 'newest', choice);
  };
  return (
    <div class="notice warning divergence" role="alert" data-notice="divergence">
      <div>
        <p>
          <b>
            {asked === null && run !== null
              ? `The run of ${run.config.preset}, seed ${run.config.seed}, was stopped, because it may be running away.`
              : 'Training has paused, because it may be running away.'}
          </b>{' '}
          {inFieldWords(sentence)}
        </p>
        {curve.length > 1 && <Curve curve={curve} bound={bound} />}
        <ul class="choices">
          {choices.map(({ choice, label, does }) => (
            <li key={choice}>
              <button type="button" data-decide={choice} onClick={() => decide(choice)}>
                {label}
              </button>
              <span>{does}</span>
            </li>
          ))}
          {asked === null && (
            <li>
              <button
                type="button"
                class="plain"
                onClick={() => {
                  session.resumeDismissed.value = true;
                }}
              >
                Not now
              </button>
              <span>what was kept stays in the list below</span>
            </li>
          )}
        </ul>
      </div>
    </div>
  );
}

function Curve({ curve, bound }: { curve: [number, number][]; bound: number | null }) {
  const steps = curve.map(([step]) => step);
  const values = curve.map(([, value]) => value).concat(bound ?? []);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [first, last] = [Math.min(...steps), Math.max(...steps)];
  const px = (step: number) => LEFT + ((WIDTH - LEFT - 4) * (step - first)) / Math.max(1, last - first);
  const py = (value: number) => 4 + (HEIGHT - BOTTOM - 8) * (1 - (value - low) / (high - low || 1));
  const points = curve.map(([step, value]) => `${px(step).toFixed(1)},${py(value).toFixed(1)}`).join(' ');
  const said = `From ${short(curve[0][1])} at step ${first + 1} to ${short(curve[curve.length - 1][1])} at step ${last + 1}`;
  return (
    <svg class="runaway" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={said}>
      <text x={LEFT - 6} y={py(high) + 8} text-anchor="end">
        {short(high)}
      </text>
      <text x={LEFT - 6} y={py(low)} text-anchor="end">
        {short(low)}
      </text>
      <text x={LEFT} y={HEIGHT - 2}>
        step {first + 1}
      </text>
      <text x={WIDTH - 4} y={HEIGHT - 2} text-anchor="end">
        {last + 1}
      </text>
      {bound !== null && <line class="bound" x1={LEFT} x2={WIDTH - 4} y1={py(bound)} y2={py(bound)} />}
      <polyline points={points} />
    </svg>
  );
}
