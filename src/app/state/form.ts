/** What a person does to the config of the next run. Nothing here starts one. */
import { batch, type ReadonlySignal, type Signal } from '@preact/signals';
import type { RunChange } from '../../run/changes';
import type { RunConfig } from '../../run/config';
import { type PresetName, type PresetRef, presetConfig } from '../../run/presets';
import type { Fingerprint } from '../../run/report';
import { type DataSize, type SizedDevice, sizedConfig } from '../../run/sizing';

interface FormSignals {
  config: Signal<RunConfig>;
  /** While a run is on, the form is read-only. */
  busy: ReadonlySignal<boolean>;
  /** The fingerprint that an opened link promised. */
  expected: Signal<Fingerprint | null>;
  teacherKey: Signal<string>;
  /** What the link that the form holds tells of: changes of the config while the run goes on. */
  changes: Signal<readonly RunChange[]>;
  /** The preset is the one that the page came with: nobody has chosen one. */
  isGiven: Signal<boolean>;
}

export function createForm({ config, busy, expected, teacherKey, changes, isGiven }: FormSignals) {
  /** Takes a config that was not made in the form. */
  function adopt(wanted: RunConfig, told: readonly RunChange[] = []): void {
    changes.value = told;
    isGiven.value = false;
    if (wanted.rupr.url !== config.value.rupr.url) teacherKey.value = '';
    config.value = wanted;
  }

  function edit(change: (draft: RunConfig) => void): void {
    if (busy.value) return;
    const draft = structuredClone(config.value);
    change(draft);
    // What an endpoint once said was said about those prompts and that teacher.
    if (draft.rupr.teacher === 'openai' && teaching(draft) !== teaching(config.value))
      draft.rupr.cots_sha256 = '';
    const { url } = config.value.rupr;
    batch(() => {
      if (url !== '' && url !== draft.rupr.url) teacherKey.value = '';
      config.value = draft;
      changes.value = [];
      expected.value = null;
    });
  }

  function chooseImport(sha256: string, map: string): void {
    const { data } = config.value;
    // The very files that an opened link asks for: what it promised still stands.
    if (data.source === 'import' && data.sha256 === sha256) return;
    edit((draft) => {
      Object.assign(draft.data, { source: 'import', sha256, map });
    });
  }

  function chooseCots(sha256: string): void {
    // The very set that an opened link asks for: what it promised still stands.
    if (config.value.rupr.cots_sha256 === sha256) return;
    edit(({ rupr }) => Object.assign(rupr, { teacher: 'file', url: '', model: '', cots_sha256: sha256 }));
  }

  function chooseTeacher(teacher: RunConfig['rupr']['teacher']): void {
    edit(({ rupr }) => Object.assign(rupr, { teacher, url: '', model: '', cots_sha256: '' }));
  }

  /** Presets of version 2 are made for the world `compatibility`, those of version 1 for the others. */
  function chooseWorld(world: RunConfig['data']['world']): void {
    edit((draft) => {
      const version = world === 'compatibility' ? 2 : 1;
      if (draft.version !== version) takePreset(draft, { preset: draft.preset, version });
      Object.assign(draft.data, { source: 'world', world, sha256: '', map: '' });
    });
  }

  /** Another preset keeps what was chosen beside it: seed, weighting and data. */
  function choosePreset(preset: PresetName): void {
    if (!busy.value) isGiven.value = false;
    edit((draft) => {
      const { source, world, sha256, map } = draft.data;
      takePreset(draft, { preset, version: draft.version });
      Object.assign(draft.data, { source, world, sha256, map });
    });
  }

  /** All but seed, weighting and data follows the data. */
  function chooseSized(data: DataSize, device: SizedDevice): void {
    if (!busy.value) isGiven.value = false;
    edit((draft) => Object.assign(draft, sizedConfig(data, device, draft)));
  }

  return { adopt, edit, chooseSized, chooseImport, chooseCots, chooseTeacher, chooseWorld, choosePreset };
}

/** All of a preset but for seed and weighting. */
function takePreset(draft: RunConfig, of: PresetRef): void {
  const { seed } = draft;
  const { weighting } = draft.popo;
  Object.assign(draft, presetConfig(of), { seed });
  draft.popo.weighting = weighting;
}

/** Everything that decides what a teacher is asked. */
function teaching({ seed, data, text, rupr: { cots_sha256, ...rupr } }: RunConfig): string {
  return JSON.stringify([seed, data, text, rupr]);
}
