/**
 * The kinds of value that a field of the config may hold. A kind says in one place what is accepted, how that is told to a
 * person, how text from a link or from `--set` is read, and with what a form shows it.
 */
import * as v from 'valibot';

export type LeafValue = string | number | boolean | number[] | string[];

/** With what a form shows a value; `own` kinds have a control made for them. */
export type Control =
  | { type: 'number'; low: number; high: number; whole: boolean }
  | { type: 'choice'; options: readonly string[] }
  | { type: 'check' }
  | { type: 'wordOrNumber'; words: readonly string[]; number: NumberBeside }
  | { type: 'own' };

/** The number that a field takes in the place of a word. */
interface NumberBeside {
  low: number;
  high: number;
  /** With its article, for messages. */
  name: string;
  label: string;
  hint: string;
  /** Where a person begins who wants one. */
  start: number;
}

export interface Kind<T extends LeafValue> {
  readonly schema: v.GenericSchema<unknown, T>;
  /** What is accepted, as the end of "must be …". */
  readonly range: string;
  readonly control: Control;
  /** The value that a text stands for, its range unchecked; null when it is not even of the right type. */
  read(text: string): LeafValue | null;
  /** What `read` takes, as the end of "must be …". */
  readonly reads: string;
}

/** Decimal numbers as String(number) writes them, and what a person types: no hex, no spaces, no empty text. */
const DECIMAL = /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i;

function readNumber(text: string): number | null {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : null;
}

const readText = (text: string) => text;

function numberKind(range: string, control: Extract<Control, { type: 'number' }>): Kind<number> {
  const { low, high, whole: isWhole } = control;
  const accepts = (value: number) =>
    value >= low && value <= high && !Object.is(value, -0) && (!isWhole || Number.isInteger(value));
  const schema = v.pipe(v.number(`must be ${range}`), v.check(accepts, `must be ${range}`));
  return { schema, range, control, read: readNumber, reads: 'a number' };
}

/** An integer from `low` to `high`, both included. */
export function whole(low: number, high: number): Kind<number> {
  return numberKind(`a whole number from ${low} to ${high}`, { type: 'number', low, high, whole: true });
}

/** A finite number from `low` to `high`, both included. */
export function real(low: number, high: number): Kind<number> {
  return numberKind(`a number from ${low} to ${high}`, { type: 'number', low, high, whole: false });
}

/** Nothing but these numbers: of a field that other versions of the app may let vary. */
export function exactly<const N extends number>(values: readonly N[], range: string): Kind<N> {
  const schema = v.picklist(values, `must be ${range}`);
  return { schema, range, control: { type: 'own' }, read: readNumber, reads: 'a number' };
}

export function oneOf<const T extends string>(options: readonly T[]): Kind<T> {
  const range = `one of ${options.join(', ')}`;
  const control: Control = { type: 'choice', options };
  return { schema: v.picklist(options, `must be ${range}`), range, control, read: readText, reads: 'a text' };
}

export const truth: Kind<boolean> = {
  schema: v.boolean('must be true or false'),
  range: 'true or false',
  control: { type: 'check' },
  read: (text) => (text === 'true' ? true : text === 'false' ? false : null),
  reads: 'true or false',
};

/** A text that matches a pattern. */
export function textOf(pattern: RegExp, range: string, type = range): Kind<string> {
  const schema = v.pipe(v.string(`must be ${type}`), v.regex(pattern, `must be ${range}`));
  return { schema, range, control: { type: 'own' }, read: readText, reads: 'a text' };
}

/** A SHA-256 that may be left out. */
export const hash = textOf(/^(?:[0-9a-f]{64})?$/, 'a SHA-256 in hex, or empty');

/**
 * A text that may be left out.
 * @param problemOf what is wrong with one, as the end of a sentence; null when nothing is
 */
export function checkedText(problemOf: (text: string) => string | null, range: string): Kind<string> {
  const schema = v.pipe(
    v.string('must be a text'),
    v.rawCheck(({ dataset, addIssue }) => {
      const problem = dataset.typed && dataset.value !== '' ? problemOf(dataset.value) : null;
      if (problem !== null) addIssue({ message: problem });
    }),
  );
  return { schema, range, control: { type: 'own' }, read: readText, reads: 'a text' };
}

/** At least one of the options, each at most once, in any order. */
export function someOf<const T extends string>(options: readonly T[], one: string): Kind<T[]> {
  const range = `a list of ${options.join(', ')}`;
  const schema = v.pipe(
    v.array(oneOf(options).schema, `must be ${range}`),
    v.minLength(1, `must name at least one ${one}`),
    v.check((names) => new Set(names).size === names.length, `must name each ${one} once`),
  );
  return { schema, range, control: { type: 'own' }, read: (text) => text.split(','), reads: 'a list' };
}

/** Numbers from `low` to `high`; how many there are is for a rule across fields to say. */
export function realsOf(low: number, high: number, plural: string): Kind<number[]> {
  const schema = v.array(real(low, high).schema, `must be a list of ${plural}`);
  return {
    schema,
    range: `a list of ${plural}, each ${real(low, high).range}`,
    control: { type: 'own' },
    read(text) {
      const values = text.split(',').map(readNumber);
      return values.every((value) => value !== null) ? values : null;
    },
    reads: 'numbers with commas between them',
  };
}

/** One of some words, or a number. */
export function wordOr<const T extends string>(words: readonly T[], number: NumberBeside): Kind<T | number> {
  const range = `${words.join(', ')}, or ${number.name} from ${number.low} to ${number.high}`;
  return {
    schema: v.union([oneOf(words).schema, real(number.low, number.high).schema], `must be ${range}`),
    range,
    control: { type: 'wordOrNumber', words, number },
    read: (text) => (DECIMAL.test(text) ? readNumber(text) : text),
    reads: range,
  };
}
