/** How large generated worlds may be. Apart from their words, which whoever only checks a config need not load. */

/** Departments that there are names for. */
export const MAX_L1 = 64;

/** Fewest and most devices of the world `compatibility`: at least two on each platform, and no more than have a name. */
export const DEVICE_RANGE = [16, 80] as const;
