/** Reads the rows of a layout: interactions into a log, items and users into what is known of them. */
import { fnv1a, threefry, toUnit } from '../numeric/random';
import type { ImportedTables } from './assemble';
import { IdColumn } from './columns/ids';
import { TimeColumn } from './columns/times';
import { type ConversionRule, conversionRuleOf, type RuleReader, undoReturns } from './conversionRule';
import { countDropped, type Dropped, rowAndCell } from './files/reading';
import type { Problems } from './files/sources';
import { InteractionLog } from './interactions';
import { ItemTexts } from './itemTexts';
import type { FilesLayout, LogPart, ProfilesPart } from './layouts/layout';
import type { Mapping } from './mapping';
import { orderInTime, withoutCopies } from './timeOrder';
import { counted, verb } from './words';

export interface ReadOptions {
  mapping: Mapping;
  problems: Problems;
  /** More than these are not held: users are sampled. */
  maxInteractions: number;
}

/** What was read, and what a preview tells of it. */
export interface ReadTables {
  tables: ImportedTables;
  /** Records of the log, without its header. */
  rows: number;
  copies: number;
  /** Rows of users who are not in the sample, and the sentence that says so; null where all users are read. */
  sampling: { rows: number; words: string } | null;
  /** Records that are no interaction, by the reason: together with the interactions they are all rows. */
  notUsed: readonly { reason: string; rows: number; example: string }[];
  rule: ConversionRule;
  time: ReturnType<TimeColumn['finish']> | null;
}

/** Longer ids are no ids. */
const MAX_ID = 128;
const SEED = 0x5a31;

/** @throws ImportError what reading throws */
export async function readLayout(
  layout: FilesLayout,
  { mapping, problems, maxInteractions }: ReadOptions,
  onProgress: (fraction: number) => void,
): Promise<ReadTables> {
  const { log: part, items, profiles } = layout;
  const texts = new ItemTexts(layout, problems);
  if (items !== null) await texts.readItems((fraction) => onProgress(fraction * 0.2));
  const people = profiles === null ? new Map<string, string>() : await readProfiles(profiles);
  const reader = new LogReader(part, { mapping, problems, maxInteractions }, texts);
  await part.table.rows(
    (cells, row) => reader.take(cells, row),
    (fraction) => onProgress(0.2 + fraction * 0.8),
  );
  const { log, rule, time, copies } = reader.finish();
  texts.finish(log);
  const { hasTimes, sampling } = reader;
  const notes = [
    ...layout.notes,
    ...(sampling === null ? [] : [sampling.words]),
    ...(hasTimes ? [] : ['The file has no times: the order of its rows is taken for the order in time.']),
    ...texts.notes(),
  ];
  return {
    tables: {
      id: layout.id,
      log,
      order: orderInTime(log),
      hasTimes,
      describe: (id) => texts.describe(id),
      profile: (id) => people.get(id) ?? '',
      interaction: layout.interaction,
      converts: rule.converts,
      conversion: rule.words,
      mainReason: reader.mainReason(),
      notes,
    },
    rows: reader.rows,
    copies,
    sampling,
    notUsed: reader.notUsed(),
    rule,
    time,
  };
}

async function readProfiles({ table, key, profile }: ProfilesPart): Promise<Map<string, string>> {
  const profiles = new Map<string, string>();
  const ids = new IdColumn('user');
  await table.rows((cells) => {
    const id = ids.clean(cells[key]);
    if (id !== null) profiles.set(id, profile(cells));
  });
  return profiles;
}

/** Takes the rows of a log one by one, and decides at their end what depends on all of them. */
class LogReader {
  readonly log = new InteractionLog();
  readonly hasTimes: boolean;
  /** Records seen. */
  rows = 0;
  readonly #part: LogPart;
  readonly #options: ReadOptions;
  readonly #texts: ItemTexts;
  readonly #users = new IdColumn('user');
  readonly #items = new IdColumn('item');
  readonly #times: TimeColumn;
  readonly #rule: RuleReader;
  /** Of users, the share that are kept. */
  #share = 1;
  #notSampled = 0;
  /** Rows dropped, by reason. */
  readonly #dropped = new Map<string, Dropped>();

  constructor(part: LogPart, options: ReadOptions, texts: ItemTexts) {
    this.#part = part;
    this.#options = options;
    this.#texts = texts;
    this.hasTimes = (part.roles.time?.length ?? 0) > 0;
    this.#times = new TimeColumn(options.mapping.dates);
    this.#rule = conversionRuleOf(part, options.mapping);
  }

  take(cells: readonly string[], row: number): void {
    this.rows++;
    const { roles } = this.#part;
    const [userCell, itemCell] = [cells[roles.user![0]], cells[roles.item![0]]];
    const user = this.#users.clean(userCell);
    const item = this.#items.clean(itemCell);
    if (user === null || item === null) {
      this.#drop(row, user === null ? 'no user' : 'no item', user === null ? userCell : itemCell);
    } else if (user.length > MAX_ID || item.length > MAX_ID) {
      this.#drop(row, `an id longer than ${MAX_ID} characters`, user.length > MAX_ID ? user : item);
    } else if (this.#share < 1 && !this.#isSampled(user)) {
      this.#notSampled++;
    } else {
      const value = this.#rule.read(cells, row);
      if (typeof value === 'number') this.#add(cells, row, { user, item, value });
      else this.#drop(row, value.problem, value.cell);
    }
  }

  #add(
    cells: readonly string[],
    row: number,
    { user, item, value }: { user: string; item: string; value: number },
  ): void {
    const { log } = this;
    log.add(user, item, row, value);
    log.mark[log.length - 1] = fnv1a(cells.join('\u0001'));
    this.#texts.take(item, cells);
    if (this.hasTimes) {
      const time = this.#part.roles.time!.map((index) => cells[index]).join(' ');
      this.#times.add(time.trim(), row);
    }
    if (log.length >= this.#options.maxInteractions) this.#halve();
  }

  finish(): { log: InteractionLog; rule: ConversionRule; time: ReadTables['time']; copies: number } {
    const { log } = this;
    const time = this.hasTimes ? this.#times.finish() : null;
    if (time !== null) log.time.set(time.times);
    for (const { kind, count, rows } of time?.bad ?? []) this.#addBadTimes(kind, count, rows);
    // A row is dropped for one reason, and counted once.
    log.keep(this.#rowsWhere((row) => !Number.isNaN(log.time[row])));
    const rule = this.#rule.finish(log);
    log.keep(this.#rowsWhere((row) => rule.isRead(log.value[row])));
    const { mask, copies } = withoutCopies(log);
    if (copies > 0) log.keep(mask);
    const returns = undoReturns(log, rule);
    for (const { kind, rows } of rule.neither) this.#count(kind, rows, '');
    this.#count('an exact copy of an earlier row', copies, '');
    this.#count('a return (a negative quantity)', returns, '');
    this.#count('of a user who is not in the sample', this.#notSampled, '');
    for (const [kind, { rows, example }] of this.#part.table.dropped) {
      this.rows += rows;
      this.#count(kind, rows, example);
    }
    const remarks = [
      ...this.#users.remarks(),
      ...this.#items.remarks(),
      ...(time?.remarks ?? []),
      ...rule.remarks,
    ];
    const { file } = this.#part.table;
    for (const remark of remarks) this.#options.problems.remark(file, remark);
    if (returns > 0)
      this.#options.problems.remark(
        file,
        `${counted(returns, 'row')} ${verb(returns, 'is a return', 'are returns')} (a negative quantity): no behaviour, and the conversion before it is undone`,
      );
    if (copies > 0)
      this.#options.problems.remark(
        file,
        `${counted(copies, 'row')} ${verb(copies, 'is an exact copy of another and is', 'are exact copies of others and are')} dropped`,
      );
    return { log, rule, time, copies };
  }

  get sampling(): ReadTables['sampling'] {
    if (this.#share === 1) return null;
    const words =
      `The file is larger than what is held (${this.#options.maxInteractions} interactions): a sample of 1 in ${Math.round(1 / this.#share)} users was drawn ` +
      `as it was read, by a seeded hash of their ids; ${this.#notSampled} of ${counted(this.rows, 'row')} ${verb(this.#notSampled, 'is', 'are')} of others.`;
    return { rows: this.#notSampled, words };
  }

  notUsed(): ReadTables['notUsed'] {
    return [...this.#dropped].map(([reason, lost]) => ({ reason, ...lost }));
  }

  /** The reason for which most rows were dropped, if it is most of all rows; '' else. */
  mainReason(): string {
    const [worst] = [...this.#dropped].sort(([, a], [, b]) => b.rows - a.rows);
    if (worst === undefined || worst[1].rows * 2 < this.rows) return '';
    const [kind, { rows, example }] = worst;
    return `${this.#part.table.file}: ${rows} of ${counted(this.rows, 'row')} ${verb(rows, 'was', 'were')} dropped: ${kind}${example === '' ? '' : `, as in ${example}`}`;
  }

  #drop(row: number, kind: string, cell: string): void {
    this.#options.problems.add(this.#part.table.file, row, kind, cell === '' ? undefined : cell);
    this.#count(kind, 1, rowAndCell(row, cell));
  }

  #count(kind: string, rows: number, example: string): void {
    if (rows > 0) countDropped(this.#dropped, kind, { rows, example });
  }

  #addBadTimes(kind: string, count: number, rows: readonly { row: number; cell: string }[]): void {
    const { file } = this.#part.table;
    for (const { row, cell } of rows) this.#options.problems.add(file, row, kind, cell);
    this.#options.problems.more(file, kind, count - rows.length);
    const { table, roles } = this.#part;
    const columns = roles.time!.map((index) => table.columns[index]).join(' + ');
    const where = `${kind}, in column ${columns} (a mapping can name another, or say dates=dmy or dates=mdy)`;
    const [first] = rows;
    this.#count(where, count, first === undefined ? '' : rowAndCell(first.row, first.cell));
  }

  /** [rows] 1 where it holds. */
  #rowsWhere(holds: (row: number) => boolean): Uint8Array {
    const mask = new Uint8Array(this.log.length);
    for (let row = 0; row < mask.length; row++) mask[row] = holds(row) ? 1 : 0;
    return mask;
  }

  #isSampled(user: string): boolean {
    return toUnit(threefry(SEED, 0, fnv1a(user), 0)[0]) < this.#share;
  }

  /** Halves the users that are kept, and no more often than it must: how often is then the same whatever the rows' order. */
  #halve(): void {
    const { log } = this;
    while (log.length >= this.#options.maxInteractions && log.length > 0) {
      this.#share /= 2;
      const isKept = Uint8Array.from(log.userIds, (id) => (this.#isSampled(id) ? 1 : 0));
      const mask = Uint8Array.from({ length: log.length }, (_, row) => isKept[log.user[row]]);
      this.#notSampled += mask.reduce((total, kept) => total + 1 - kept, 0);
      log.keep(mask);
      if (this.hasTimes) this.#times.keep(mask);
    }
  }
}
