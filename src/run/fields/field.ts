/**
 * A field of the config is one entry of one file of this folder, and everything about it stands there: what it may hold, what
 * each preset says, and what a person is told. The type `RunConfig`, the form, `--set`, the checks of links and docs/CONFIG.md
 * come from the entries.
 */
import type { Kind, LeafValue } from './kinds';

export const PRESET_NAMES = ['tiny', 'small', 'base', 'medium', 'large'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/** Of the presets: a version's numbers never change, so better ones are a new version. */
export const PRESET_VERSIONS = [1, 2] as const;
export type PresetVersion = (typeof PRESET_VERSIONS)[number];

/** Where in the form a field stands; `own`: it has a control made for it, somewhere on the page. */
export type FormGroup = 'alignment' | 'reasoning' | 'asking' | 'ranking' | 'own';

/** When a run reads a field. `Facts` is as much of a config as the answer depends on. */
export interface AppliesWhen<Facts> {
  readonly holds: (config: Facts) => boolean;
  /** Why a field is not read where this does not hold, as a sentence for people. */
  readonly reason: string;
}

interface About<Facts> {
  /** What it means: one or two sentences, for the reference. */
  help: string;
  unit?: string;
  /** A field without it is set by links and `--set` only. */
  form?: {
    group: FormGroup;
    /** The field's own name when left out. */
    label?: string;
    /** What a person reads beside the label. */
    hint?: string;
    /** Fields of a group stand by this number, those without it first, and then in the config's order. */
    place?: number;
  };
  /** A field without it is always read. */
  appliesWhen?: AppliesWhen<Facts>;
}

export interface Field<T extends LeafValue, Facts> extends About<Facts> {
  readonly kind: Kind<T>;
  /** What each preset of each version says. Frozen: see presets.ts. */
  readonly defaults: Readonly<Record<PresetVersion, PerPreset<T>>>;
}

type PerPreset<T> = Readonly<Record<PresetName, T>>;

/** Whatever it holds, and whatever its condition asks for. */
export type AnyField = Field<LeafValue, never>;

/**
 * @param defaults of version 1: one value for every preset, or one for each
 * @param about with what version 2 says where it says something else
 */
export function field<T extends LeafValue, Facts = unknown>(
  kind: Kind<T>,
  defaults: NoInfer<T> | PerPreset<NoInfer<T>>,
  about: About<Facts> & { version2?: NoInfer<T> | PerPreset<NoInfer<T>> },
): Field<T, Facts> {
  const { version2 = defaults, ...rest } = about;
  return { kind, defaults: { 1: each(defaults), 2: each(version2) }, ...rest };
}

function each<T extends LeafValue>(of: T | PerPreset<T>): PerPreset<T> {
  return typeof of === 'object' && !Array.isArray(of)
    ? of
    : { tiny: of, small: of, base: of, medium: of, large: of };
}
