import { sizedSentence } from '../../run/sizedSentence';
import { useSession } from '../state/context';

/** What `auto` read of imported data and the device, and what it chose. */
export function SizedToData() {
  const { imported, config, sizedDevice } = useSession();
  if (imported.value === null) return null;
  return <p class="device sized">{sizedSentence(imported.value, sizedDevice.value, config.value)}</p>;
}
