/** The runs that lie beside the page, trained up to the beginning of their alignment. `npm run starter` makes them, and starters.json. */
import starters from './starters.json';

export interface Starter {
  /** Of the whole run: what was trained, and what is to be. */
  link: string;
  /** Beside the page. */
  file: string;
  bytes: number;
  sha256: string;
  /** What it was trained on so far. */
  device: string;
}

export const STARTERS: readonly Starter[] = starters;
