/** What was made of a person's files, to be looked at and corrected before anything is trained on it. */
import type { Role } from './columns/roles';
import type { DateOrder } from './columns/times';

export interface PreviewTable {
  file: string;
  /** What its rows are taken for; `other` where nothing is known of it. */
  kind: 'interactions' | 'items' | 'users' | 'other';
  columns: readonly string[];
  /** What each column is read as; null where it stands for no role. */
  roles: readonly (Role | null)[];
  /** The first rows as read, a cell per column. */
  rows: readonly (readonly string[])[];
  /** Columns that nothing is read from. */
  unread: readonly string[];
}

/** Which columns stand for a role, and what a menu offers instead. */
export interface PreviewChoice {
  role: Role;
  /** Names of the columns; none: the role is not read. */
  columns: readonly string[];
  /** Every column that may be chosen. */
  options: readonly string[];
  /** False where a person should look. */
  sure: boolean;
  /** In words. */
  why: string;
}

export interface PreviewEvent {
  value: string;
  rows: number;
  meaning: 'behaviour' | 'conversion' | 'neither';
}

/** Rows that were dropped or mended, of one kind. */
export interface PreviewProblem {
  file: string;
  kind: string;
  rows: number;
  /** The first ones, each a sentence with row and cell. */
  examples: readonly string[];
}

/** What was understood of files, also where they were refused in the end: enough to correct it. */
export interface SeenFiles {
  tables: readonly PreviewTable[];
  /** Files that were not read, and why. */
  notRead: readonly { file: string; reason: string }[];
  /** Empty where the layout knows its columns. */
  choices: readonly PreviewChoice[];
  /** Null where no date needs it. */
  dates: { order: DateOrder; isAmbiguous: boolean; words: string } | null;
  /** Null where there are no ratings. */
  threshold: { value: number; words: string } | null;
  /** Null where there are no events. */
  events: readonly PreviewEvent[] | null;
  problems: readonly PreviewProblem[];
}

export interface ImportPreview extends SeenFiles {
  /** What the files were recognised as: "MovieLens", "interactions". */
  layout: string;
  counts: {
    /** Records of the log, without its header: interactions, and those that are not used. */
    rows: number;
    interactions: number;
    /** By the reason, with the first row and cell. */
    notUsed: readonly { reason: string; rows: number; example: string }[];
    users: number;
    items: number;
    /** Interactions that count as clicks, and those of them that count as conversions too. */
    clicks: number;
    conversions: number;
    /** In words, the rule behind conversions. */
    conversion: string;
    /** Exact copies of a row, dropped. */
    duplicates: number;
    /** Share of a user's neighbouring interactions that have one time, in [0, 1]. */
    ties: number;
    /** Left after users and items with too few interactions were dropped. */
    kept: { interactions: number; users: number; items: number };
  };
  /** One user's interactions in order. */
  history: { user: string; behaviours: readonly { time: string; title: string; isConversion: boolean }[] };
  /** Each a sentence about what a person should look at. None: the files are read without doubt. */
  doubts: readonly string[];
}
