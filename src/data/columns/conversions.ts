/**
 * What stands for a conversion: the values of an event column, a threshold on the scale of ratings that is there, or a
 * flag. Each comes with the words that tell a person what was chosen.
 */
import { counted, verb } from '../words';
import { isNone } from './none';

/** What a row with that event is. `none` is no behaviour: something was shown, taken back or returned. */
export type EventKind = 'behaviour' | 'conversion' | 'none';

export interface EventMeaning {
  /** Of every value that was counted. */
  kinds: ReadonlyMap<string, EventKind>;
  /** Of a cell; values that were not counted are behaviours. */
  kind(cell: string): EventKind;
  behaviours: readonly string[];
  conversions: readonly string[];
  /** Impressions, removals, returns and empty cells. */
  neither: readonly string[];
  /** What is a conversion, to stand after "if": `the event is “purchase”`. */
  words: string;
  remarks: string[];
}

/** Strength: 0 no behaviour, 1 a click, 2 a favourite, 3 a cart, 4 a purchase. */
type Strength = number;

const PURCHASES = (
  'purchase purchased buy bought order ordered transaction checkout sale sold payment paid pay conversion convert converted ' +
  'subscribe signup install booking booked rent checkoutcomplete purchasecomplete orderplaced placeorder orderconfirmed ' +
  'completepurchase buyorder buynow kauf gekauft kaufen bestellung achat compra comprar acquisto 购买 下单 支付'
).split(' ');
const CARTS = (
  'cart addtocart cartadd addcart basket addtobasket addtobag bag incart additemtocart begincheckout checkoutstart ' +
  'checkoutstarted startcheckout initiatecheckout reserve warenkorb panier carrito carrello 加购 加入购物车'
).split(' ');
const FAVOURITES = (
  'fav favorite favourite favor collect wishlist addtowishlist addtofavorites like liked save saved bookmark follow share ' +
  'comment rate rating review star upvote recommend download repost retweet merken 收藏'
).split(' ');
const CLICKS = (
  'view click pv viewed clicked pageview productview viewproduct viewitem viewcontent itemview detail detailview viewdetail ' +
  'productdetail visit visited browse browsed open opened search watch watched play played listen listened read stream select ' +
  'selectitem clickout clickoutitem interaction itempage session aufruf ansicht klick clic visite vue vista visita 点击 浏览'
).split(' ');
const NO_BEHAVIOURS = (
  'impression impressions imp exposure expose exposed show shown display displayed noclick notclicked nointeraction served ' +
  'removefromcart removecart cartremove deletefromcart removefrombasket removedfromcart remove removed delete deleted return ' +
  'returned refund refunded cancel cancelled canceled cancellation unlike unfavorite unfav unfollow unsubscribe uninstall ' +
  'removefromwishlist removefromfavorites abandon dislike disliked downvote 曝光'
).split(' ');

const STRENGTHS = new Map<string, Strength>([
  ...NO_BEHAVIOURS.map((word) => [word, 0] as const),
  ...CLICKS.map((word) => [word, 1] as const),
  ...FAVOURITES.map((word) => [word, 2] as const),
  ...CARTS.map((word) => [word, 3] as const),
  ...PURCHASES.map((word) => [word, 4] as const),
]);

/** Logs that write events as numbers, told by the numbers that occur. */
const NUMBERED: readonly { of: string; strengths: Readonly<Record<string, Strength>> }[] = [
  { of: 'Tmall (0 click, 1 cart, 2 purchase, 3 favourite)', strengths: { 0: 1, 1: 3, 2: 4, 3: 2 } },
  { of: 'Tianchi (1 view, 2 favourite, 3 cart, 4 purchase)', strengths: { 1: 1, 2: 2, 3: 3, 4: 4 } },
  {
    of: 'JData (1 view, 2 cart, 3 removal, 4 order, 5 follow, 6 click)',
    strengths: { 1: 1, 2: 3, 3: 0, 4: 4, 5: 2, 6: 1 },
  },
];

/** Whether a value is a known name of an event, such as `view`, `addtocart` or `transaction`. */
export function isKnownEvent(cell: string): boolean {
  return STRENGTHS.has(eventKey(cell));
}

/**
 * What each value of an event column is. Purchases are conversions; where there are none, the strongest event is (cart,
 * then favourite), and where all are of one strength, each of them. A flag (0/1, no/yes) tells impressions from clicks.
 * @param counts rows by value, as the cells have it
 * @param purchases the values that a person has chosen as conversions
 */
export function eventMeaning(
  counts: ReadonlyMap<string, number>,
  purchases?: readonly string[],
): EventMeaning {
  const { strengths, remarks } = valueStrengths([...counts.keys()]);
  const behaviours = [...strengths].filter(([, strength]) => strength > 0);
  const strongest = behaviours.reduce((most, [, strength]) => Math.max(most, strength), 0);
  const weakest = behaviours.reduce((least, [, strength]) => Math.min(least, strength), 4);
  const converts = purchases
    ? new Set(purchases)
    : new Set(behaviours.filter(([, strength]) => strength === strongest).map(([value]) => value));
  const kinds = new Map<string, EventKind>(
    [...strengths].map(([value, strength]) => {
      if (converts.has(value)) return [value, 'conversion'];
      return [value, strength > 0 ? 'behaviour' : 'none'];
    }),
  );
  const of = (kind: EventKind) => [...kinds].filter(([, other]) => other === kind).map(([value]) => value);
  const all = purchases === undefined && strongest === weakest && strongest < 4;
  if (!purchases && strongest > 0 && strongest < 4) remarks.push(missingPurchase(of('conversion'), all));
  const neither = of('none');
  if (neither.length > 0) {
    const rows = neither.reduce((total, value) => total + (counts.get(value) ?? 0), 0);
    remarks.push(
      `${counted(rows, 'row')} ${verb(rows, 'is no behaviour and is', 'are no behaviours and are')} left out: the event is ${quoted(neither)}.`,
    );
  }
  return {
    kinds,
    kind: (cell) => kinds.get(cell) ?? 'behaviour',
    behaviours: of('behaviour'),
    conversions: of('conversion'),
    neither,
    words:
      of('conversion').length === 0 ? 'no event stands for it' : `the event is ${quoted(of('conversion'))}`,
    remarks,
  };
}

function missingPurchase(conversions: readonly string[], all: boolean): string {
  return all
    ? `No event is a purchase and all are equally strong, so each counts as a conversion, which tells nothing.`
    : `No event is a purchase: the strongest, ${quoted(conversions)}, counts as a conversion.`;
}

function valueStrengths(values: readonly string[]): {
  strengths: Map<string, Strength>;
  remarks: string[];
} {
  const given = values.filter((value) => !isNone(value));
  const strengths = new Map<string, Strength>(values.map((value) => [value, 0]));
  const flags = given.map(readFlag);
  if (given.length > 0 && given.length <= 2 && !flags.includes(null)) {
    given.forEach((value, index) => {
      strengths.set(value, flags[index] ? 1 : 0);
    });
    return { strengths, remarks: [] };
  }
  const whole = given.map((value) => (/^\d+(\.0+)?$/.test(value) ? String(Number(value)) : null));
  const numbered = NUMBERED.find((kind) => whole.every((value) => value !== null && value in kind.strengths));
  if (given.length > 0 && numbered) {
    given.forEach((value, index) => {
      strengths.set(value, numbered.strengths[whole[index]!]);
    });
    return { strengths, remarks: [`Events are numbers; they are read as those of ${numbered.of}.`] };
  }
  const unknown: string[] = [];
  for (const value of given) {
    const strength = STRENGTHS.get(eventKey(value)) ?? guessedStrength(value);
    if (strength === undefined) unknown.push(value);
    strengths.set(value, strength ?? 1);
  }
  const remarks =
    unknown.length === 0 ? [] : [`${quoted(unknown)} is no event known here: it counts as a behaviour.`];
  return { strengths, remarks };
}

/** By a known word among a value's words: "User Purchase", "product_detail_page_view". */
function guessedStrength(value: string): Strength | undefined {
  const parts = value
    .replace(/(\p{Ll})(?=\p{Lu})/gu, '$1 ')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((part) => part !== '');
  const pairs = parts.map((part, index) => part + (parts[index + 1] ?? ''));
  const found = [...parts, ...pairs].map((part) => STRENGTHS.get(part)).filter((one) => one !== undefined);
  if (found.length === 0) return undefined;
  return found.includes(0) ? 0 : found.reduce((most, one) => Math.max(most, one));
}

function eventKey(value: string): string {
  return value.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
}

function quoted(values: readonly string[]): string {
  const named = values.slice(0, 5).map((value) => `“${value.slice(0, 40)}”`);
  const rest = values.length > 5 ? [`${values.length - 5} more`] : [];
  return [...named, ...rest].join(', ').replace(/, ([^,]*)$/, ' or $1');
}

export interface RatingMeaning {
  /** A rating from here on is a conversion. */
  threshold: number;
  /** The lowest and the highest rating that count. */
  scale: readonly [number, number];
  /** Values that are no ratings: such a row is a behaviour and no conversion. */
  notRated: readonly number[];
  converts(rating: number): boolean;
  /** To stand after "if": `the rating is 4 or more, on a scale from 1 to 5`. */
  words: string;
  remarks: string[];
}

/** A value is rare, and may be a slip, below this share of the rows. */
const RARE = 0.005;
/** A 0 on a longer scale that is this often is "not rated". */
const OFTEN = 0.2;

/**
 * What the ratings that occur tell of their scale.
 * @param counts rows by rating; NaN is not rated
 * @param threshold where a person has chosen it
 */
export function ratingMeaning(counts: ReadonlyMap<number, number>, threshold?: number): RatingMeaning {
  const remarks: string[] = [];
  const notRated = unrated(counts, remarks);
  const rated = [...counts]
    .filter(([value]) => Number.isFinite(value) && !notRated.includes(value))
    .sort(([a], [b]) => a - b);
  const slips = takeSlips(rated);
  for (const [value, count] of slips) {
    notRated.push(value);
    remarks.push(
      `${counted(count, 'rating')} of ${value} ${verb(count, 'lies far above the scale and counts as a slip', 'lie far above the scale and count as slips')}.`,
    );
  }
  const values = rated.map(([value]) => value);
  const [low, high] = [values[0] ?? 0, values.at(-1) ?? 0];
  const from = threshold ?? scaleThreshold(rated, remarks);
  return {
    threshold: from,
    scale: [low, high],
    notRated,
    converts: (rating) => rating >= from && !notRated.includes(rating),
    words: `the rating is ${from} or more, where ratings go from ${low} to ${high}`,
    remarks,
  };
}

/** A -1 below ratings of more than 1 (MyAnimeList), and a 0 that is common on a scale above 5 (Book-Crossing). */
function unrated(counts: ReadonlyMap<number, number>, remarks: string[]): number[] {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const values = [...counts.keys()].filter(Number.isFinite);
  const above = values.filter((value) => value > 1);
  const found: number[] = [];
  if (above.length > 0 && counts.has(-1) && values.every((value) => value >= -1)) found.push(-1);
  const isLong =
    values.every((value) => value >= -1 && Number.isInteger(value)) && above.some((value) => value > 5);
  if (isLong && (counts.get(0) ?? 0) >= OFTEN * total && values.length <= 12) found.push(0);
  for (const value of found) {
    remarks.push(
      `A rating of ${value} (${counted(counts.get(value) ?? 0, 'row')}) is taken for “not rated”: a behaviour, no conversion.`,
    );
  }
  return found;
}

/** Takes rare values far above all others off the end: a mistyped 500 among 1 to 5. */
function takeSlips(rated: [number, number][]): [number, number][] {
  const total = rated.reduce((sum, [, count]) => sum + count, 0);
  const slips: [number, number][] = [];
  while (rated.length >= 2) {
    const [value, count] = rated[rated.length - 1];
    const next = rated[rated.length - 2][0];
    const isRare = count <= Math.max(1, RARE * total) && total > 5;
    const isFar = value > 5 && next > 0 && value > 1.5 * next && (rated.length >= 4 || value > 100);
    if (!isRare || !isFar) break;
    slips.push(rated.pop()!);
  }
  return slips;
}

function scaleThreshold(rated: readonly [number, number][], remarks: string[]): number {
  if (rated.length === 0) {
    remarks.push('No row has a rating.');
    return 1;
  }
  const high = rated[rated.length - 1][0];
  if (rated.length === 1) {
    remarks.push(`All ratings are ${high}, which tells nothing: each row counts as a conversion.`);
    return high;
  }
  const isWhole = rated.every(([value]) => Number.isInteger(value));
  if (high <= 1) return isWhole ? 1 : 0.8;
  if (high <= 3 && isWhole) return high;
  if (high <= 5) return 4;
  if (high <= 7 && isWhole && rated[0][0] >= 1) return 6;
  if (high <= 10) return 8;
  if (high > 50 && high <= 100) return 80;
  if (high <= 100) return Math.round(80 * high) / 100;
  remarks.push('Ratings go above 100, so they are counts and no scale: the highest quarter counts.');
  return upperQuartile(rated);
}

function upperQuartile(rated: readonly [number, number][]): number {
  const total = rated.reduce((sum, [, count]) => sum + count, 0);
  let below = 0;
  for (const [value, count] of rated) {
    below += count;
    if (below > 0.75 * total) return value;
  }
  return rated[rated.length - 1][0];
}

const YES = new Set(
  'true t yes y ja j oui o si sí s sim igen tak da evet はい 是 да vrai wahr vero verdadero sant x ✓ ✔ on bought purchased converted clicked'.split(
    ' ',
  ),
);
const NO = new Set(
  'false f no n nein non não nao nem nie ne hayır いいえ 否 нет faux falsch falso falskt nej off nee'.split(
    ' ',
  ),
);

/** A flag in the words of several languages or as a number (above 0 is yes); empty is no. null: no flag. */
export function readFlag(cell: string): boolean | null {
  const text = cell.trim().toLowerCase();
  if (isNone(text)) return false;
  if (YES.has(text)) return true;
  if (NO.has(text)) return false;
  const number = /^[+-]?\d+(?:[.,]\d+)?$/.test(text) ? Number(text.replace(',', '.')) : Number.NaN;
  return Number.isNaN(number) ? null : number > 0;
}
