/** MIND (Microsoft News): behaviors.tsv, a row for each visit with what was shown in it, and news.tsv. Neither has a header. */
import type { Table } from '../files/table';
import type { LayoutKind } from './layout';
import { fileNamed } from './named';

const VISITS = ['impression', 'user', 'time', 'history', 'impressions'];
const NEWS = [
  'news',
  'category',
  'subcategory',
  'title',
  'abstract',
  'url',
  'titleEntities',
  'abstractEntities',
];

export const mind: LayoutKind = {
  name: 'MIND',
  files: 'behaviors.tsv and news.tsv',
  async recognise({ files, open }) {
    const behaviours = fileNamed(files, 'behaviors.tsv');
    if (behaviours === null) return null;
    const visits = await open(behaviours, { columns: VISITS, delimiter: '\t' });
    if (visits === null || !visits.head.some((cells) => /(^|\s)N\d+-[01](\s|$)/.test(cells[4]))) return null;
    const news = fileNamed(files, 'news.tsv');
    const catalogue = news && (await open(news, { columns: NEWS, delimiter: '\t' }));
    const [id, category, subcategory, title] = [0, 1, 2, 3];
    return {
      name: 'MIND',
      id: 'mind',
      log: {
        table: clicksOf(visits),
        guesses: [],
        roles: { user: [0], item: [1], time: [2] },
      },
      items: catalogue && {
        table: catalogue,
        key: id,
        columns: [category, subcategory, title],
        guesses: [],
        raw: (cells) => ({
          title: cells[title],
          hints: [],
          categories: [cells[category], cells[subcategory]],
        }),
      },
      profiles: null,
      interaction: 'click',
      item: 'news',
      notes: [
        'MIND by Microsoft: the news that a user had read before the first visit stand in their order with that visit’s time, ' +
          'since the file has none of their own; then come the clicks of each visit. What was shown and not clicked is not read.',
      ],
      notRead: files
        .filter((file) => file !== behaviours && file !== news)
        .map(({ name }) => ({ file: name, reason: 'is no part of what is read of MIND' })),
    };
  },
};

/** A row for each click: a user's history once, before the first visit's clicks. */
function clicksOf(visits: Table): Table {
  const clicked = (shown: string) =>
    shown
      .split(' ')
      .filter((each) => each.endsWith('-1'))
      .map((each) => each.slice(0, -2));
  return {
    ...visits,
    columns: ['user', 'news', 'time'],
    types: [null, null, null],
    head: visits.head.flatMap(([, user, time, , shown]) => clicked(shown).map((item) => [user, item, time])),
    async rows(onRow, onProgress) {
      const met = new Set<string>();
      await visits.rows(([, user, time, history, shown], row) => {
        const before = met.has(user) ? [] : history.split(' ').filter((item) => item !== '');
        met.add(user);
        for (const item of [...before, ...clicked(shown)]) onRow([user, item, time], row);
      }, onProgress);
    },
  };
}
