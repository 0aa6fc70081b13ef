/** What was understood of a person's files: of those that are a data set, and of those that were refused on the way there. */
import { type Guess, guessRoles, ROLES, type Role, tableKind } from './columns/roles';
import { ImportError, type Problems, quote } from './files/sources';
import type { Table } from './files/table';
import { columnOf } from './layouts/interactions';
import type { FilesLayout, ItemsPart, LogPart } from './layouts/layout';
import type { Mapping } from './mapping';
import type { PreviewChoice, PreviewTable, SeenFiles } from './preview';
import type { ReadTables } from './readLayout';

/** Rows of a table that are shown. */
const ROWS = 8;
/** Tables that are shown of files that were refused. */
const MAX_SHOWN = 6;

/** Files that were refused, with what was understood of them; null where nothing was. */
export class RefusedFiles extends ImportError {
  constructor(
    message: string,
    readonly seen: SeenFiles | null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** @param read null where the rows were refused before they were read to the end */
export function seenOf(
  { log, items, profiles, notRead }: FilesLayout,
  read: Pick<ReadTables, 'time' | 'rule'> | null,
  problems: Problems,
): SeenFiles {
  const ofLog = byColumn(Object.entries(log.roles) as [Role, readonly number[]][]);
  const time = read?.time;
  return {
    tables: [
      tableOf(log.table, 'interactions', ofLog, [...ofLog.keys()]),
      ...(items === null
        ? []
        : [tableOf(items.table, 'items', rolesOfItems(items), [items.key, ...items.columns])]),
      ...(profiles === null
        ? []
        : [
            tableOf(profiles.table, 'users', new Map([[profiles.key, 'user' as const]]), [
              profiles.key,
              ...profiles.columns,
            ]),
          ]),
    ],
    notRead,
    choices: choicesOf(log, items),
    dates: time?.order ? { order: time.order, isAmbiguous: time.isAmbiguous, words: time.words } : null,
    threshold: read?.rule.threshold ?? null,
    events: read?.rule.events ?? null,
    problems: problems.kinds(),
  };
}

/** What is known of tables that make no data set yet: guesses for the one that is the likeliest log, and every column to choose from. */
export function seenTables(
  tables: readonly Table[],
  notRead: SeenFiles['notRead'],
  { mapping, problems }: { mapping: Mapping; problems: Problems },
): SeenFiles | null {
  const shown = tables.slice(0, MAX_SHOWN).map((table) => ({
    table,
    kind: tableKind(table.columns, table.types, table.head),
  }));
  const [likeliest] = [...shown].sort((a, b) => LIKELIEST.indexOf(a.kind) - LIKELIEST.indexOf(b.kind));
  if (likeliest === undefined) return null;
  const options = [...new Set(shown.flatMap(({ table }) => calls(table)))];
  const { table: log } = likeliest;
  const guesses = guessRoles(log.columns, log.types, log.head, 'interactions');
  const choices = ROLES.map((role) =>
    settled(
      role,
      guesses.find((guess) => guess.role === role),
      { mapping, options, log },
    ),
  );
  const roles = byColumn(
    choices.map(({ role, columns }) => [
      role,
      columns.map((name) => columnOf(log.columns, name)).filter((at) => at >= 0),
    ]),
  );
  return {
    // What is not read is not settled either.
    tables: shown.map(({ table, kind }) =>
      tableOf(table, kind, table === log ? roles : new Map(), table.columns.keys()),
    ),
    notRead,
    choices,
    dates: null,
    threshold: null,
    events: null,
    problems: problems.kinds(),
  };
}

const LIKELIEST: readonly PreviewTable['kind'][] = ['interactions', 'users', 'other', 'items'];

/** What a person said of a role, else the guess, else that it is wanted. */
function settled(
  role: Role,
  guess: Guess | undefined,
  given: { mapping: Mapping; options: readonly string[]; log: Table },
): PreviewChoice {
  const { mapping, options, log } = given;
  const said = mapping.roles[role];
  if (said !== undefined) {
    const columns = said.flatMap((name) => options[columnOf(options, name)] ?? []);
    const missing = said.find((name) => columnOf(options, name) < 0);
    const why = missing === undefined ? 'You said so.' : `No file has a column ${quote(missing)}.`;
    return { role, columns, options, sure: missing === undefined, why };
  }
  const columns = (guess?.columns ?? []).map((index) => calls(log)[index]);
  const isWanted = (role === 'user' || role === 'item') && columns.length === 0;
  return {
    role,
    columns,
    options,
    sure: !isWanted && (guess?.sure ?? true),
    why: isWanted
      ? 'No column is known to be one: choose it.'
      : (guess?.why ?? 'No column is known to be one.'),
  };
}

/** What each column is called where it is chosen: one that has an earlier one's name goes by its number. */
function calls({ columns }: Table): string[] {
  return columns.map((name, index) => (columns.indexOf(name) < index ? `#${index + 1}` : name));
}

function byColumn(roles: readonly (readonly [Role, readonly number[]])[]): Map<number, Role> {
  return new Map(roles.flatMap(([role, columns]) => columns.map((column) => [column, role] as const)));
}

function rolesOfItems({ key, guesses }: ItemsPart): Map<number, Role> {
  return byColumn([['item', [key]], ...guesses.map(({ role, columns }) => [role, columns] as const)]);
}

function tableOf(
  table: Table,
  kind: PreviewTable['kind'],
  roles: ReadonlyMap<number, Role>,
  read: Iterable<number>,
): PreviewTable {
  const { file, head } = table;
  const columns = calls(table);
  const isRead = new Set(read);
  return {
    file,
    kind,
    columns,
    roles: columns.map((_, index) => roles.get(index) ?? null),
    rows: head.slice(0, ROWS).map((cells) => [...cells]),
    unread: columns.filter((_, index) => !isRead.has(index)),
  };
}

/** The roles that a person may correct: those of the log, and of the items' table where it names them. */
function choicesOf({ table, guesses, roles }: LogPart, items: ItemsPart | null): PreviewChoice[] {
  return guesses.map(({ role, columns, sure, why }) => {
    const own = items?.guesses.find((guess) => guess.role === role);
    const there = own !== undefined && own.columns.length > 0 && roles[role] === undefined;
    const at = there ? items!.table : table;
    const from = there ? own : { columns, sure, why };
    return {
      role,
      columns: from.columns.map((index) => calls(at)[index]),
      options:
        OF_BOTH.includes(role) && items !== null
          ? [...new Set([...calls(items.table), ...calls(table)])]
          : calls(table),
      sure: from.sure,
      why: from.why,
    };
  });
}

const OF_BOTH: readonly Role[] = ['title', 'categories'];
