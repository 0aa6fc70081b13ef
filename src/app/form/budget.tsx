import { useEffect } from 'preact/hooks';
import {
  budgetOf,
  deviceBytes,
  gigabytes,
  leastSeconds,
  memoryOfDevice,
  pageBytes,
  refusal,
} from '../../run/budget';
import { useSession } from '../state/context';
import { duration } from '../words/format';

/** Seconds that are worth a word. */
const LONG = 60;

/** What the run will take, or why it is too large for this device: Train is off then. */
export function BudgetWords() {
  const session = useSession();
  const config = session.config.value;
  const device = session.view.device.value;
  // An adapter that is a processor is warned of, and takes the plain kernels.
  const isProcessor = session.deviceWarning.value !== null && config.kernels === 'auto';
  const budget = budgetOf(config, { kernels: isProcessor ? 'portable' : config.kernels });
  const problem = device === null ? null : refusal(budget, config, { device, memory: memoryOfDevice() });
  useEffect(() => {
    session.tooLarge.value = problem;
  }, [session, problem]);
  if (device === null || session.busy.value) return null;
  if (problem !== null)
    return (
      <p class="problem" role="alert" data-notice="budget">
        {problem}
      </p>
    );
  const seconds = leastSeconds(budget, device);
  const own = gigabytes(pageBytes(budget, device.backend));
  return (
    <p class="device faint">
      Takes about{' '}
      {device.backend === 'webgpu'
        ? `${gigabytes(deviceBytes(budget))} of GPU memory and ${own} of the page's`
        : `${own} of memory`}
      {seconds >= LONG && `, and at least ${duration(seconds)}`}.
    </p>
  );
}
