/** How large the next run is where its data were imported: it follows them, until something else is chosen by hand. */
import { computed, type ReadonlySignal } from '@preact/signals';
import type { RunConfig } from '../../run/config';
import { diffFromPreset } from '../../run/diff';
import { defaultConfig } from '../../run/presets';
import { isSized, type SizedDevice } from '../../run/sizing';
import type { ImportSummary } from '../../worker/protocol';
import type { createForm } from './form';

interface Sized {
  config: ReadonlySignal<RunConfig>;
  imports: ReadonlySignal<ImportSummary[]>;
  /** What would train. */
  sizedDevice: ReadonlySignal<SizedDevice>;
  /** The preset was chosen by the page, for the device's sake. */
  isFitted: ReadonlySignal<boolean>;
  form: Pick<ReturnType<typeof createForm>, 'chooseSized' | 'choosePreset' | 'chooseWorld'>;
  /** Settled once the device is known, or cannot be. */
  described(): Promise<void>;
}

/** What is no part of a size. */
const OWN = /^(seed$|popo\.weighting$|data\.)/;

export function createSizing({ config, imports, sizedDevice, isFitted, form, described }: Sized) {
  /** The imported data set that the form names; null for a world, and while it is not known. */
  const imported = computed(() => {
    const { source, sha256 } = config.value.data;
    return source === 'import' ? (imports.value.find((known) => known.sha256 === sha256) ?? null) : null;
  });

  /** The data set that a run was sized to last, which may be gone by now. */
  let sizedTo: ImportSummary | null = null;

  /** Sizes the next run to the imported data set, once the device is known; nothing without one. */
  async function size(): Promise<void> {
    await described();
    if (imported.value === null) return;
    sizedTo = imported.value;
    form.chooseSized(sizedTo, sizedDevice.value);
  }

  function isSizedToData(): boolean {
    return sizedTo !== null && isSized(config.value, sizedTo, sizedDevice.value);
  }

  /** Of what `auto` would replace, nothing was chosen by hand. */
  function isUnchosen(): boolean {
    if (isSizedToData()) return true;
    const { preset, version } = config.value;
    const given = defaultConfig();
    const isGiven = preset === (isFitted.value ? 'tiny' : given.preset) && version === given.version;
    return isGiven && Object.keys(diffFromPreset(config.value)).every((path) => OWN.test(path));
  }

  /** A world in the place of imported data; what was sized to those goes with them. */
  function chooseWorld(world: RunConfig['data']['world']): void {
    if (isSizedToData()) form.choosePreset(config.value.preset);
    form.chooseWorld(world);
  }

  return { imported, size, isUnchosen, chooseWorld };
}
