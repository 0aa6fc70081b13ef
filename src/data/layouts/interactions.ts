/**
 * Any table of interactions, with a table of its items beside it where there is one. Which column is what is guessed
 * (`columns/roles.ts`) and can be corrected (`mapping.ts`).
 */
import { columnKey, type Guess, guessRoles, ROLES, type Role, tableKind } from '../columns/roles';
import { phrase } from '../columns/titles';
import { ImportError, quote, type SourceFile } from '../files/sources';
import type { Table } from '../files/table';
import { formatMapping, type Mapping } from '../mapping';
import type { FilesLayout, ItemsPart, Opened, Roles } from './layout';

/** Files that are looked into when none goes by a known name. */
const MAX_CANDIDATES = 60;
/** Roles that the items' table is asked for first. */
const OF_ITEMS: readonly Role[] = ['title', 'categories'];

interface Found {
  file: SourceFile;
  table: Table;
  kind: ReturnType<typeof tableKind>;
}

/** @throws ImportError where no file is a table of interactions, or several are */
export async function interactionsLayout(opened: Opened, mapping: Mapping): Promise<FilesLayout | null> {
  const found: Found[] = [];
  const notRead: { file: string; reason: string }[] = [];
  for (const [index, file] of opened.files.entries()) {
    const table = index < MAX_CANDIDATES ? await tableOr(opened, file) : 'was not looked into';
    if (typeof table === 'string') {
      notRead.push({ file: file.name, reason: table });
      continue;
    }
    found.push({ file, table, kind: kindOf(table, mapping) });
  }
  const log = chooseLog(found, opened.files.length, mapping);
  if (log === null) return null;
  const guesses = mapped(
    guessRoles(log.table.columns, log.table.types, log.table.head, 'interactions'),
    log.table,
    mapping,
  );
  const roles = rolesOf(guesses);
  for (const role of ['user', 'item'] as const) if (!roles[role]?.length) throw noColumn(log.table, role);
  const items = chooseItems(found, log, guesses, mapping);
  refuseMissing(log.table, [...guesses, ...(items?.guesses ?? [])], mapping);
  for (const { file, kind } of found) {
    if (file === log.file || (items !== null && items.table.file === file.name)) continue;
    notRead.push({ file: file.name, reason: REASONS[kind] });
  }
  refuseLonely(log.table, roles, items);
  return {
    name: 'a table of interactions',
    id: phrase([log.table.file.replace(/\.[^.]*$/, '')], 4).replaceAll(' ', '-') || 'interactions',
    // What the items' own table says of titles and categories goes before the log's.
    log: { table: log.table, guesses, roles: without(roles, items) },
    items,
    profiles: null,
    interaction: 'interaction',
    item: 'item',
    notes: [],
    notRead,
  };
}

/** The table, or why there is none. @throws ImportError where the file is the only one */
async function tableOr({ files, open }: Opened, file: SourceFile): Promise<Table | string> {
  try {
    return (await open(file)) ?? 'is no table';
  } catch (error) {
    if (files.length === 1 || !(error instanceof ImportError)) throw error;
    return `cannot be read: ${error.message}`;
  }
}

const REASONS: Record<Found['kind'], string> = {
  interactions: 'is a table of interactions too: one is read',
  items: 'names items, but none by the ids of the interactions, or another file does',
  users: 'describes users, which is not read',
  other: 'has no columns that are known here',
};

/** A table whose user and item a person named is a log whatever it looks like. */
function kindOf({ columns, types, head }: Table, { roles }: Mapping): Found['kind'] {
  const has = (names: readonly string[] | undefined) =>
    names !== undefined && names.length > 0 && names.every((name) => columnOf(columns, name) >= 0);
  const kind = tableKind(columns, types, head);
  if (has(roles.user) && (has(roles.item) || kind !== 'users')) return 'interactions';
  return kind;
}

/** The one table of interactions; one with titles is preferred to those without. */
function chooseLog(found: readonly Found[], files: number, { roles }: Mapping): Found | null {
  const logs = found.filter(({ kind }) => kind === 'interactions');
  if (logs.length === 1) return logs[0];
  if (logs.length > 1) {
    const titled = logs.filter(({ table }) =>
      guessRoles(table.columns, table.types, table.head, 'interactions').some(
        ({ role, columns }) => role === 'title' && columns.length > 0,
      ),
    );
    if (titled.length === 1) return titled[0];
    const names = logs.map(({ table }) => table.file);
    throw new ImportError(`${names.join(', ')} are each a table of interactions: choose one.`);
  }
  // A person may have named the one that no guess finds, and leave the other to the guess.
  const settled = found.filter(({ table }) => missingRole(table, roles) === null);
  if (settled.length === 1 && (roles.user ?? roles.item) !== undefined) return settled[0];
  // An only file says itself what is wrong with it.
  const [only] = found;
  if (files === 1 && only !== undefined) {
    const role = missingRole(only.table, roles) ?? 'user';
    const [name] = roles[role] ?? [];
    throw name === undefined ? noColumn(only.table, role) : notThere(only.table, role, name);
  }
  return null;
}

/** Which of user and item has no column, by what a person said and by guesses; null: both have one. */
function missingRole({ columns, types, head }: Table, said: Mapping['roles']): 'user' | 'item' | null {
  const guesses = guessRoles(columns, types, head, 'interactions');
  const isThere = (role: Role) =>
    said[role]?.some((name) => columnOf(columns, name) >= 0) ??
    guesses.some((guess) => guess.role === role && guess.columns.length > 0);
  return (['user', 'item'] as const).find((role) => !isThere(role)) ?? null;
}

function noColumn({ file, columns, hasHeader }: Table, role: Role): ImportError {
  const seen = columns
    .slice(0, 12)
    .map((name) => quote(name))
    .join(', ');
  const lacks = hasHeader ? '' : ' and no header line that names them';
  return new ImportError(
    `${file} has no column for the ${role} that is known here${lacks}: it has ${seen}. Say which it is, as in ${formatMapping({ roles: { [role]: [columns[0] ?? 'name'] } })}.`,
  );
}

/** Logs of known data sets say little without the table that names their items. */
const COMPANIONS = { movieid: 'movies.csv', householdid: 'products.csv' };

function refuseLonely({ file, columns }: Table, roles: Roles, items: ItemsPart | null): void {
  const known = columns.map(columnKey).find((key) => key in COMPANIONS) as
    | keyof typeof COMPANIONS
    | undefined;
  if (known === undefined || items !== null || (roles.title?.length ?? 0) > 0) return;
  throw new ImportError(
    `${file} came without ${COMPANIONS[known]}, which names its items: choose both, or their folder.`,
  );
}

/** A guess for every role, and what a person said in its place. @throws ImportError where a column is not there */
function mapped(guesses: readonly Guess[], table: Table, mapping: Mapping): Guess[] {
  return ROLES.map((role) => {
    const guess = guesses.find((each) => each.role === role) ?? {
      role,
      columns: [],
      sure: true,
      why: 'No column is known to be one.',
    };
    const names = mapping.roles[role];
    if (names === undefined) return guess;
    const columns = names.map((name) => columnOf(table.columns, name));
    const missing = columns.indexOf(-1);
    if (missing < 0) return { role, columns, sure: true, why: 'You said so.' };
    // Another table may have it.
    if (OF_ITEMS.includes(role)) return { role, columns: [], sure: true, why: 'You said so.' };
    throw notThere(table, role, names[missing]);
  });
}

function notThere({ file, columns }: Table, role: Role, name: string): ImportError {
  return new ImportError(
    `${file} has no column ${quote(name)} to read the ${role} from: it has ${columns.slice(0, 12).join(', ')}.`,
  );
}

/** @throws ImportError where a person named columns of titles or categories that no table has */
function refuseMissing({ file, columns }: Table, guesses: readonly Guess[], { roles }: Mapping): void {
  for (const role of OF_ITEMS) {
    const names = roles[role] ?? [];
    if (names.length === 0 || guesses.some((guess) => guess.role === role && guess.columns.length > 0))
      continue;
    const missing = names.find((name) => columnOf(columns, name) < 0) ?? names[0];
    throw new ImportError(
      `No table that is read has ${names.length === 1 ? 'a column' : 'all columns, as'} ${quote(missing)} to read the ${role} from; ${file} has ${columns.slice(0, 12).join(', ')}.`,
    );
  }
}

/**
 * A known data set whose log is read as a person says; null where they name what its log does not have, or titles and
 * categories, which are its catalogue's: then it is an ordinary table.
 */
export function withRoles(layout: FilesLayout, { roles }: Mapping): FilesLayout | null {
  const { log } = layout;
  const said = ROLES.flatMap((role) => (roles[role] === undefined ? [] : [[role, roles[role]] as const]));
  const isOfLog = said.every(
    ([role, names]) =>
      !OF_ITEMS.includes(role) &&
      (names.length > 0 || (role !== 'user' && role !== 'item')) &&
      names.every((name) => columnOf(log.table.columns, name) >= 0),
  );
  if (!isOfLog) return null;
  const changed = said.map(([role, names]) => [role, names.map((name) => columnOf(log.table.columns, name))]);
  return { ...layout, log: { ...log, roles: { ...log.roles, ...Object.fromEntries(changed) } } };
}

/** By its very name, else by the letters and digits of it, else `#2` for the second. */
export function columnOf(columns: readonly string[], name: string): number {
  const exact = columns.indexOf(name);
  if (exact >= 0) return exact;
  const near = columns.findIndex((column) => columnKey(column) === columnKey(name) && columnKey(name) !== '');
  if (near >= 0) return near;
  const [, number] = /^#(\d{1,4})$/.exec(name) ?? [];
  const index = Number(number ?? 0) - 1;
  return index >= 0 && index < columns.length ? index : -1;
}

function rolesOf(guesses: readonly Guess[]): Roles {
  return Object.fromEntries(guesses.map(({ role, columns }) => [role, columns]));
}

/** The log's roles less those that the items' table has. */
function without(roles: Roles, items: ItemsPart | null): Roles {
  if (items === null) return roles;
  const taken = items.guesses.filter(({ columns }) => columns.length > 0).map(({ role }) => role);
  return Object.fromEntries(
    Object.entries(roles).filter(
      ([role]) => !taken.includes(role as Role) || !OF_ITEMS.includes(role as Role),
    ),
  );
}

/** The table whose key the log's ids are found in most, if any is. */
function chooseItems(
  found: readonly Found[],
  log: Found,
  guesses: readonly Guess[],
  mapping: Mapping,
): ItemsPart | null {
  const [at] = guesses.find(({ role }) => role === 'item')!.columns;
  const name = columnKey(log.table.columns[at]);
  const parts = found
    .filter(({ kind }) => kind === 'items')
    .map(({ table }) => itemsPart(table, name, mapping))
    .filter((part) => part !== null);
  // The log's first rows need not be those of the catalogue's first rows: a name in common counts as well.
  const ids = new Set(log.table.head.map((cells) => cells[at]));
  const score = ({ table, key }: ItemsPart) =>
    table.head.filter((cells) => ids.has(cells[key])).length +
    (columnKey(table.columns[key]) === name ? 0.5 : 0);
  const ranked = [...parts].sort((a, b) => score(b) - score(a));
  return ranked.length > 0 && (score(ranked[0]) > 0 || parts.length === 1) ? ranked[0] : null;
}

function itemsPart(table: Table, itemName: string, mapping: Mapping): ItemsPart | null {
  const { columns, types, head } = table;
  const guesses = mapped(guessRoles(columns, types, head, 'items'), table, {
    ...mapping,
    roles: { title: mapping.roles.title, categories: mapping.roles.categories },
  });
  const columnsFor = (role: Role) => guesses.find((guess) => guess.role === role)?.columns ?? [];
  const same = columns.findIndex((column) => columnKey(column) === itemName);
  const [key] = same >= 0 ? [same] : columnsFor('item');
  if (key === undefined) return null;
  const [title] = columnsFor('title');
  const categories = columnsFor('categories').filter((index) => index !== key);
  return {
    table,
    key,
    columns: [...columnsFor('title'), ...categories],
    guesses: guesses.filter(({ role }) => OF_ITEMS.includes(role)),
    type: categories.length === 1 ? types[categories[0]] : null,
    raw: (cells) => ({
      title: title === undefined ? '' : cells[title],
      hints: [],
      categories: categories.map((index) => cells[index]),
    }),
  };
}
