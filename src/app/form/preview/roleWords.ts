/** What the roles of columns are called on the page. */
import type { Role } from '../../../data/columns/roles';

interface RoleWords {
  label: string;
  /** Of the button that adds a column; null where one column is all. */
  more: string | null;
}

export const ROLE_WORDS: Record<Role, RoleWords> = {
  user: { label: 'User', more: null },
  item: { label: 'Item', more: null },
  time: { label: 'Time', more: '+ time of day' },
  title: { label: 'Title', more: null },
  categories: { label: 'Categories', more: '+ level' },
  event: { label: 'Event', more: null },
  conversion: { label: 'Conversion', more: null },
  rating: { label: 'Rating', more: null },
  quantity: { label: 'Quantity', more: null },
};

/** A data set has always these. */
export const NEEDED: ReadonlySet<Role> = new Set<Role>(['user', 'item']);

/** What a column is called that stands for a role beside others. */
export function placeWords(role: Role, place: number): string {
  const { label } = ROLE_WORDS[role];
  if (place === 0) return label;
  return role === 'time' ? 'Time of day' : `${label}, level ${place + 1}`;
}
