/** Two models' parameters mixed, by a slider between them: what the mixture says, and the curve that mixtures make. */
import { Plane } from '../charts/plane';
import type { AnswerCard } from '../state/asking';
import { type Blend, placeOn } from '../state/blend';
import { short } from '../words/format';
import { Card } from './answerCard';
import '../styles/ask.css';

/** Of the slider's place along a run's own front. */
export const weightWords =
  ([first, second]: readonly string[]) =>
  (to: number) =>
    `Weight ${to.toFixed(2)} of the ${first} reward, ${(1 - to).toFixed(2)} of the ${second} reward`;

/** A slider, and what the mixture that it sets says. */
export function Mixture(o: {
  title: string;
  /** Of the slider, for programs. */
  name: string;
  blend: Blend<AnswerCard>;
  words: (to: number) => string;
  isTraining: boolean;
}) {
  const { share, measures, blend } = o.blend;
  const card = o.blend.card.value;
  const heldOut = card?.answer?.heldOut ?? null;
  return (
    <div class="ask-mix">
      <h3>{o.title}</h3>
      <label class="field">
        <span>{o.words(share.value)}</span>
        <input
          type="range"
          min="0"
          max="1"
          step="0.05"
          data-ask={o.name}
          disabled={o.isTraining || o.blend.isDrawing.value}
          value={share.value}
          onInput={(event) => blend(event.currentTarget.valueAsNumber)}
        />
      </label>
      <div aria-live="polite">
        {card === null ? <p class="faint">Asking the mixture…</p> : <Card card={card} />}
        {heldOut !== null && (
          <p class="plot-note">
            On {heldOut.users} validation users: L3 {short(heldOut.Category_L3_ACC)}, CTCVR{' '}
            {short(heldOut.CTCVR)}, well formed {short(heldOut.valid_rate)}. So few tell a direction, no
            difference.
          </p>
        )}
        {!measures.value && (
          <p class="plot-note">
            Held-out numbers are left out: on this device they take longer than two seconds.
          </p>
        )}
      </div>
      <TradeOffCurve {...o} />
    </div>
  );
}

/** The mixtures from one end to the other in the plane of the trade-off, and the chord, which a coin between the ends reaches too. */
function TradeOffCurve({
  name,
  blend,
  isTraining,
}: {
  name: string;
  blend: Blend<AnswerCard>;
  isTraining: boolean;
}) {
  const { curve, isDrawing, drawCurve, share } = blend;
  const points = curve.value.map(({ to, l3, ctcvr }) => ({
    x: l3,
    y: ctcvr,
    step: to,
    label: to.toFixed(2),
  }));
  const isWhole = points.length > 1 && !isDrawing.value;
  const place = placeOn(curve.value, share.value);
  const label = `The slider, at ${share.value.toFixed(2)}`;
  return (
    <>
      <button
        type="button"
        data-ask={`${name}-curve`}
        disabled={isTraining || isDrawing.value}
        onClick={() => void drawCurve()}
      >
        {isDrawing.value ? `Drawing, ${points.length} of 5` : 'Draw the trade-off'}
      </button>
      {points.length > 0 && (
        <figure class="ask-curve">
          <Plane
            path={[]}
            behind={isWhole ? [[points[0], points[points.length - 1]]] : []}
            landmarks={[]}
            front={points}
            marked={place && { x: place.l3, y: place.ctcvr, label }}
            names={['L3', 'CTCVR']}
            colors={['semantic', 'id']}
            pull={null}
            empty=""
          />
          <figcaption class="plot-note">
            Each mixture on {curve.value[0].users} validation users. The broken line is the chord: whoever
            tosses a coin between the two ends at each request is on it. The ring is the slider’s place on the
            line. So few users tell a direction, no difference.
          </figcaption>
          <details>
            <summary>Numbers</summary>
            <table class="dense">
              <thead>
                <tr>
                  <th scope="col">Mixture</th>
                  <th scope="col">L3</th>
                  <th scope="col">CTCVR</th>
                </tr>
              </thead>
              <tbody>
                {points.map(({ label, x, y }) => (
                  <tr key={label}>
                    <th scope="row">{label}</th>
                    <td>{short(x)}</td>
                    <td>{short(y)}</td>
                  </tr>
                ))}
                {place !== null && (
                  <tr data-ask={`${name}-place`}>
                    <th scope="row">{label}</th>
                    <td>{short(place.l3)}</td>
                    <td>{short(place.ctcvr)}</td>
                  </tr>
                )}
              </tbody>
            </table>
          </details>
        </figure>
      )}
    </>
  );
}
