/** What a person's files are: which table holds the interactions, which column is what, and what names the items. */
import type { Guess, Role } from '../columns/roles';
import type { SourceFile } from '../files/sources';
import type { Table } from '../files/table';

/** Which columns stand for which role, by their indices. */
export type Roles = Readonly<Partial<Record<Role, readonly number[]>>>;

/** An item as a row has it, before its column of categories is understood. */
export interface RawItem {
  title: string;
  /** Added in turn where titles are equal. */
  hints: readonly string[];
  /** The cells of one column of categories, or of several levels, widest first. */
  categories: readonly string[];
}

export interface LogPart {
  table: Table;
  roles: Roles;
  /** Empty where the layout knows its columns. */
  guesses: readonly Guess[];
}

/** A table with a row for each item. */
export interface ItemsPart {
  table: Table;
  /** The column of the item's id. */
  key: number;
  /** Columns that are read besides. */
  columns: readonly number[];
  /** Empty where the layout knows its columns. */
  guesses: readonly Guess[];
  raw(cells: readonly string[]): RawItem;
  /** RecBole's type of its only column of categories. */
  type?: string | null;
}

/** A table with a row for each user. */
export interface ProfilesPart {
  table: Table;
  key: number;
  columns: readonly number[];
  profile(cells: readonly string[]): string;
}

export interface FilesLayout {
  /** For people: "MovieLens". */
  name: string;
  /** Of the data set: short, lower case. */
  id: string;
  log: LogPart;
  items: ItemsPart | null;
  profiles: ProfilesPart | null;
  /** What an interaction is, in a word: "purchase". */
  interaction: string;
  /** What items are called that no table names. */
  item: string;
  notes: readonly string[];
  /** Files that are no part of it, and why. */
  notRead: readonly { file: string; reason: string }[];
}

/** Files, and a way to open each as a table, once. */
export interface Opened {
  files: readonly SourceFile[];
  /** Null where the file is no table. */
  open(file: SourceFile, known?: { columns: readonly string[]; delimiter?: string }): Promise<Table | null>;
}

/** One kind of data set that is recognised by its files. */
export interface LayoutKind {
  /** For people. */
  name: string;
  /** What files make it, in words. */
  files: string;
  /** Null where these files are not of this kind. @throws ImportError where they nearly are */
  recognise(opened: Opened): Promise<FilesLayout | null>;
}
