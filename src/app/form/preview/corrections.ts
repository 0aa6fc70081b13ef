/** What a person's choices in the preview make of a mapping's text. */
import type { Role } from '../../../data/columns/roles';
import { formatMapping, type Mapping, NOTHING_MAPPED, parseMapping } from '../../../data/mapping';

/** A mapping's text with something said anew. */
export function corrected(map: string, change: Partial<Omit<Mapping, 'roles'>>): string {
  return formatMapping({ ...said(map), ...change });
}

/** A mapping's text with other columns for a role; none: it is not read. */
export function withRole(map: string, role: Role, columns: readonly string[]): string {
  const mapping = said(map);
  return formatMapping({ ...mapping, roles: { ...mapping.roles, [role]: columns } });
}

/** What a text says; nothing where it cannot be read, which was told to the person then. */
export function said(map: string): Mapping {
  try {
    return parseMapping(map);
  } catch {
    return NOTHING_MAPPED;
  }
}

/** The columns of a role after the choice for one of its places; an empty choice takes the place away. */
export function placed(columns: readonly string[], place: number, choice: string): string[] {
  const next = [...columns];
  if (choice === '') next.splice(place, 1);
  else next[place] = choice;
  return next;
}
