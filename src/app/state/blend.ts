/** One number that somebody slides, and what a mixture by it says: asked once the slider rests, one at a time, the last one always. */
import { type Signal, signal } from '@preact/signals';
import type { AskedHeldOut } from '../../worker/askProtocol';

/** Validation users asked for a mixture's numbers, and seconds that this may take in all before it is left out. */
const HELD_OUT_USERS = 16;
const PATIENCE = 2;
/** Milliseconds that the slider must rest before the mixture is asked. */
const SLIDER_REST = 120;

/** Mixtures along a curve, from one end to the other, and validation users asked for each. */
const CURVE = [0, 0.25, 0.5, 0.75, 1];
const CURVE_USERS = 64;

/** What a mixture said, with the seconds that it took; null where it was refused. */
interface Answered {
  answer: { seconds: number; heldOut: AskedHeldOut | null } | null;
}

/** Where a mixture lies in the plane of the trade-off, on a few validation users. */
export interface CurvePoint {
  to: number;
  users: number;
  l3: number;
  ctcvr: number;
}

export interface Blend<Card extends Answered> {
  /** In [0, 1]. */
  share: Signal<number>;
  card: Signal<Card | null>;
  /** Whether this device is quick enough for held-out numbers beside every mixture. */
  measures: Signal<boolean>;
  /** Sets the mixture, and asks it once the slider rests. */
  blend(to: number): void;
  /** Mixtures from one end to the other, as far as they have been asked; empty before anybody wants them. */
  curve: Signal<readonly CurvePoint[]>;
  isDrawing: Signal<boolean>;
  /** Asks them one after the other, until something else is asked. */
  drawCurve(): Promise<void>;
}

/** Where a mixture lies on the drawn line, between the mixtures on it that were asked; null where the line does not reach. */
export function placeOn(curve: readonly CurvePoint[], share: number): { l3: number; ctcvr: number } | null {
  const after = curve.findIndex(({ to }) => to >= share);
  if (after < 0) return null;
  const b = curve[after];
  if (b.to === share) return { l3: b.l3, ctcvr: b.ctcvr };
  if (after === 0) return null;
  const a = curve[after - 1];
  const way = (share - a.to) / (b.to - a.to);
  return { l3: a.l3 + way * (b.l3 - a.l3), ctcvr: a.ctcvr + way * (b.ctcvr - a.ctcvr) };
}

/**
 * @param may whether there is something to mix
 * @param ask never rejects
 * @param asking of what is asked: another where all that was asked is overtaken
 */
export function createBlend<Card extends Answered>(o: {
  may(): boolean;
  ask(to: number, heldOutUsers: number): Promise<Card>;
  asking(): number;
}): Blend<Card> {
  const share = signal(0.5);
  const card = signal<Card | null>(null);
  const measures = signal(true);
  let mixing: Promise<void> | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function blend(to: number): void {
    share.value = to;
    clearTimeout(timer);
    timer = setTimeout(() => void askMixture(), SLIDER_REST);
  }

  async function askMixture(): Promise<void> {
    // One at a time; whatever was asked meanwhile is overtaken by what is set last.
    if (mixing !== null || !o.may()) return;
    const [own, to] = [o.asking(), share.value];
    mixing = o.ask(to, measures.value ? HELD_OUT_USERS : 0).then((answered) => {
      mixing = null;
      if (own === o.asking()) {
        // The first one may have to open the model, which says nothing of those that follow.
        const isSlow = card.value !== null && (answered.answer?.seconds ?? 0) > PATIENCE;
        card.value = answered;
        if (isSlow) measures.value = false;
      }
      if (share.value !== to || own !== o.asking()) blend(share.value);
    });
    await mixing;
  }

  const curve = signal<readonly CurvePoint[]>([]);
  const isDrawing = signal(false);

  async function drawCurve(): Promise<void> {
    if (isDrawing.value || !o.may()) return;
    const own = o.asking();
    isDrawing.value = true;
    curve.value = [];
    for (const to of CURVE) {
      const heldOut = (await o.ask(to, CURVE_USERS)).answer?.heldOut ?? null;
      // Of another run, or refused: what was refused is said of the slider's mixture.
      if (own !== o.asking() || heldOut === null) break;
      const { users, Category_L3_ACC, CTCVR } = heldOut;
      curve.value = [...curve.value, { to, users, l3: Category_L3_ACC, ctcvr: CTCVR }];
    }
    isDrawing.value = false;
  }

  return { share, card, measures, blend, curve, isDrawing, drawCurve };
}
