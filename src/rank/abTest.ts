/**
 * A simulated A/B test on a world whose outcomes are known: at each request the items bid, in a second-price auction, for
 * one place, paying per conversion. A ranker that knows better what will be bought sells the place to an item that is bought
 * more, or worth more to its seller.
 */
import { Random } from '../numeric/random';

/** Spread of log bids. */
const BID_SPREAD = 0.5;

/** What one request brought: as it happened, and on average over the visitor's luck. */
export interface AuctionOutcome {
  /** What the winner paid: the price per conversion if there was one, else 0. */
  revenue: { happened: number; expected: number };
  /** What the conversion was worth to the winner: its bid. */
  value: { happened: number; expected: number };
}

/** [items] what each seller gives for a conversion, around 1. */
export function drawBids(items: number, seed: number): Float64Array {
  const random = new Random(seed, 'bids');
  return Float64Array.from({ length: items }, () => Math.exp(BID_SPREAD * random.normal()));
}

/**
 * The item of the greatest bid · pCTCVR is shown; it pays per conversion what it would have had to bid to stay first.
 * @param predicted [items] pCTCVR by the ranker
 * @param draw uniform in [0, 1): the visitor's luck with an item, the same for every ranker
 * @param truth the world's own chance that this visitor clicks and buys the item
 */
export function auction(
  predicted: ArrayLike<number>,
  bids: ArrayLike<number>,
  truth: (item: number) => number,
  draw: (item: number) => number,
): AuctionOutcome {
  let [first, best, second] = [0, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let item = 0; item < predicted.length; item++) {
    const offer = bids[item] * predicted[item];
    if (offer > best) [first, best, second] = [item, offer, best];
    else if (offer > second) second = offer;
  }
  const price = predicted[first] > 0 ? Math.min(bids[first], Math.max(0, second) / predicted[first]) : 0;
  const chance = truth(first);
  const bought = draw(first) < chance ? 1 : 0;
  return {
    revenue: { happened: bought * price, expected: chance * price },
    value: { happened: bought * bids[first], expected: chance * bids[first] },
  };
}
