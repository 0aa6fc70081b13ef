/** MovieLens (GroupLens), the releases with ratings.csv and movies.csv: latest-small, 20M, 25M, 32M. */
import type { ImportedTables, ItemDescription } from '../assemble';
import { parseTime } from '../columns/times';
import type { Problems } from '../files/sources';
import { readTable } from '../files/table';
import { InteractionLog } from '../interactions';
import { conversionThreshold } from './plainInteractions';

/** @throws ImportError when a table lacks a column that is needed */
export function readMovieLens(
  files: { ratings: Uint8Array; movies: Uint8Array },
  problems: Problems,
  onProgress: (fraction: number) => void,
): ImportedTables {
  const movies = new Map<string, ItemDescription>();
  readTable(
    { file: 'movies.csv', bytes: files.movies, problems },
    { required: { movie: ['movieid'], title: ['title'] }, optional: { genres: ['genres'] } },
    ({ movie, title, genres }) => {
      const [, name, year] = /^(.*?)\s*(?:\((\d{4})\))?$/s.exec(title)!;
      movies.set(movie, {
        title: articleFirst(name),
        hints: year ? [year] : [],
        categories: genres.startsWith('(') ? [] : genres.split('|'),
      });
    },
    (fraction) => onProgress(fraction * 0.1),
  );
  const log = new InteractionLog();
  let maximum = 0;
  readTable(
    { file: 'ratings.csv', bytes: files.ratings, problems },
    {
      required: { user: ['userid'], movie: ['movieid'], rating: ['rating'], time: ['timestamp'] },
      optional: {},
    },
    ({ user, movie, rating, time }, row) => {
      const [when, stars] = [parseTime(time), Number(rating)];
      if (Number.isNaN(when)) {
        problems.add('ratings.csv', row, 'no time that can be read', time);
      } else if (!Number.isFinite(stars)) {
        problems.add('ratings.csv', row, 'no rating that is a number', rating);
      } else {
        if (!movies.has(movie)) {
          problems.add(
            'ratings.csv',
            row,
            'a movie that movies.csv does not list; its number names it',
            movie,
          );
        }
        maximum = Math.max(maximum, stars);
        log.add(user, movie, when, stars);
      }
    },
    (fraction) => onProgress(0.1 + fraction * 0.9),
  );
  const threshold = conversionThreshold(maximum);
  return {
    id: 'movielens',
    log,
    describe: (id) => movies.get(id) ?? { title: `movie ${id}`, hints: [], categories: [] },
    profile: () => '',
    interaction: 'rating',
    converts: (rating) => rating >= threshold,
    conversion: `the rating is ${threshold} or more`,
    notes: [
      'MovieLens by GroupLens: ratings in the order they were given, which need not be the order of watching. The first ' +
        'genre is Category L1, the next two L2 and L3 where there are any: genres are no tree.',
    ],
  };
}

/** "Matrix, The" → "The Matrix". */
function articleFirst(title: string): string {
  const match = /^(.*), (the|a|an|les?|la|l'|der|die|das|el|los|las|il)(?= \(|$)(.*)$/is.exec(title);
  return match ? `${match[2]} ${match[1]}${match[3]}` : title;
}
