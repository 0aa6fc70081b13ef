import { deviceBytes, gigabytes, leastSeconds, pageBytes } from '../../run/budget';
import { useSession } from '../state/context';
import { inFieldWords } from '../words/fieldWords';
import { duration } from '../words/format';

/** Seconds that are worth a word. */
const LONG = 60;

/** What the run will take, or why it is too large for this device: Train is off then. */
export function BudgetWords() {
  const session = useSession();
  const estimate = session.estimate.value;
  if (estimate === null || session.busy.value) return null;
  const { budget, device, problem } = estimate;
  if (problem !== null)
    return (
      <p class="problem" role="alert" data-notice="budget">
        {inFieldWords(problem)}
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
      {seconds >= LONG && session.times.times.value === null && `, and at least ${duration(seconds)}`}.
    </p>
  );
}
