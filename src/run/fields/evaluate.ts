/** How many held-out examples are answered, and how often. */
import { field } from './field';
import { whole } from './kinds';

export const evaluate = {
  users: field(
    whole(1, 100_000),
    { tiny: 200, small: 1000, base: 1000, medium: 1000, large: 1000 },
    { version2: 1000, help: 'Held-out test users of the stage table.', unit: 'users' },
  ),
  curve_users: field(
    whole(1, 10_000),
    { tiny: 64, small: 128, base: 128, medium: 128, large: 128 },
    { help: 'Held-out validation users of the curves that are drawn while POPO trains.', unit: 'users' },
  ),
  curve_every: field(
    whole(1, 1_000_000),
    { tiny: 15, small: 10, base: 10, medium: 10, large: 10 },
    { help: 'Steps of POPO from one point of those curves to the next.', unit: 'steps' },
  ),
};
