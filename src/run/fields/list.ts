/**
 * Every field of the config, in the order in which a config, a link and the reference name them. A new field is an entry of its
 * section's file; a new section joins this list.
 */
import { data } from './data';
import { encoder } from './encoder';
import { evaluate } from './evaluate';
import type { AnyField } from './field';
import type { Kind } from './kinds';
import { model } from './model';
import { optimizer } from './optimizer';
import { orft } from './orft';
import { popo } from './popo';
import { ranker } from './ranker';
import { ranking } from './ranking';
import { kernels, preset, seed, version } from './run';
import { rupr } from './rupr';
import { sft } from './sft';
import { text } from './text';
import { warmup } from './warmup';

export const FIELDS = {
  preset,
  version,
  seed,
  data,
  text,
  model,
  optimizer,
  warmup,
  rupr,
  orft,
  sft,
  ranker,
  encoder,
  popo,
  evaluate,
  ranking,
  kernels,
};

type Fields = typeof FIELDS;

/** What entries hold: of a section a record of its own. */
type Values<F> = {
  -readonly [K in keyof F]: F[K] extends { readonly kind: Kind<infer T> } ? T : Values<F[K]>;
};

/** The config of a run; docs/CONFIG.md lists its fields. */
export interface RunConfig extends Values<Fields> {}

/** Dotted path of a field, such as `popo.eta_over_mu`. */
export type ConfigPath = {
  [K in keyof Fields & string]: Fields[K] extends AnyField ? K : `${K}.${keyof Fields[K] & string}`;
}[keyof Fields & string];
