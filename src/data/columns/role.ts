/** What a column may be. By itself, since the page’s form needs no more of it. */
export const ROLES = [
  'user',
  'item',
  'time',
  'title',
  'categories',
  'event',
  'conversion',
  'rating',
  'quantity',
] as const;
export type Role = (typeof ROLES)[number];
