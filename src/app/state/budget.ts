/** Whether this device can do what the form asks for. The estimate's code is fetched once there is a device to compare with. */
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { RunConfig } from '../../run/config';
import type { DeviceInfo } from '../../run/report';
import type { ImportSummary } from '../../worker/protocol';

interface Asked {
  config: ReadonlySignal<RunConfig>;
  device: ReadonlySignal<DeviceInfo | null>;
  /** An adapter that is a processor is warned of, and takes the plain kernels. */
  deviceWarning: ReadonlySignal<string | null>;
  imports: ReadonlySignal<ImportSummary[]>;
  listImports(): Promise<void>;
}

export function createBudget({ config, device, deviceWarning, imports, listImports }: Asked) {
  let isTried = false;
  const code = signal<typeof import('../../run/budget') | null>(null);

  /** What the next run takes, and why that is too much; null while it is not known. */
  const estimate = computed(() => {
    const [rules, wanted, here] = [code.value, config.value, device.value];
    if (rules === null || here === null) return null;
    const { source, sha256 } = wanted.data;
    const data = source === 'import' ? imports.value.find((known) => known.sha256 === sha256) : null;
    const isProcessor = deviceWarning.value !== null && wanted.kernels === 'auto';
    const budget = rules.budgetOf(wanted, {
      data,
      kernels: isProcessor ? 'portable' : wanted.kernels,
      limits: here.limits,
    });
    const problem = rules.refusal(budget, wanted, { device: here, memory: rules.memoryOfDevice() });
    return { budget, device: here, problem };
  });

  let isListed = false;
  // A data set's own numbers, also where the list of data sets was never opened.
  effect(() => {
    if (isListed || config.value.data.source !== 'import') return;
    isListed = true;
    void listImports();
  });

  /** Where the code cannot be had, the training worker finds out by itself. */
  async function load(): Promise<void> {
    if (code.value === null) code.value = await import('../../run/budget').catch(() => null);
    isTried = true;
  }

  /** Whether there is a device, and not yet what to compare it with. */
  const isAwaited = () => device.value !== null && !isTried;

  return { estimate, load, isAwaited, tooLarge: computed(() => estimate.value?.problem ?? null) };
}
