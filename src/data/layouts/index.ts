/** The kinds of data sets that are known by their files; whatever is none of them is a table of interactions, or nothing. */
import { completeJourney } from './completeJourney';
import { instacart } from './instacart';
import type { LayoutKind } from './layout';
import { mind } from './mind';
import { movieLens } from './movieLens';

export const LAYOUTS: readonly LayoutKind[] = [completeJourney, movieLens, instacart, mind];
