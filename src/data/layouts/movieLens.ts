/** MovieLens (GroupLens): the releases with CSV (latest, 20M, 25M, 32M, Kaggle's copies), 1M and 100K. */
import type { SourceFile } from '../files/sources';
import type { Table } from '../files/table';
import type { ItemsPart, LayoutKind, Opened, RawItem } from './layout';
import { columnNamed, columnNeeded, columnsOf, fileNamed } from './named';

interface Release {
  ratings: string[];
  movies: string[];
  /** Of a file without a header line. */
  known?: { ratings: Form; movies: Form };
}

interface Form {
  columns: readonly string[];
  delimiter: string;
}

const RATING = ['userId', 'movieId', 'rating', 'timestamp'];
/** u.item of the 100K release: a flag for each genre. */
const GENRES_100K = [
  ...['unknown', 'Action', 'Adventure', 'Animation', "Children's", 'Comedy', 'Crime', 'Documentary', 'Drama'],
  ...[
    'Fantasy',
    'Film-Noir',
    'Horror',
    'Musical',
    'Mystery',
    'Romance',
    'Sci-Fi',
    'Thriller',
    'War',
    'Western',
  ],
];
const RELEASES: Release[] = [
  { ratings: ['ratings.csv', 'rating.csv'], movies: ['movies.csv', 'movie.csv'] },
  {
    ratings: ['ratings.dat'],
    movies: ['movies.dat'],
    known: {
      ratings: { columns: RATING, delimiter: '::' },
      movies: { columns: ['movieId', 'title', 'genres'], delimiter: '::' },
    },
  },
  {
    ratings: ['u.data'],
    movies: ['u.item'],
    known: {
      ratings: { columns: RATING, delimiter: '\t' },
      movies: {
        columns: ['movieId', 'title', 'released', 'video', 'address', ...GENRES_100K],
        delimiter: '|',
      },
    },
  },
];

export const movieLens: LayoutKind = {
  name: 'MovieLens',
  files: 'ratings and movies: ratings.csv and movies.csv, ratings.dat and movies.dat, or u.data and u.item',
  async recognise(opened) {
    for (const release of RELEASES) {
      const ratings = fileNamed(opened.files, ...release.ratings);
      const movies = fileNamed(opened.files, ...release.movies);
      if (ratings === null || movies === null) continue;
      const log = await opened.open(ratings, release.known?.ratings);
      const catalogue = await opened.open(movies, release.known?.movies);
      // A shop may call its files so: then its columns decide.
      if (log === null || catalogue === null || columnNamed(log, 'movieid') < 0) continue;
      return {
        name: 'MovieLens',
        id: 'movielens',
        log: {
          table: log,
          guesses: [],
          roles: {
            user: [columnNeeded(log, 'user', 'userid')],
            item: [columnNeeded(log, 'movie', 'movieid')],
            rating: [columnNeeded(log, 'rating', 'rating')],
            time: [columnNeeded(log, 'time', 'timestamp')],
          },
        },
        items: moviesPart(catalogue),
        profiles: null,
        interaction: 'rating',
        item: 'movie',
        notes: [
          'MovieLens by GroupLens: ratings in the order they were given, which need not be the order of watching. The first ' +
            'genre is Category L1, the next two L2 and L3 where there are any: genres are no tree.',
        ],
        notRead: leftOver(opened, [ratings, movies]),
      };
    }
    return null;
  },
};

function moviesPart(table: Table): ItemsPart {
  const title = columnNeeded(table, 'title', 'title');
  const genres = columnNamed(table, 'genres');
  const flags = GENRES_100K.map((genre) => table.columns.indexOf(genre)).filter((index) => index >= 0);
  return {
    table,
    key: columnNeeded(table, 'movie', 'movieid'),
    columns: [title, ...columnsOf(genres), ...flags],
    guesses: [],
    raw: (cells) => ({
      ...movie(cells[title]),
      categories: [
        genres >= 0
          ? cells[genres]
          : flags
              .filter((index) => cells[index] === '1')
              .map((index) => table.columns[index])
              .filter((genre) => genre !== 'unknown')
              .join('|'),
      ],
    }),
  };
}

/** "Matrix, The (1999)" → The Matrix, told from others of that name by its year; of a series the first. */
function movie(text: string): Omit<RawItem, 'categories'> {
  const [, name, year] = /^(.*?)\s*(?:\((\d{4})(?:\s*[-–]\s*(?:\d{4})?\s*)?\))?$/s.exec(text)!;
  return { title: articleFirst(name), hints: year ? [year] : [] };
}

/** "Matrix, The" → "The Matrix". */
function articleFirst(title: string): string {
  const match = /^(.*), (the|a|an|les?|la|l'|der|die|das|el|los|las|il)(?= \(|$)(.*)$/is.exec(title);
  return match ? `${match[2]} ${match[1]}${match[3]}` : title;
}

function leftOver({ files }: Opened, read: readonly SourceFile[]): { file: string; reason: string }[] {
  return files
    .filter((file) => !read.includes(file))
    .map(({ name }) => ({ file: name, reason: 'is no part of what is read of MovieLens' }));
}
