/**
 * The claim: whether any rule is above the hull of five fixed weights, and whether fewer runs and what is made from them cover as much.
 * Verdicts come from simultaneous intervals: each has 1 − .05 / their number (Bonferroni), so that the chance that any of them is wrong by
 * luck is at most .05, as far as a bootstrap of so few seeds holds.
 */
import { OUTCOMES } from '../evaluate/metrics';
import type { Interval } from '../numeric/interval';
import { type SliceTables, sliceTables, sliceTexts } from './bySlice';
import type { Cell } from './cell';
import { CLAIM } from './claimMethods';
import { type Cost, costOf, costWords } from './cost';
import { type Family, familiesOf, relatives } from './front';
import { type HeldMethod, heldMethodSentences, heldMethods } from './heldRewards';
import { areaText, hullBySeed, hullBySeedRows } from './hullBySeed';
import { isFiner, SWEEP } from './methods';
import { type PlaneMean, PlanePoints, START } from './planePoints';
import { aligned } from './textTable';

export interface ClaimedRule {
  method: string;
  seeds: number;
  /** Means over its seeds. */
  Category_L3_ACC: number;
  CTCVR: number;
  /** Simultaneous interval: see `PlanePoints.above`. */
  overHull: Interval;
  overHullBySeed: { seed: number; area: number }[];
  /** Of the hull's area, how much is below the hull of this one and SFT. */
  share: number;
  cost: Cost | null;
  verdict: 'above' | 'not distinguishable' | 'below' | 'not judged';
}

export interface ClaimedFamily extends Family {
  /** Rollouts, of those of the whole sweep; null where they are not known. */
  ofSweep: number | null;
  verdict: 'reached' | 'not established' | 'missed' | 'not judged';
}

export interface Claim {
  /** Seeds with SFT and all five fixed weights. */
  seeds: number[];
  /** Test users of the seed that has fewest. */
  users: number;
  /** Why nothing is judged; null where it is. */
  tooFew: string | null;
  /** How many verdicts share the .05. */
  verdicts: number;
  draws: number;
  /** What RL begins with; null where no seed is judged. */
  start: { Category_L3_ACC: number; CTCVR: number } | null;
  fixed: { method: string; Category_L3_ACC: number; CTCVR: number; cost: Cost | null }[];
  hull: Interval | null;
  /** What single fixed weights cover together, without a coin. */
  staircase: Interval | null;
  sweepCost: Cost | null;
  rules: ClaimedRule[];
  families: ClaimedFamily[];
  /** Of methods that were to keep a reward at a level. */
  held: HeldMethod[];
  /** The same by slice, with 95 % intervals that no verdict comes from; null where the data tells none. */
  slices: SliceTables | null;
}

const SEEDS = 5;
const USERS = 1000;
/** Of the hull's area. */
const COVERED = 0.95;
/** Of the sweep's compute. */
const SPENT = 2 / 5;
const MISS = 0.05;
/** Many, since an interval for many verdicts looks far out. */
const DRAWS = 4000;
const FIXED = SWEEP.map(({ name }) => name);

/**
 * @param cells those of other methods are passed over
 * @param draws how often seeds and users are drawn again
 */
export function judgeClaim(cells: readonly Cell[], draws = DRAWS): Claim {
  const claimed = CLAIM.map(({ name }) => name);
  // Weights between those of the sweep are judged as rules are: how far above the hull is a fixed weight where the sweep has a hole?
  const finer = [...new Set(cells.map(({ method }) => method).filter(isFiner))].sort();
  const own = cells.filter(({ method }) => claimed.includes(method) || isFiner(method));
  const plane = new PlanePoints(own, draws);
  const { swept } = plane;
  const judged = CLAIM.filter(({ name, row }) => row === 'popo' && !FIXED.includes(name));
  const rules = [...judged.map(({ name }) => name), ...finer]
    .map((name) => ({ name, seeds: swept.filter((seed) => plane.has(name, seed)) }))
    .filter(({ seeds }) => seeds.length > 0);
  const verdicts = rules.length + relatives(plane).length;
  const miss = MISS / Math.max(1, verdicts);
  const users = Math.min(
    ...swept.map((seed) => (plane.cell(START, seed)?.outcomes.length ?? 0) / OUTCOMES.length),
  );
  const isEnough = (seeds: number) => seeds >= SEEDS && users >= USERS;
  const sweepCost = costOf(own, FIXED, swept, FIXED);
  return {
    seeds: [...swept],
    users: swept.length === 0 ? 0 : users,
    tooFew: isEnough(swept.length)
      ? null
      : `A verdict takes at least ${SEEDS} seeds with SFT and all five fixed weights, and ${USERS.toLocaleString('en')} test users of each: here are ${swept.length} seeds` +
        (swept.length === 0 ? '.' : `, with ${users} users.`),
    verdicts,
    draws,
    start: swept.length === 0 ? null : meanOf(plane, START, swept),
    fixed: (swept.length === 0 ? [] : FIXED).map((name) => ({
      method: name,
      ...meanOf(plane, name, swept),
      cost: costOf(own, [name], swept, FIXED),
    })),
    hull: swept.length === 0 ? null : plane.over(swept, (seed, draw) => plane.hull(FIXED, seed, draw)),
    staircase:
      swept.length === 0 ? null : plane.over(swept, (seed, draw) => plane.staircase(FIXED, seed, draw)),
    sweepCost,
    rules: rules.map(({ name, seeds }): ClaimedRule => {
      const overHull = plane.over(seeds, (seed, draw) => plane.above(name, seed, draw), miss);
      return {
        method: name,
        seeds: seeds.length,
        ...meanOf(plane, name, seeds),
        overHull,
        overHullBySeed: seeds.map((seed) => ({ seed, area: plane.above(name, seed, null) })),
        share:
          seeds.reduce(
            (sum, seed) => sum + plane.hull([name], seed, null) / plane.hull(FIXED, seed, null),
            0,
          ) / seeds.length,
        cost: costOf(own, [name], seeds, FIXED),
        verdict: !isEnough(seeds.length)
          ? 'not judged'
          : overHull.low > 0
            ? 'above'
            : overHull.high < 0
              ? 'below'
              : 'not distinguishable',
      };
    }),
    families: familiesOf(own, plane, miss).map((family): ClaimedFamily => {
      const ofSweep =
        family.cost === null || sweepCost === null ? null : family.cost.rollouts / sweepCost.rollouts;
      return {
        ...family,
        ofSweep,
        verdict: isEnough(family.seeds) ? verdictOf(family, ofSweep) : 'not judged',
      };
    }),
    held: heldMethods(own),
    slices: sliceTables(own),
  };
}

function verdictOf({ share }: Family, ofSweep: number | null): ClaimedFamily['verdict'] {
  if (share.high < COVERED || (ofSweep !== null && ofSweep > SPENT)) return 'missed';
  return share.low >= COVERED && ofSweep !== null ? 'reached' : 'not established';
}

function meanOf(plane: PlanePoints, method: string, seeds: readonly number[]) {
  const points: PlaneMean[] = seeds.map((seed) => plane.at(method, seed, null));
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  return { Category_L3_ACC: mean(0), CTCVR: mean(1) };
}

const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
const range = ({ low, high }: Interval, write: (value: number) => string) =>
  `[${write(low)}, ${write(high)}]`;

/** One sentence on a rule. */
export function ruleSentence({ method, overHull, verdict, seeds }: ClaimedRule): string {
  const told = `${areaText(overHull.mean)} ${range(overHull, areaText)}`;
  switch (verdict) {
    case 'above':
      return `${method} is above the hull of five fixed weights: ${told}.`;
    case 'below':
      return `${method} is below the hull of five fixed weights: ${told}.`;
    case 'not distinguishable':
      return `${method} cannot be told apart from the hull of five fixed weights: ${told}.`;
    default:
      return `${method} is not judged on ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}: ${told}.`;
  }
}

/** One sentence on models that are made from the same runs. */
export function familySentence({ name, share, ofSweep, verdict, seeds }: ClaimedFamily): string {
  const told =
    `${percent(share.mean)} ${range(share, percent)} of the hull’s area for ` +
    (ofSweep === null ? 'an unknown share of the compute' : `${percent(ofSweep)} of the sweep’s rollouts`);
  const claim = `at least ${percent(COVERED)} of the hull for at most ${percent(SPENT)} of the compute`;
  switch (verdict) {
    case 'reached':
      return `${name} cover ${claim}: ${told}.`;
    case 'missed':
      return `${name} do not cover ${claim}: ${told}.`;
    case 'not established':
      return `Whether ${name} cover ${claim} is not established: ${told}.`;
    default:
      return `${name} are not judged on ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}: ${told}.`;
  }
}

/** For a terminal. */
export function claimText(claim: Claim): string {
  const { seeds, users, tooFew, verdicts, draws, start, fixed, hull, staircase } = claim;
  const { sweepCost, rules, families, held, slices } = claim;
  const cost = (own: Cost | null) => (own === null ? ['–', '–'] : [times(own.ofOneFixed), costWords(own)]);
  const table = [
    ['', 'seeds', 'L3', 'CTCVR', 'above the hull, ×1000', 'simultaneous', 'of the hull', '× one fixed', 'RL'],
    ...(start === null ? [] : [{ method: 'SFT', ...start, cost: null }, ...fixed]).map(
      ({ method, Category_L3_ACC, CTCVR, cost: own }) => [
        method,
        String(seeds.length),
        Category_L3_ACC.toFixed(4),
        CTCVR.toFixed(4),
        ...['', '', ''],
        ...(own === null ? ['', ''] : cost(own)),
      ],
    ),
    ...rules.map((rule) => [
      rule.method,
      String(rule.seeds),
      rule.Category_L3_ACC.toFixed(4),
      rule.CTCVR.toFixed(4),
      areaText(rule.overHull.mean),
      range(rule.overHull, areaText),
      percent(rule.share),
      ...cost(rule.cost),
    ]),
    ...families.map((family) => [
      family.name,
      String(family.seeds),
      '',
      '',
      '',
      range(family.share, percent),
      percent(family.share.mean),
      ...cost(family.cost),
    ]),
    ['five fixed weights', String(seeds.length), '', '', '', '', percent(1), ...cost(sweepCost)],
  ];
  const bySeed = hullBySeed(rules);
  const adapters = [
    ...new Set([sweepCost, ...rules.map((rule) => rule.cost)].flatMap((own) => own?.adapters ?? [])),
  ];
  return [
    aligned(table),
    '',
    ...(bySeed === null ? [] : [aligned(hullBySeedRows(bySeed)), '']),
    ...rules.map(ruleSentence),
    ...families.map(familySentence),
    ...held.flatMap(heldMethodSentences),
    ...(slices === null ? [] : ['', SLICES_NOTE, ...sliceTexts(slices)]),
    ...(tooFew === null ? [] : [tooFew]),
    '',
    `Seeds ${seeds.join(', ') || 'none'}, ${users} test users of each or more. Area of the hull, ×1000: ${covered(hull)}; of the staircase of single fixed weights: ${covered(staircase)}.`,
    `Intervals are simultaneous: ${verdicts} verdicts share an error of ${MISS} (Bonferroni), seeds and users drawn again ${draws.toLocaleString('en')} times. With few seeds they are rough.`,
    `RL is of one seed on average, on ${adapters.join(', ') || 'an adapter that is not known'}. Seconds are of training alone; a rule that measures gradients does more work with each rollout.`,
  ].join('\n');
}

const SLICES_NOTE =
  'By slice of test users, each with a 95 % interval, not corrected for their number and not judged:';

function covered(area: Interval | null): string {
  return area === null ? 'not known' : (1000 * area.mean).toFixed(2);
}

function times(value: number | null): string {
  return value === null ? '–' : value.toFixed(2);
}
