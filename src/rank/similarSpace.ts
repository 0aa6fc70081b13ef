/** Where similar users are sought: among the encoder's vectors as they are, or whitened, or behind a contrastive head, or both in turn. */
import { passGate, type StageHooks, UNKEPT } from '../control/hooks';
import { trainContrastiveHead } from './contrastiveHead';
import { type Moments, meanCosine, type PastMoments } from './similarUsers';
import { whiteningOf } from './whitening';

export interface SpaceOptions {
  /** Mean cosine of two moments of the past above which vectors are whitened; 1: never. */
  whitenAbove: number;
  /** Steps that a contrastive head is trained for; 0: there is none. */
  headSteps: number;
}

interface Sought {
  requests: Moments;
  past: PastMoments;
  isWhitened: boolean;
}

/**
 * @param itemVectors [items × dimension], of the encoder that the moments' vectors are of
 * @returns the same requests and past with other vectors; the very ones where nothing is asked for
 * @throws StoppedError when the hooks say stop
 */
export async function soughtIn(
  { requests, past, itemVectors }: { requests: Moments; past: PastMoments; itemVectors: Float32Array },
  { whitenAbove, headSteps }: SpaceOptions,
  seed: number,
  hooks: StageHooks,
): Promise<Sought> {
  let [asked, others, items] = [requests.vectors, past.vectors, itemVectors];
  const whitening =
    // A mean cosine may be rounded to more than 1.
    whitenAbove < 1 && meanCosine(past) > whitenAbove
      ? await whiteningOf(past, () => passGate(hooks, 'Similar users'))
      : null;
  if (whitening !== null) [asked, others, items] = [asked, others, items].map(whitening);
  if (headSteps > 0) {
    const { work = UNKEPT } = hooks;
    [asked, others] = await work.part('head', async (own) => {
      const learning = { past: { ...past, vectors: others }, itemVectors: items };
      const head = await trainContrastiveHead(learning, headSteps, seed, { ...hooks, work: own });
      try {
        return [await head.map(asked), await head.map(others)];
      } finally {
        head.dispose();
      }
    });
  }
  return {
    requests: { ...requests, vectors: asked },
    past: { ...past, vectors: others },
    isWhitened: whitening !== null,
  };
}
