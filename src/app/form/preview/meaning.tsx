import type { DateOrder } from '../../../data/columns/times';
import type { Mapping } from '../../../data/mapping';
import type { PreviewEvent, SeenFiles } from '../../../data/preview';
import { useSession } from '../../state/context';
import { count } from '../../words/format';
import { corrected } from './corrections';
import { LookAtThis } from './lookAtThis';
import { RoleField } from './roleField';

interface MeaningProps {
  seen: SeenFiles;
  /** What was chosen, also where it is still being read. */
  mapping: Mapping;
  /** The same as text. */
  map: string;
}

/** What columns, dates, ratings and events are taken for, each with a menu to correct it. */
export function Meaning({ seen, mapping, map }: MeaningProps) {
  const { dates, threshold, events } = seen;
  return (
    <div class="preview-meaning">
      <div class="preview-roles">
        {seen.choices.map((choice) => (
          <RoleField key={choice.role} choice={choice} chosen={mapping.roles[choice.role]} map={map} />
        ))}
      </div>
      {dates !== null && <Dates dates={dates} order={mapping.dates ?? dates.order} map={map} />}
      {threshold !== null && (
        <Threshold words={threshold.words} value={mapping.threshold ?? threshold.value} map={map} />
      )}
      {events !== null && <Events events={events} purchases={mapping.purchases} map={map} />}
    </div>
  );
}

const ORDERS: Record<DateOrder, string> = { dmy: 'Day first', mdy: 'Month first' };

function Dates(props: { dates: NonNullable<SeenFiles['dates']>; order: DateOrder; map: string }) {
  const { data } = useSession();
  const { isAmbiguous, words } = props.dates;
  return (
    <fieldset class="preview-field">
      <legend>Dates {isAmbiguous && <LookAtThis />}</legend>
      <div class="segments small">
        {(Object.keys(ORDERS) as DateOrder[]).map((order) => (
          <label key={order}>
            <input
              type="radio"
              name="preview-dates"
              checked={props.order === order}
              onChange={() => void data.readAgain(corrected(props.map, { dates: order }))}
            />
            <span>{ORDERS[order]}</span>
          </label>
        ))}
      </div>
      <p class="faint">{words}</p>
    </fieldset>
  );
}

function Threshold({ words, value, map }: { words: string; value: number; map: string }) {
  const { data } = useSession();
  return (
    <div class="preview-field">
      <label class="field">
        <span>A rating converts from</span>
        <input
          type="number"
          step="any"
          value={value}
          onChange={({ currentTarget }) => {
            const threshold = currentTarget.valueAsNumber;
            if (Number.isFinite(threshold)) void data.readAgain(corrected(map, { threshold }));
            else currentTarget.value = String(value);
          }}
        />
      </label>
      <p class="faint">{words}</p>
    </div>
  );
}

const MEANINGS: Record<PreviewEvent['meaning'], string> = {
  behaviour: 'a click',
  conversion: 'a click and a conversion',
  neither: 'not counted',
};

function Events(props: { events: readonly PreviewEvent[]; purchases: Mapping['purchases']; map: string }) {
  const { data } = useSession();
  const { events, map } = props;
  const converting = new Set(
    props.purchases ?? events.filter(({ meaning }) => meaning === 'conversion').map(({ value }) => value),
  );
  return (
    <fieldset class="preview-field">
      <legend>
        Events that are conversions <small class="faint">At least one</small>
      </legend>
      {events.map(({ value, rows, meaning }) => (
        <label key={value} class="check">
          <input
            type="checkbox"
            value={value}
            checked={converting.has(value)}
            onChange={({ currentTarget }) => {
              const chosen = new Set(converting);
              if (currentTarget.checked) chosen.add(value);
              else chosen.delete(value);
              if (chosen.size === 0) currentTarget.checked = true;
              else void data.readAgain(corrected(map, { purchases: [...chosen] }));
            }}
          />
          <span>
            {value}{' '}
            <small class="faint">
              {count(rows)} {rows === 1 ? 'row' : 'rows'}, {MEANINGS[meaning]}
            </small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
