/** Fields that stand in no section. */
import { field, PRESET_NAMES, PRESET_VERSIONS } from './field';
import { exactly, oneOf, whole } from './kinds';

export const preset = field(
  oneOf(PRESET_NAMES),
  { tiny: 'tiny', small: 'small', base: 'base', medium: 'medium', large: 'large' },
  {
    help: 'The frozen preset that every other default comes from. `--preset` and the link name it; `--set` cannot.',
    form: { group: 'own', label: 'Preset' },
  },
);

export const version = field(
  exactly(PRESET_VERSIONS, '1 or 2, the versions of the presets that this app knows'),
  1,
  {
    version2: 2,
    help: 'Version of the frozen preset. `--version` and the link name it; `--set` cannot.',
  },
);

export const seed = field(whole(0, 4_294_967_295), 1, {
  help: 'Everything that is drawn at random is drawn by it: the world, the model’s first weights, the batches, the rollouts.',
  form: { group: 'own', label: 'Seed' },
});

export const kernels = field(oneOf(['auto', 'portable', 'tiled', 'tiled-f16']), 'auto', {
  help: 'Kernel variants, pinned so that a link reproduces. `auto` chooses by the adapter; the report and its link say what was chosen. `tiled-f16` is taken by choice alone: products read the weights rounded to f16, which halves what decoding reads; sums, gradients and the weights that are learnt and exported stay f32.',
});

/** Whether kernels round weights: by a person's choice alone, and so much that no others may stand in for them. */
export const roundsWeights = (kernels: string) => kernels === 'tiled-f16';
