import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { type DeviceTable, deviceRows, type MeasuredPart, markdownOf } from '../../run/deviceTable';
import { useSession } from '../state/context';
import { sentence } from '../words/sentence';
import '../styles/measure.css';

const WORDS: Readonly<Record<MeasuredPart, string>> = {
  products: 'Measuring multiply-adds and products…',
  tiny: 'Measuring a training step and rollouts of tiny…',
  small: 'Measuring a training step and rollouts of small…',
};

/** All that an owner of a GPU is told of it, with a row to set beside those of others. */
export function MeasureDevice() {
  const session = useSession();
  const part = useSignal<MeasuredPart | null>(null);
  const table = useSignal<DeviceTable | null>(null);
  const problem = useSignal<string | null>(null);
  const copied = useSignal<'no' | 'copied' | 'shown'>('no');
  // Whoever leaves wants no more of it.
  useEffect(
    () => () => {
      if (part.value !== null) void session.trainer().endMeasuring();
    },
    [session, part],
  );

  const measure = async () => {
    problem.value = null;
    copied.value = 'no';
    part.value = 'products';
    try {
      const found = await session.trainer().measureWhole((next) => {
        part.value = next;
      });
      if (found !== null) table.value = found;
    } catch (error) {
      problem.value = sentence(error);
    }
    part.value = null;
  };
  const copy = async (found: DeviceTable) => {
    try {
      await navigator.clipboard.writeText(markdownOf(found));
      copied.value = 'copied';
    } catch {
      // No permission, or not a secure context: show it to be copied by hand.
      copied.value = 'shown';
    }
  };
  const isBusy = session.busy.value;
  const isOn = part.value !== null;
  const found = table.value;
  return (
    <div class="group measure">
      <h2>
        This device <small>how fast it multiplies, trains and samples</small>
      </h2>
      <p>
        <button
          type="button"
          data-action={isOn ? 'end-measuring' : 'measure-device'}
          disabled={isBusy}
          onClick={() => void (isOn ? session.trainer().endMeasuring() : measure())}
        >
          {isOn ? 'Cancel' : found === null ? 'Measure this device' : 'Measure again'}
        </button>
        {found !== null && !isOn && (
          <button type="button" data-action="copy-row" onClick={() => void copy(found)}>
            {copied.value === 'copied' ? 'Row copied' : 'Copy row'}
          </button>
        )}
        <span class="faint" role="status">
          {isBusy
            ? 'A run is on: the device can be measured once it has ended.'
            : part.value !== null
              ? WORDS[part.value]
              : copied.value === 'copied'
                ? 'A Markdown table of one row is on the clipboard.'
                : ''}
        </span>
      </p>
      {problem.value !== null && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {copied.value === 'shown' && found !== null && (
        <textarea
          class="row-shown"
          readOnly
          rows={3}
          value={markdownOf(found)}
          aria-label="Row to copy"
          onFocus={(event) => event.currentTarget.select()}
        />
      )}
      {found !== null && (
        <table aria-label="What this device was measured to do">
          <tbody>
            {deviceRows(found).map(([label, value], index) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                <td translate={index < 2 ? false : undefined}>{value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
