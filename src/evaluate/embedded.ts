/** What of a completion is embedded: all of it, or what it concludes and answers, without that from which it is concluded. */
export const EMBEDDED = ['whole', 'conclusion'] as const;
export type Embedded = (typeof EMBEDDED)[number];
