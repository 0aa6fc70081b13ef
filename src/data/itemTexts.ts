/** What the files say of each item, first in its own table, then in the rows of the log; and where they disagree. */
import type { ItemDescription } from './assemble';
import { categoryReader } from './columns/categories';
import { IdColumn } from './columns/ids';
import type { Problems } from './files/sources';
import { detached } from './files/text';
import type { InteractionLog } from './interactions';
import type { FilesLayout, RawItem } from './layouts/layout';
import { counted, verb } from './words';

const NOTHING: RawItem = { title: '', hints: [], categories: [] };
/** Distinct cells by which a column of categories is understood. */
const MAX_CELLS = 20_000;

export class ItemTexts {
  readonly #layout: FilesLayout;
  readonly #problems: Problems;
  readonly #listed = new Map<string, RawItem>();
  readonly #inLog = new Map<string, { -readonly [Key in keyof RawItem]: RawItem[Key] }>();
  /** Items whose rows name them in more than one way. */
  readonly #disagree = { title: new Set<string>(), categories: new Set<string>() };
  #levels: (cell: string) => string[] = (cell) => [cell];
  #words = '';
  readonly #title: number | undefined;
  readonly #categories: readonly number[];

  constructor(layout: FilesLayout, problems: Problems) {
    this.#layout = layout;
    this.#problems = problems;
    [this.#title] = layout.log.roles.title ?? [];
    this.#categories = layout.log.roles.categories ?? [];
  }

  /** Reads the items' own table. */
  async readItems(onProgress: (fraction: number) => void): Promise<void> {
    const { table, key, raw } = this.#layout.items!;
    const ids = new IdColumn('item');
    let twice = 0;
    await table.rows((cells) => {
      const id = ids.clean(cells[key]);
      if (id === null) return;
      if (this.#listed.has(id)) twice++;
      else this.#listed.set(detached(id), kept(raw(cells)));
    }, onProgress);
    if (twice > 0)
      this.#problems.remark(
        table.file,
        `${twice} ${twice === 1 ? 'row lists an item' : 'rows list items'} that an earlier row lists; the first is read`,
      );
  }

  /** What a row of the log says of its item. */
  take(id: string, cells: readonly string[]): void {
    if (this.#title === undefined && this.#categories.length === 0) return;
    const title = this.#title === undefined ? '' : cells[this.#title];
    const known = this.#inLog.get(id);
    if (known === undefined) {
      const categories = this.#categories.map((index) => cells[index]);
      this.#inLog.set(detached(id), kept({ title, hints: [], categories }));
      return;
    }
    if (title !== known.title) {
      if (known.title === '') known.title = detached(title);
      else if (title !== '') this.#disagree.title.add(id);
    }
    this.#categories.forEach((index, level) => {
      if (cells[index] === known.categories[level]) return;
      if (known.categories.every((cell) => cell === ''))
        known.categories = this.#categories.map((each) => detached(cells[each]));
      else if (cells[index] !== '') this.#disagree.categories.add(id);
    });
  }

  /** Decides how categories are written, by all of them; says what is missing or disagrees. */
  finish(log: InteractionLog): void {
    const cells = new Set<string>();
    for (const texts of [this.#listed, this.#inLog])
      for (const { categories } of texts.values())
        if (categories.length === 1 && cells.size < MAX_CELLS) cells.add(categories[0]);
    const { items, log: part, item } = this.#layout;
    const own = this.#categories.length === 1 ? part.table.types[this.#categories[0]] : null;
    const reader = categoryReader(cells, items?.type ?? own);
    this.#levels = reader.levels;
    this.#words = cells.size > 0 ? reader.words : '';
    for (const what of ['title', 'categories'] as const) {
      const { size } = this.#disagree[what];
      if (size > 0)
        this.#problems.remark(
          part.table.file,
          `${size} of ${counted(log.itemIds.length, 'item')} ${verb(size, 'has', 'have')} more than one ${what === 'title' ? 'title' : 'category'} in its rows; the first is read`,
        );
    }
    if (items === null) return;
    const missing = log.itemIds.filter((id) => !this.#listed.has(id));
    if (missing.length > 0)
      this.#problems.remark(
        part.table.file,
        `${missing.length} of ${counted(log.itemIds.length, 'item')} (${item} ${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ', …' : ''}) ` +
          `${verb(missing.length, 'is', 'are')} not listed in ${items.table.file}; ${verb(missing.length, 'its id names it', 'their ids name them')}`,
      );
  }

  describe(id: string): ItemDescription {
    const listed = this.#listed.get(id) ?? NOTHING;
    const inLog = this.#inLog.get(id) ?? NOTHING;
    const title = listed.title || inLog.title;
    return {
      title: title === '' ? `${this.#layout.item} ${id}` : title,
      hints: [...listed.hints],
      categories: this.#levelsOf(listed) || this.#levelsOf(inLog) || [],
    };
  }

  notes(): string[] {
    const all = [...this.#listed.values(), ...this.#inLog.values()];
    const notes: string[] = [];
    if (!all.some(({ title }) => title !== ''))
      notes.push(
        'The file has no titles: items are named by their ids, which a language model learns little from.',
      );
    if (!all.some((raw) => this.#levelsOf(raw) !== null))
      notes.push('The file has no categories: all items are in one, so the Category accuracies say nothing.');
    else if (this.#words !== '') notes.push(`Categories are read as ${this.#words}.`);
    return notes;
  }

  /** Null where nothing is said. */
  #levelsOf({ categories }: RawItem): string[] | null {
    const levels = (categories.length === 1 ? this.#levels(categories[0]) : categories).filter(
      (level) => level !== '',
    );
    return levels.length > 0 ? levels : null;
  }
}

/** With strings of their own: cells are views into pieces of the file. */
function kept({ title, hints, categories }: RawItem): RawItem {
  return { title: detached(title), hints: hints.map(detached), categories: categories.map(detached) };
}
