/** The settings behind More, by the stage that each is of. */
import type { ConfigPath } from '../../run/config';
import { CONFIG_PATHS, shownIn } from '../../run/fields/paths';
import { isLabelled, LABELS, type ShownPath } from '../words/fieldLabels';

export interface FieldGroup {
  title: string;
  note: string;
  /** Whether it is unfolded from the beginning. */
  isOpen: boolean;
  paths: readonly ShownPath[];
}

/** All fields of some sections, in the config's order. */
const of = (...sections: string[]) =>
  CONFIG_PATHS.filter(isLabelled).filter((path) =>
    sections.some((section) => path.startsWith(`${section}.`)),
  );
const alignment = shownIn('alignment').filter(isLabelled);
const judges: readonly ShownPath[] = ['popo.semantic_exponent'];

/** In the order of a run; each field stands in one. */
export const GROUPS: readonly FieldGroup[] = [
  { title: 'Data', note: 'What is generated, and how it is told', isOpen: false, paths: of('data', 'text') },
  { title: 'Model', note: 'Its shape, and AdamW', isOpen: false, paths: of('model', 'optimizer') },
  {
    title: 'Judges',
    note: 'Ranker and encoder, behind the two rewards',
    isOpen: false,
    paths: [...of('ranker', 'encoder').filter((path) => !alignment.includes(path)), ...judges],
  },
  { title: 'Warm-up', note: 'History in, next item out', isOpen: false, paths: of('warmup') },
  {
    title: 'Reasoning and rejection',
    note: 'RUPR and ORFT; switch one off to see what it is worth',
    isOpen: true,
    paths: of('rupr', 'orft'),
  },
  {
    title: 'Fine-tuning',
    note: 'SFT on what was kept',
    isOpen: true,
    paths: ['sft.cot', ...of('sft').filter((path) => path !== 'sft.cot')],
  },
  {
    title: 'Alignment',
    note: 'POPO; names as in TRL’s GRPOTrainer',
    isOpen: true,
    paths: [
      ...alignment,
      ...of('popo').filter((path) => !alignment.includes(path) && !judges.includes(path)),
    ],
  },
  {
    title: 'Evaluation',
    note: 'Held-out users, and whether its reasoning helps an ordinary ranker',
    isOpen: true,
    paths: of('evaluate', 'ranking'),
  },
  { title: 'Kernels', note: 'Pinned, so that a link reproduces', isOpen: false, paths: ['kernels'] },
];

/** Which fields a search finds: each of its words in the field's words, its name, or its help. */
export function found(path: ConfigPath, query: string, more: string): boolean {
  const text = `${isLabelled(path) ? LABELS[path] : ''} ${path} ${more}`.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
