/**
 * What a person says about the columns of their files where the guess is wrong, as one line of text: in `--map`, in links
 * and in the data set's hash.
 *
 *     user=customer_id,time=order_date+order_time,rating=none,dates=mdy,threshold=4,purchases=buy+order
 *
 * What is not named is guessed (`columns/roles.ts`).
 */
import { ROLES, type Role } from './columns/role';
import type { DateOrder } from './columns/times';
import { ImportError, quote } from './files/sources';

export interface Mapping {
  /** Columns by their names in the file, or `#2` for the second; none at all: the role is not read. */
  roles: Partial<Record<Role, readonly string[]>>;
  /** Whether 3/4 is the third of April or the fourth of March. */
  dates?: DateOrder;
  /** The rating from which on an interaction is a conversion. */
  threshold?: number;
  /** The events that are conversions; none of them at all: no event is one. */
  purchases?: readonly string[];
}

export const NOTHING_MAPPED: Mapping = { roles: {} };

/** Of a mapping's text: a link must stay short. */
export const MAX_MAPPING = 600;

/** Roles that one column holds; the others may be spread over several. */
const SINGLE: ReadonlySet<Role> = new Set(ROLES.filter((role) => role !== 'time' && role !== 'categories'));

/** @throws ImportError with one sentence that says which part is wrong */
export function parseMapping(text: string): Mapping {
  const mapping: Mapping & { roles: Partial<Record<Role, readonly string[]>> } = { roles: {} };
  if (text.length > MAX_MAPPING)
    throw new ImportError(
      `A mapping of columns has at most ${MAX_MAPPING} characters; this has ${text.length}.`,
    );
  const seen = new Set<string>();
  for (const part of text.split(',').filter((each) => each.trim() !== '')) {
    const at = part.indexOf('=');
    const key = part.slice(0, at).trim();
    const value = part.slice(at + 1).trim();
    if (at < 1 || value === '')
      throw new ImportError(
        `${quote(part)} is not of the form role=column, as in user=customer_id; nothing at all is said as ${quote(`${at < 1 ? 'rating' : key}=none`)}.`,
      );
    if (seen.has(key)) throw new ImportError(`The mapping names ${key} twice.`);
    seen.add(key);
    const values = value.split('+').map((each) => decode(each.trim()));
    if (isRole(key)) mapping.roles[key] = rolesColumns(key, value === 'none' ? [] : values);
    else if (key === 'dates') mapping.dates = dateOrder(value);
    else if (key === 'threshold') mapping.threshold = threshold(value);
    else if (key === 'purchases') mapping.purchases = value === 'none' ? [] : values;
    else
      throw new ImportError(
        `${quote(key)} is nothing that a mapping names: ${ROLES.join(', ')}, dates, threshold, purchases.`,
      );
  }
  return mapping;
}

/** The text that `parseMapping` reads back; always the same for the same mapping. */
export function formatMapping({ roles, dates, threshold, purchases }: Mapping): string {
  const parts = ROLES.flatMap((role) => {
    const columns = roles[role];
    if (columns === undefined) return [];
    return [`${role}=${columns.length === 0 ? 'none' : columns.map(encode).join('+')}`];
  });
  if (dates !== undefined) parts.push(`dates=${dates}`);
  if (threshold !== undefined) parts.push(`threshold=${threshold}`);
  if (purchases !== undefined)
    parts.push(`purchases=${purchases.length === 0 ? 'none' : purchases.map(encode).join('+')}`);
  return parts.join(',');
}

/** What is wrong with a mapping's text, as a sentence; null when nothing is. */
export function mappingProblem(text: string): string | null {
  try {
    parseMapping(text);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function isRole(key: string): key is Role {
  return (ROLES as readonly string[]).includes(key);
}

function rolesColumns(role: Role, columns: string[]): readonly string[] {
  if (SINGLE.has(role) && columns.length > 1)
    throw new ImportError(`The ${role} is read from one column, not from ${columns.length}.`);
  return columns;
}

function dateOrder(value: string): DateOrder {
  if (value === 'dmy' || value === 'mdy') return value;
  throw new ImportError(`dates is dmy (day first) or mdy (month first), not ${quote(value)}.`);
}

function threshold(value: string): number {
  if (/^-?\d{1,9}(\.\d{1,6})?$/.test(value)) return Number(value);
  throw new ImportError(`threshold is a number, not ${quote(value)}.`);
}

/** So that a column may be called anything. */
function encode(name: string): string {
  return name === 'none' ? '%6Eone' : name.replace(/[,+=%\s]/g, (mark) => encodeURIComponent(mark));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
