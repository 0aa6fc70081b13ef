import { useSignal } from '@preact/signals';
import type { PreviewChoice } from '../../../data/preview';
import { useSession } from '../../state/context';
import { placed, withRole } from './corrections';
import { LookAtThis } from './lookAtThis';
import { NEEDED, placeWords, ROLE_WORDS } from './roleWords';

interface RoleFieldProps {
  choice: PreviewChoice;
  /** What a person said; undefined: nothing, so that the guess stands. */
  chosen: readonly string[] | undefined;
  map: string;
}

/** The columns that stand for a role, a menu for each, and why they do. */
export function RoleField({ choice, chosen, map }: RoleFieldProps) {
  const { data } = useSession();
  /** Whether a menu is open for one more column. */
  const adding = useSignal(false);
  const { role, options } = choice;
  const columns = chosen ?? choice.columns;
  const { more } = ROLE_WORDS[role];
  const most = role === 'time' ? 2 : options.length;
  const places = columns.length === 0 || adding.value ? [...columns, ''] : columns;
  const choose = (place: number, column: string) => {
    adding.value = false;
    void data.readAgain(withRole(map, role, placed(columns, place, column)));
  };
  return (
    <div class="preview-role">
      {places.map((column, place) => (
        <label key={placeWords(role, place)} class="field">
          <span>
            {placeWords(role, place)} {place === 0 && !choice.sure && <LookAtThis />}
          </span>
          <select
            data-role={role}
            value={column}
            onChange={({ currentTarget }) => choose(place, currentTarget.value)}
          >
            {(column === '' || !NEEDED.has(role)) && (
              <option value="">{NEEDED.has(role) ? 'choose a column' : 'not read'}</option>
            )}
            {listed(options, column).map((option) => (
              <option key={option} value={option} translate={false}>
                {option}
              </option>
            ))}
          </select>
        </label>
      ))}
      <p class="faint">
        {choice.why}{' '}
        {more !== null && columns.length > 0 && columns.length < most && !adding.value && (
          <button
            type="button"
            class="inline"
            onClick={() => {
              adding.value = true;
            }}
          >
            {more}
          </button>
        )}
      </p>
    </div>
  );
}

/** A column may have been named in another way than the menu names it. */
function listed(options: readonly string[], column: string): readonly string[] {
  return column === '' || options.includes(column) ? options : [column, ...options];
}
