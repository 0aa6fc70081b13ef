/**
 * What each column of a table is: guessed by its name, checked by its first cells. This is the only place where columns
 * are guessed.
 */
import {
  distinct,
  emptyShare,
  givenCells,
  type Head,
  isClock,
  isEvents,
  isFlag,
  isNumeric,
  isWholeNumbers,
  seenTimes,
  varying,
} from './contents';
import * as names from './names';
import { ROLES, type Role } from './role';

export { ROLES, type Role } from './role';

export interface Guess {
  role: Role;
  /**
   * Indices. Two for a time are a date and a time of day, several categories are levels, widest first. None: a column
   * looks like it by its name and is not read, for the reason that `why` gives.
   */
  columns: number[];
  sure: boolean;
  /** In words: why, and what else it could be. */
  why: string;
}

export type TableKind = 'interactions' | 'items' | 'users' | 'other';

/** A name's letters and digits in lower case. */
export function columnKey(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
}

/**
 * The roles that are found, and those whose column by name turns out to be none (without columns). A column has one role.
 * @param types RecBole's, by column; null where there is none
 * @param head the first rows
 */
export function guessRoles(
  columns: readonly string[],
  types: readonly (string | null)[],
  head: Head,
  kind: 'interactions' | 'items',
): Guess[] {
  return new Guesser({ columns, types, head }).guess(kind);
}

/**
 * A log has users and items; a table of items has a key and titles or categories, and no user; a table of users has a
 * user and no item.
 */
export function tableKind(
  columns: readonly string[],
  types: readonly (string | null)[],
  head: Head,
): TableKind {
  return new Guesser({ columns, types, head }).kind();
}

/** Behind a name: `time [ms]`, `rating (1-5)`. */
const UNIT = /\s*(?:\([^)]*\)|\[[^\]]*\])\s*$/;

interface Given {
  columns: readonly string[];
  types: readonly (string | null)[];
  head: Head;
}

interface Candidate {
  column: number;
  /** Lower is better. */
  rank: number;
  /** Whether the name is one of the common ones. */
  isCommon: boolean;
}

class Guesser {
  readonly #columns: readonly string[];
  readonly #types: readonly (string | null)[];
  readonly #head: Head;
  readonly #keys: readonly string[];
  readonly #taken = new Set<number>();
  readonly #guesses: Guess[] = [];

  constructor({ columns, types, head }: Given) {
    this.#columns = columns;
    this.#types = types;
    this.#head = head;
    this.#keys = columns.map((name) => columnKey(name.replace(UNIT, '')) || columnKey(name));
  }

  kind(): TableKind {
    if (this.#isNameless()) return this.#namelessKind();
    const strong = this.#candidates(names.USERS);
    const weak = [...this.#candidates(names.WEAK_USERS), ...this.#candidates(names.SESSIONS)];
    const items = this.#itemCandidates().filter(({ column }) => !weak.some((user) => user.column === column));
    const item = items[0]?.column ?? -1;
    const isDescribed = this.#titleColumns(item).length > 0 || this.#categoryColumns().length > 0;
    const isKey = item >= 0 && this.#isUnique(item);
    const hasActs = this.#timeColumns().length > 0 || this.#has(names.RATINGS) || this.#has(names.EVENTS);
    if (item >= 0 && isDescribed && strong.length === 0 && (isKey || !hasActs || weak.length === 0)) {
      const isLog = !isKey && weak.length > 0;
      return isLog ? 'interactions' : 'items';
    }
    if (strong.length > 0) {
      if (item >= 0) return 'interactions';
      return hasActs && this.#evident('item') >= 0 ? 'interactions' : 'users';
    }
    if (weak.length > 0 && item >= 0) return 'interactions';
    return weak.length > 0 && item < 0 && isDescribed === false && !hasActs ? 'users' : 'other';
  }

  guess(kind: 'interactions' | 'items'): Guess[] {
    if (this.#isNameless()) return this.#guessNameless();
    if (kind === 'interactions') {
      this.#guessUser();
      this.#guessItem(kind);
      this.#guessEvidentUser();
      this.#guessTime();
      this.#guessEvent();
      this.#guessFlag('conversion', names.CONVERSIONS);
      this.#guessNumber('rating', names.RATINGS);
      this.#guessNumber('quantity', names.QUANTITIES);
    } else {
      this.#guessItem(kind);
    }
    this.#guessTitle();
    this.#guessCategories();
    return [...this.#guesses].sort((a, b) => ROLES.indexOf(a.role) - ROLES.indexOf(b.role));
  }

  #name(column: number): string {
    return `“${this.#columns[column]}”`;
  }

  #put(role: Role, columns: number[], sure: boolean, why: string): void {
    for (const column of columns) this.#taken.add(column);
    this.#guesses.push({ role, columns, sure, why });
  }

  #columnOf(role: Role): number {
    return this.#guesses.find((guess) => guess.role === role)?.columns[0] ?? -1;
  }

  #has(known: readonly string[]): boolean {
    return this.#keys.some((key) => known.includes(key));
  }

  /** Whether the table has no header: its columns are called #1, #2, … */
  #isNameless(): boolean {
    return this.#columns.length > 1 && this.#columns.every((name) => /^#\d+$/.test(name));
  }

  #isUnique(column: number): boolean {
    const cells = givenCells(this.#head, column);
    return distinct(cells) === cells.length;
  }

  /** Columns whose name is a noun of the list, alone or as an id, best first; taken ones and empty ones are left out. */
  #candidates(nouns: readonly string[]): Candidate[] {
    const found: Candidate[] = [];
    this.#keys.forEach((key, column) => {
      const rank = nounRank(key, nouns);
      if (rank === null || this.#taken.has(column)) return;
      if (emptyShare(this.#head, column) > 0.9) return;
      found.push({ column, rank, isCommon: rank < COMMON && nouns !== names.WEAK_ITEMS });
    });
    return found.sort((a, b) => a.rank - b.rank || a.column - b.column);
  }

  #itemCandidates(): Candidate[] {
    const strong = this.#candidates(names.ITEMS);
    const found = strong.length > 0 ? strong : this.#candidates(names.WEAK_ITEMS);
    return found.filter(({ column }) => this.#types[column] !== 'float');
  }

  #guessUser(): void {
    const users = this.#candidates(names.USERS);
    const weak = this.#candidates(names.WEAK_USERS);
    const sessions = this.#candidates(names.SESSIONS);
    const best = users[0] ?? weak[0] ?? sessions[0];
    if (!best) return;
    const others = [...users, ...sessions].filter(({ column }) => column !== best.column);
    const isSession = users.length === 0 && weak.length === 0;
    const also = others.length === 0 ? '' : ` ${this.#list(others)} could be it too.`;
    const what = isSession
      ? `No column names users: each ${this.#name(best.column)} is taken for one.`
      : `Its name says so.`;
    const isOnly = others.length === 0 && isIdName(this.#columns[best.column]);
    this.#put('user', [best.column], !isSession && (best.isCommon || isOnly), what + also);
  }

  #list(candidates: readonly Candidate[]): string {
    return candidates
      .slice(0, 3)
      .map(({ column }) => this.#name(column))
      .join(', ');
  }

  #guessItem(kind: 'interactions' | 'items'): void {
    const [best, ...others] = this.#itemCandidates();
    if (!best) {
      const column = this.#evident('item');
      if (column >= 0 && (kind === 'items' || this.#columnOf('user') >= 0)) this.#putEvident('item', column);
      return;
    }
    const rivals = others.filter(({ rank }) => rank < FORM);
    const also = rivals.length === 0 ? '' : ` ${this.#list(rivals)} could be it too.`;
    const isCode = best.rank < FORM || this.#keys[best.column].endsWith('code');
    const isSure = best.isCommon || (isCode && rivals.length === 0);
    this.#put('item', [best.column], isSure, `Its name says so.${also}`);
  }

  /** Where an item is known and a user is not, another id may be the user's. */
  #guessEvidentUser(): void {
    if (this.#columnOf('user') >= 0 || this.#columnOf('item') < 0) return;
    const column = this.#evident('user');
    if (column >= 0) this.#putEvident('user', column);
  }

  #putEvident(role: 'user' | 'item', column: number): void {
    const values = distinct(givenCells(this.#head, column));
    this.#put(
      role,
      [column],
      false,
      `No name is known for it. ${this.#name(column)} looks like an id and has ${values} distinct values in ${this.#head.length} rows.`,
    );
  }

  /**
   * The column that must be an id of something, by the end of its name and the number of its values: more than one, and
   * not one per row, which would be the row's own. Of several the one with the most. -1: none.
   */
  #evident(role: 'user' | 'item'): number {
    let [best, most] = [-1, 1];
    this.#columns.forEach((name, column) => {
      if (this.#taken.has(column) || !isIdName(name) || names.NO_TIMES.test(name)) return;
      if (role === 'item' && nounRank(this.#keys[column], [...names.USERS, ...names.SESSIONS]) !== null)
        return;
      const cells = givenCells(this.#head, column);
      const values = distinct(cells);
      const isRowNumber = values === cells.length && cells.length > 3;
      if (isRowNumber || values <= most) return;
      [best, most] = [column, values];
    });
    return best;
  }

  /** Columns with a time's name that hold times, best first: those with a time of day before dates alone. */
  #timeColumns(): { column: number; isFine: boolean; isRank: boolean; rank: number }[] {
    const found = this.#keys.flatMap((key, column) => {
      const rank = this.#timeRank(key, column);
      if (rank === null || this.#taken.has(column)) return [];
      const seen = seenTimes(this.#head, [column]);
      if (this.#head.length > 0 && (!seen || seen.share < 0.5)) return [];
      return [{ column, rank, isFine: seen?.isFine ?? true, isRank: seen?.isRank ?? false }];
    });
    const weight = (one: { isFine: boolean; isRank: boolean }) => (one.isRank ? 2 : one.isFine ? 0 : 1);
    return found.sort((a, b) => weight(a) - weight(b) || a.rank - b.rank);
  }

  #timeRank(key: string, column: number): number | null {
    const known = names.TIMES.indexOf(key);
    if (known >= 0) return known;
    const name = this.#columns[column];
    if (names.NO_TIMES.test(name)) return null;
    return names.TIME_ENDS.test(name) || /^(?:date|time)[_ ]/i.test(name) ? 1000 : null;
  }

  #guessTime(): void {
    const found = this.#timeColumns();
    const [best] = found;
    const date = found.find(({ isFine, isRank }) => !isFine && !isRank);
    if (date && (!best.isFine || best.column === date.column) && this.#guessDateAndClock(date.column)) return;
    if (!best) {
      this.#refuseTime();
      return;
    }
    const others = found.slice(1).map(({ column }) => this.#name(column));
    const { words, isAmbiguous } = seenTimes(this.#head, [best.column])?.read ?? {
      words: 'no rows yet',
      isAmbiguous: false,
    };
    const also = others.length === 0 ? '' : ` ${others.slice(0, 3).join(', ')} could be it too.`;
    // Whether the day or the month comes first is no doubt about the column, and all of its rows decide it.
    const cells = isAmbiguous ? 'dates' : words;
    const isSure = best.rank < 1000 && (!best.isRank || best.rank <= SUREST_TIME);
    this.#put('time', [best.column], isSure, `Its name says so, and its cells are ${cells}.${also}`);
  }

  #guessDateAndClock(date: number): boolean {
    const clock = this.#keys.findIndex(
      (key, column) =>
        column !== date &&
        !this.#taken.has(column) &&
        names.CLOCKS.includes(key) &&
        isClock(this.#head, column),
    );
    if (clock < 0) return false;
    const seen = seenTimes(this.#head, [date, clock]);
    if (!seen || seen.share < 0.5) return false;
    const why = `${this.#name(date)} holds dates and ${this.#name(clock)} times of day: both together are the time.`;
    this.#put('time', [date, clock], true, why);
    return true;
  }

  #refuseTime(): void {
    const column = this.#keys.findIndex((key, at) => names.TIMES.includes(key) && !this.#taken.has(at));
    if (column < 0 || this.#head.length === 0) return;
    const cell = givenCells(this.#head, column)[0];
    const why =
      cell === undefined
        ? `${this.#name(column)} is empty in the first rows.`
        : `${this.#name(column)} has a time’s name, but its cells are no times (“${cell.slice(0, 30)}”).`;
    this.#guesses.push({ role: 'time', columns: [], sure: false, why });
  }

  #guessEvent(): void {
    const column = this.#find(names.EVENTS, (at) => isEvents(this.#head, at));
    if (column >= 0) {
      this.#put(
        'event',
        [column],
        this.#keys[column] !== 'type',
        'Its name says so, and its values are events.',
      );
      return;
    }
    const click = this.#find(names.CLICK_FLAGS, (at) => isFlag(this.#head, at));
    if (click < 0) return;
    this.#put(
      'event',
      [click],
      true,
      `Its name says so: a row without ${this.#name(click)} is an impression, no behaviour.`,
    );
  }

  #find(known: readonly string[], holds: (column: number) => boolean): number {
    for (const name of known) {
      const column = this.#keys.findIndex((key, at) => key === name && !this.#taken.has(at) && holds(at));
      if (column >= 0) return column;
    }
    return -1;
  }

  #guessFlag(role: 'conversion', known: readonly string[]): void {
    const column = this.#find(known, (at) => this.#head.length === 0 || isFlag(this.#head, at));
    if (column >= 0) {
      this.#put(role, [column], true, 'Its name says so, and its cells are yes or no.');
      return;
    }
    const refused = this.#find(known, (at) => givenCells(this.#head, at).length > 0);
    if (refused < 0) return;
    const cell = givenCells(this.#head, refused)[0];
    const why = `${this.#name(refused)} has a conversion’s name, but its cells are no yes and no (“${cell.slice(0, 30)}”).`;
    this.#guesses.push({ role, columns: [], sure: false, why });
  }

  #guessNumber(role: 'rating' | 'quantity', known: readonly string[]): void {
    const column = this.#find(known, (at) => this.#head.length === 0 || isNumeric(this.#head, at));
    if (column >= 0) {
      const isLoose = ['amount', 'count', 'note', 'label'].includes(this.#keys[column]);
      this.#put(role, [column], !isLoose, 'Its name says so, and its cells are numbers.');
      return;
    }
    const refused = this.#find(known, (at) => givenCells(this.#head, at).length > 0);
    if (refused < 0) return;
    const cell = givenCells(this.#head, refused)[0];
    const why = `${this.#name(refused)} has a ${role}’s name, but its cells are no numbers (“${cell.slice(0, 30)}”).`;
    this.#guesses.push({ role, columns: [], sure: false, why });
  }

  /** Columns with a title's name, best first: the item's own noun before names alone. */
  #titleColumns(item: number): number[] {
    const noun = item < 0 ? '' : nounOf(this.#keys[item], names.ITEMS);
    const ranks = this.#keys.map((key, column) => {
      if (this.#taken.has(column) || column === item || this.#types[column] === 'float') return -1;
      if (noun !== '' && [`${noun}title`, `${noun}name`, `${noun}desc`].includes(key)) return 0;
      const known = names.TITLES.indexOf(key);
      if (known >= 0) return 1 + known;
      if (noun !== '' && key === noun) return 100;
      const match = /^(.+?)(?:title|name)$/.exec(key);
      return match && names.ITEMS.includes(match[1]) ? 200 + names.ITEMS.indexOf(match[1]) : -1;
    });
    return ranks
      .map((rank, column) => ({ rank, column }))
      .filter(({ rank, column }) => rank >= 0 && emptyShare(this.#head, column) < 1)
      .sort((a, b) => a.rank - b.rank)
      .map(({ column }) => column);
  }

  #guessTitle(): void {
    const reasons: string[] = [];
    for (const column of this.#titleColumns(this.#columnOf('item'))) {
      const reason = this.#noTitle(column);
      if (reason === null) {
        const before = reasons.length === 0 ? '' : ` ${reasons.join(' ')}`;
        this.#put('title', [column], true, `Its name says so.${before}`);
        return;
      }
      reasons.push(reason);
    }
    if (reasons.length > 0) {
      this.#guesses.push({ role: 'title', columns: [], sure: false, why: reasons.join(' ') });
    }
  }

  /** Why a column of a log is no title of its items, or of an items table is none; null where it may be one. */
  #noTitle(column: number): string | null {
    const [item, user] = [this.#columnOf('item'), this.#columnOf('user')];
    if (item < 0) return null;
    const name = this.#name(column);
    if (user >= 0 && this.#isHeadline(column)) {
      return `${name} stands beside a review’s text: it is the review’s headline, no item’s title, and is not read.`;
    }
    if (isWholeNumbers(this.#head, column)) return `${name} holds numbers only and is not read as a title.`;
    const seen = varying(this.#head, { text: column, item, user });
    const isLoose = user >= 0 && seen.withinItems !== null && seen.withinItems > 0.5;
    if (seen.isOfUser && (seen.withinItems === null || seen.withinItems > 0)) {
      return `${name} goes with the user and not with the item: it is a person’s, no item’s title, and is not read.`;
    }
    if (isLoose) return `${name} differs from row to row of one item: it is no title and is not read.`;
    if (seen.items >= 5 && seen.texts < 0.1 * seen.items) {
      return `${name} says the same of many items (${seen.texts} texts, ${seen.items} items): it is no title and is not read.`;
    }
    return null;
  }

  #isHeadline(column: number): boolean {
    const key = this.#keys[column];
    if (!['title', 'headline', 'description', 'caption'].includes(key)) return false;
    return this.#keys.filter((other) => other !== key && names.REVIEW_TEXTS.includes(other)).length >= 2;
  }

  /** Columns of categories: levels of their own, widest first, or one with a path. */
  #categoryColumns(): number[] {
    const usable = (column: number) =>
      !this.#taken.has(column) &&
      this.#refusedCategory(column) === null &&
      emptyShare(this.#head, column) < 1;
    const levels = names.LEVELS.map((known) => {
      const found = known
        .map((name) => this.#keys.indexOf(name))
        .find((column) => column >= 0 && usable(column));
      return found ?? -1;
    });
    const single = names.CATEGORIES.flatMap((name) => {
      const column = this.#keys.indexOf(name);
      return column >= 0 && usable(column) && emptyShare(this.#head, column) < 0.5 ? [column] : [];
    });
    const given = [...new Set(levels)].filter((column) => column >= 0);
    const path = single.find((column) => PATHS.includes(this.#keys[column]));
    const numbered = given.filter((column) => /\d/.test(this.#keys[column]));
    if (path !== undefined && numbered.length < 2) return [path];
    if (levels[0] < 0 && given.length > 0) {
      const top = single.find((column) => TOPS.includes(this.#keys[column]));
      if (top !== undefined && !given.includes(top)) given.unshift(top);
    }
    // Department, category, subcategory: the plain name stands right above what is said to be a part of it.
    const part = given.findIndex((column) => SUBCATEGORIES.includes(this.#keys[column]));
    const whole = single.find((column) => TOPS.includes(this.#keys[column]) && !given.includes(column));
    if (part > 0 && whole !== undefined) given.splice(part, 0, whole);
    if (given.length >= 2) return given;
    return single.length > 0 ? [single[0]] : given;
  }

  /** Why a column with a category's name is none; null where it may be one. */
  #refusedCategory(column: number): string | null {
    if (isIdName(this.#columns[column]) && isWholeNumbers(this.#head, column)) {
      return `${this.#name(column)} holds numbers, which are no words for a category, and is not read.`;
    }
    const [item, user] = [this.#columnOf('item'), this.#columnOf('user')];
    if (item < 0 || user < 0) return null;
    const { withinItems } = varying(this.#head, { text: column, item, user });
    if (withinItems === null || withinItems <= 0.5) return null;
    return `${this.#name(column)} differs from row to row of one item: it is no category and is not read.`;
  }

  #guessCategories(): void {
    const columns = this.#categoryColumns();
    if (columns.length > 0) {
      const isNumbers = columns.every((column) => isWholeNumbers(this.#head, column));
      const why =
        columns.length > 1 ? 'Their names say so: a level each, widest first.' : 'Its name says so.';
      const doubt = isNumbers ? ' Its cells are numbers, which say little to a language model.' : '';
      this.#put('categories', columns, !isNumbers, why + doubt);
      return;
    }
    const reasons = [...names.CATEGORIES, ...names.LEVELS.flat()].flatMap((name) => {
      const column = this.#keys.indexOf(name);
      if (column < 0 || this.#taken.has(column)) return [];
      return this.#refusedCategory(column) ?? [];
    });
    const why = [...new Set(reasons)].join(' ');
    if (why !== '') this.#guesses.push({ role: 'categories', columns: [], sure: false, why });
  }

  #namelessKind(): TableKind {
    const roles = new Set(
      this.#guessNameless()
        .filter(({ columns }) => columns.length > 0)
        .map(({ role }) => role),
    );
    return roles.has('user') && roles.has('item') && (roles.has('time') || roles.has('rating'))
      ? 'interactions'
      : 'other';
  }

  /** Without a header the cells are all there is: user and item come first, as in most logs. */
  #guessNameless(): Guess[] {
    const all = this.#columns.map((_, column) => column);
    const why = (what: string) => `The file has no header; the cells ${what}.`;
    const time = all.slice(2).find((column) => this.#isEvidentTime(column));
    if (time !== undefined) this.#put('time', [time], false, why('are times'));
    const free = () => all.slice(2).filter((column) => !this.#taken.has(column));
    const event = free().find((column) => isEvents(this.#head, column) && !isNumeric(this.#head, column));
    if (event !== undefined) this.#put('event', [event], false, why('name events'));
    const rating = free().find((column) => this.#isEvidentRating(column));
    if (rating !== undefined) this.#put('rating', [rating], false, why('are few numbers'));
    this.#put('user', [0], false, 'The file has no header; the first column is taken for the user.');
    this.#put('item', [1], false, 'The file has no header; the second column is taken for the item.');
    return [...this.#guesses].sort((a, b) => ROLES.indexOf(a.role) - ROLES.indexOf(b.role));
  }

  #isEvidentTime(column: number): boolean {
    const seen = seenTimes(this.#head, [column]);
    return seen !== null && seen.share > 0.9 && !seen.isRank;
  }

  #isEvidentRating(column: number): boolean {
    const cells = givenCells(this.#head, column);
    return (
      isNumeric(this.#head, column) && distinct(cells) <= 21 && cells.every((cell) => Number(cell) <= 100)
    );
  }
}

/** Ranks below are of common names. */
const COMMON = 12;
/** Ranks from here on are of looser forms: a code, a name. */
const FORM = 1000;
/** Up to here in the list of times, a name is believed even where the numbers are ranks. */
const SUREST_TIME = names.TIMES.indexOf('time');
const PATHS = [
  'categorypath',
  'categorytree',
  'productcategorytree',
  'breadcrumb',
  'breadcrumbs',
  'categories',
  'genres',
];
const TOPS = ['category', 'categoryname', 'itemcategory'];
/** Names of a level that is a part of the one above it. */
const SUBCATEGORIES = ['subcategory', 'subcategoryname'];

function isIdName(name: string): boolean {
  return (
    /(?:id|_?ids|uuid|guid|code|key|[_ ]no|[_ ]nr|[a-z]No|Nr|hash|number|nummer|编号|idx|index|token)$/.test(
      name,
    ) || /(?:^id_|id$)/i.test(name)
  );
}

/** Words before a noun that change nothing. */
const BEFORE =
  /^(?:the|my|anon|anonymous|anonymized|hashed|masked|encrypted|raw|new|orig|original|internal|external|unique|fk|dim|encoded)/;

/** How good a name is as one of these nouns; null where it is none. */
function nounRank(key: string, nouns: readonly string[]): number | null {
  for (const bare of [key, key.replace(BEFORE, '')]) {
    const rank = bareRank(bare, nouns);
    if (rank !== null) return rank;
  }
  return null;
}

function bareRank(key: string, nouns: readonly string[]): number | null {
  const alone = nouns.indexOf(key);
  if (alone >= 0) return alone + 0.5;
  const idFirst = key.startsWith('id') ? nouns.indexOf(key.slice(2)) : -1;
  if (idFirst >= 0) return idFirst;
  for (const form of names.ID_FORMS) {
    if (!key.endsWith(form)) continue;
    const index = nouns.indexOf(key.slice(0, -form.length));
    if (index >= 0) return names.LOOSE_ID_FORMS.includes(form) ? FORM + index : index;
  }
  return null;
}

/** The noun of an id's name: `movie` of movieId. */
function nounOf(key: string, nouns: readonly string[]): string {
  const rank = nounRank(key, nouns);
  return rank === null ? '' : nouns[Math.floor(rank % FORM)];
}
