/**
 * The `attributes` teacher: it explains a purchase from the catalogue's own words (data/needs.ts) and from what usually
 * follows what (data/transitions.ts), with no network and no language model. *Told* the true next item (RUPR: reasoning backwards from it)
 * it looks for the behaviour that best accounts for it; *untold* (direct distillation, the control) it must guess the
 * item first. It is sampled, and part of the samples argue badly on purpose: that is what ORFT has to find.
 */
import { type Dataset, type Example, targetItem } from '../data/dataset';
import { type Need, needsOf } from '../data/needs';
import { TransitionStatistics } from '../data/transitions';
import { fnv1a, Random } from '../numeric/random';
import type { Cot } from './cot';

/** One argument for one example; `saw carriers as student need strollers`: at most eight words, of the data's own. */
export type Explanation = Pick<Cot, 'text' | 'truth' | 'evidence'>;

export interface AttributesOptions {
  told: boolean;
  /** Behaviours the prompt shows; the teacher cites no others. */
  historyLength: number;
  /** 1 is the mix of MOODS; towards 0 the teacher always gives its best argument. */
  temperature: number;
}

/**
 * How a told teacher argues, and how often at temperature 1: from the best evidence to the true need; from other
 * evidence to the true need; from other evidence to whatever that would suggest.
 */
const MOODS = [0.55, 0.1, 0.35];
/** The same where nothing in the history accounts for the purchase (an impulse): a forced argument is rarely made. */
const MOODS_WITHOUT_SUPPORT = [0.15, 0.05, 0.8];
/** Least log lift of a need over its evidence that counts as support: e^1.25 is 3.5 times as often as usual. */
const SUPPORT = 1.25;
/** Sharpens P(next | evidence) when concluding: the counts spread it over all that happened to come between. */
const CONVICTION = 4;
/** The next behaviour belongs to an earlier thread more rarely the earlier it is. */
const LAG_DECAY = Math.log(0.6);

/** Words that the teacher uses beside those of the data, for the tokenizer's corpus. */
export const TEACHER_WORDS = ['saw', 'as', 'need'] as const;

/**
 * `saw … as … need …`: what was seen, the trait of the user that makes it matter, and what it calls for. Naming the wider
 * category on the way (`intend outings`) was tried: a small model then learns the step less well (LOG.md).
 */
export function sentence(saw: Need, trait: string | null, need: Need): string {
  return `saw ${saw.label}${trait === null ? '' : ` as ${trait}`} ${needSentence(need)}`;
}

/** `need …`: how every CoT ends, and what warm-up ties to items. */
export function needSentence(need: Pick<Need, 'label'>): string {
  return `need ${need.label}`;
}

/** What a CoT comes to: the words behind its last `need`; all of them where there is none. */
export function conclusionIn(cot: string): string {
  const said = cot.trim().split(/\s+/);
  return said.slice(said.lastIndexOf('need') + 1).join(' ');
}

export class AttributesTeacher {
  readonly statistics: TransitionStatistics;

  constructor(
    readonly dataset: Dataset,
    readonly options: AttributesOptions,
    readonly seed: number,
  ) {
    this.statistics = new TransitionStatistics(dataset);
  }

  /**
   * The `sampleIndex`-th explanation of an example: a pure function of its arguments, the data set and the seed.
   * @throws when the example has no behaviour before it: there is nothing to reason from
   */
  explain(example: Example, sampleIndex: number): Explanation & { evidence: number } {
    const { dataset, statistics } = this;
    const { evidence, need } = this.#argue(example, sampleIndex);
    const needs = needsOf(dataset);
    return {
      text: sentence(needs[evidence], statistics.tellingWord(example.user), needs[statistics.example[need]]),
      evidence,
      truth: this.#judge(example, evidence, need),
    };
  }

  /**
   * The item that its first argument for an example comes to: of those that answer to the need it concludes, the one bought most
   * often. Of a teacher that is not told and argues at its best (temperature 0) this is recommending by counting alone.
   * @param bought [items] how often each was bought
   */
  recommend(example: Example, bought: ArrayLike<number>): number {
    const { leafOf } = this.statistics;
    const { need } = this.#argue(example, 0);
    let best = this.statistics.example[need];
    for (let item = 0; item < leafOf.length; item++) {
      if (leafOf[item] === need && bought[item] > bought[best]) best = item;
    }
    return best;
  }

  /** The item cited and the leaf concluded. */
  #argue(example: Example, sampleIndex: number): { evidence: number; need: number } {
    const { dataset, statistics } = this;
    const history = dataset.users[example.user].history;
    const start = Math.max(0, example.position - this.options.historyLength);
    const seen = Array.from(history.subarray(start, example.position)).reverse();
    if (seen.length === 0) {
      throw new Error(`Example ${example.sampleId} has no history: nothing can be cited as evidence for it.`);
    }
    const random = new Random(this.seed, 'teacher', fnv1a(example.sampleId), sampleIndex);
    const profile = statistics.profileWords(example.user);
    const { cited, need } = this.options.told
      ? this.#backwards(seen, statistics.leafOf[targetItem(dataset, example)], profile, random)
      : this.#forwards(seen, profile, random);
    return { evidence: seen[cited], need };
  }

  /** Told: from the target back to what in the history accounts for it. */
  #backwards(seen: number[], target: number, profile: readonly number[], random: Random) {
    const { leafOf } = this.statistics;
    const scores = seen.map((item, lag) => this.#support(leafOf[item], lag, target, profile));
    const best = scores.indexOf(Math.max(...scores));
    const others = seen.flatMap((item, lag) => (leafOf[item] === leafOf[seen[best]] ? [] : [lag]));
    const lift = this.statistics.logLift(leafOf[seen[best]], target, profile);
    const moods = lift < SUPPORT ? MOODS_WITHOUT_SUPPORT : MOODS;
    const mood = random.categorical(this.#tempered(moods.map(Math.log)));
    if (mood === 0 || others.length === 0) return { cited: best, need: target };
    const cited = random.pick(others);
    return { cited, need: mood === 1 ? target : this.#conclude(leafOf[seen[cited]], profile, random) };
  }

  /** Untold: choose evidence by recency, then conclude what usually follows it. */
  #forwards(seen: number[], profile: readonly number[], random: Random) {
    const cited = random.categorical(this.#tempered(seen.map((_, lag) => lag * LAG_DECAY)));
    return { cited, need: this.#conclude(this.statistics.leafOf[seen[cited]], profile, random) };
  }

  /** How well a behaviour `lag` steps before the last accounts for the target. */
  #support(from: number, lag: number, target: number, profile: readonly number[]): number {
    return this.statistics.logLift(from, target, profile) + lag * LAG_DECAY * 0.5;
  }

  /** A leaf that follows `from` for this profile, sampled; the most frequent leaves where nothing ever followed it. */
  #conclude(from: number, profile: readonly number[], random: Random): number {
    const { statistics } = this;
    const known = statistics.successors(from);
    const candidates =
      known.length > 0 ? known : Array.from({ length: statistics.leaves }, (_, leaf) => leaf);
    const scores = candidates.map((leaf) => CONVICTION * statistics.logTransition(from, leaf, profile));
    return candidates[random.categorical(this.#tempered(scores))];
  }

  /** softmax(scores / temperature), unnormalised; temperature 0 leaves only the first of the best. */
  #tempered(scores: number[]): number[] {
    const best = Math.max(...scores);
    const { temperature } = this.options;
    if (temperature <= 0) return scores.map((_, index) => (index === scores.indexOf(best) ? 1 : 0));
    return scores.map((score) => Math.exp((score - best) / temperature));
  }

  #judge(example: Example, evidence: number, need: number): Explanation['truth'] {
    const { oracle } = this.dataset;
    if (!oracle) return null;
    return {
      evidence: oracle.evidence(example.user, example.position).includes(evidence),
      conclusion: need === this.statistics.leafOf[targetItem(this.dataset, example)],
    };
  }
}
