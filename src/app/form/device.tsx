import { parameterCount } from '../../model/parameters';
import type { RunConfig } from '../../run/config';
import { modelShape } from '../../run/config';
import { useSession } from '../state/context';
import { deviceWords } from '../words/deviceWords';
import { count } from '../words/format';

/** What will do the work, and how large the work is. */
export function Device() {
  const session = useSession();
  const device = session.view.device.value;
  const config = session.config.value;
  const warning = session.deviceWarning.value;
  const slow = session.isSlow.value;
  // Counted only for the run on show, which the form may have moved on from.
  const exact = config === session.runConfig.value ? session.view.parameters.value : null;
  const most = parameterCount(modelShape(config, config.text.vocab_size));
  return (
    <p class="device">
      <i class={`dot ${device === null ? 'unknown' : slow ? 'slow' : 'fast'}`} />
      {device === null ? 'Looking for a device' : deviceWords(device)}
      <span class="faint">
        {' '}
        · {exact === null ? `at most ${count(Number(most.toPrecision(2)))}` : count(exact)} parameters
      </span>
      <span class="faint">
        {' '}
        · {dataWords(config.data.source, config.data.world)}
        {warning !== null && '.'}
      </span>
      {warning !== null && <span class="device-warning"> {warning}</span>}
      {session.isFitted.value && config.preset === 'tiny' && (
        <span class="device-warning"> So the smallest preset, tiny, is chosen.</span>
      )}
      {slow && config.preset !== 'tiny' && !session.busy.value && (
        <>
          {' '}
          <button type="button" class="inline" onClick={() => session.choosePreset('tiny')}>
            Choose tiny
          </button>
        </>
      )}
    </p>
  );
}

function dataWords(source: 'world' | 'import', world: RunConfig['data']['world']): string {
  if (source === 'import') return 'your own data';
  return world === 'tradeoff' ? 'generated marketplace' : `generated marketplace, ${world}`;
}
