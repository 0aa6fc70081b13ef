/**
 * The told teacher of a data set that knows why people buy (data/lore.ts). It argues in steps, each from one behaviour to what that calls
 * for, and the last joins them: `saw lark takes cobalt exam newlywed wants charger need cobalt charger`. Half of its arguments are wrong
 * in one place, on purpose: that is what ORFT has to find.
 */
import { type Dataset, type Example, targetItem } from '../data/dataset';
import type { Clause, Lore } from '../data/lore';
import { needsOf } from '../data/needs';
import { fnv1a, Random } from '../numeric/random';
import { type AttributesOptions, type Explanation, needSentence } from './teacher';

/**
 * How it argues, and how often at temperature 1: rightly; from another behaviour; with another property in the first place; in the
 * second; with others in both and all the same to the true need, which does not follow.
 */
const MOODS = [0.5, 0.125, 0.125, 0.125, 0.125];
/** Of a purchase that nothing called for: that it was an impulse; else what would have been called for, by MOODS. */
const IMPULSE_MOODS = [0.6, 0.4];

/** The argument as a chain of thought has it. */
export function chainSentence(clauses: readonly Clause[], label: string): string {
  return [...clauses.map(({ words, says }) => `${words} ${says}`), needSentence({ label })].join(' ');
}

const conclusionOf = (clauses: readonly Clause[]) => clauses.map(({ says }) => says).join(' ');

export class ChainTeacher {
  readonly #dataset: Dataset;
  readonly #lore: Lore;
  readonly #options: Omit<AttributesOptions, 'told'>;
  readonly #seed: number;

  /** @throws Error for a data set that does not know why people buy */
  constructor(dataset: Dataset, options: Omit<AttributesOptions, 'told'>, seed: number) {
    if (dataset.lore === undefined)
      throw new Error(
        `The data set "${dataset.id}" does not know why people buy: no chains can be told of it.`,
      );
    this.#dataset = dataset;
    this.#lore = dataset.lore;
    this.#options = options;
    this.#seed = seed;
  }

  /** The `sampleIndex`-th explanation of an example: a pure function of its arguments, the data set and the seed. */
  explain(example: Example, sampleIndex: number): Explanation {
    const { user, position, sampleId } = example;
    const random = new Random(this.#seed, 'chains', fnv1a(sampleId), sampleIndex);
    const bought = needsOf(this.#dataset)[targetItem(this.#dataset, example)].label;
    const evidence = this.#dataset.oracle?.evidence(user, position) ?? [];
    const impulse = this.#lore.impulse(user, position);
    if (impulse !== null && this.#mood(IMPULSE_MOODS, random) === 0)
      return {
        text: `${impulse} ${needSentence({ label: bought })}`,
        evidence: null,
        truth: { evidence: evidence.length === 0, conclusion: true },
      };
    const { clauses, need } = this.#argue(example, random);
    return {
      text: chainSentence(clauses, need),
      evidence: clauses[0].item,
      truth: {
        evidence: impulse === null && this.#isSound(example, clauses),
        conclusion: need === bought,
      },
    };
  }

  /** Clauses, right or wrong in a place, and the need that they are said to come to. */
  #argue({ user, position }: Example, random: Random): { clauses: Clause[]; need: string } {
    const right = this.#lore.argument(user, position);
    const wrong = (places: readonly number[]) =>
      right.map((clause, place) => (places.includes(place) ? this.#misread(clause, place, random) : clause));
    const mood = this.#mood(MOODS, random);
    if (mood === 0) return { clauses: right, need: conclusionOf(right) };
    if (mood === 4) return { clauses: wrong([0, 1]), need: conclusionOf(right) };
    const rivals = mood === 1 ? this.#lore.rivals(user, position, this.#options.historyLength) : [];
    const clauses =
      rivals.length > 0 ? [random.pick(rivals), ...right.slice(1)] : wrong([mood === 3 ? 1 : 0]);
    return { clauses, need: conclusionOf(clauses) };
  }

  #misread(clause: Clause, place: number, random: Random): Clause {
    const others = this.#lore.properties[place].filter((property) => property !== clause.says);
    return { ...clause, says: random.pick(others) };
  }

  /** Whether every clause is the true one. */
  #isSound({ user, position }: Example, clauses: readonly Clause[]): boolean {
    return this.#lore
      .argument(user, position)
      .every(({ item, says }, place) => clauses[place].item === item && clauses[place].says === says);
  }

  /** An index drawn by the rates to the power of 1 / temperature; at temperature 0 the first of the commonest. */
  #mood(rates: readonly number[], random: Random): number {
    const { temperature } = this.#options;
    if (temperature <= 0) return rates.indexOf(Math.max(...rates));
    return random.categorical(rates.map((rate) => rate ** (1 / temperature)));
  }
}
