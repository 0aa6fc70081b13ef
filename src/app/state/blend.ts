/** One number that somebody slides, and what a mixture by it says: asked once the slider rests, one at a time, the last one always. */
import { type Signal, signal } from '@preact/signals';

/** Validation users asked for a mixture's numbers, and seconds that this may take in all before it is left out. */
const HELD_OUT_USERS = 16;
const PATIENCE = 2;
/** Milliseconds that the slider must rest before the mixture is asked. */
const SLIDER_REST = 120;

/** What a mixture said, with the seconds that it took; null where it was refused. */
interface Answered {
  answer: { seconds: number } | null;
}

export interface Blend<Card extends Answered> {
  /** In [0, 1]. */
  share: Signal<number>;
  card: Signal<Card | null>;
  /** Whether this device is quick enough for held-out numbers beside every mixture. */
  measures: Signal<boolean>;
  /** Sets the mixture, and asks it once the slider rests. */
  blend(to: number): void;
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

  return { share, card, measures, blend };
}
