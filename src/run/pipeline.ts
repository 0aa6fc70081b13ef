/**
 * A run, top to bottom, as the method has it (Taiji, arXiv 2606.03866). Each stage is a file of `stages/`, under the
 * contract of `stage.ts`.
 *
 * The judges come first because they score every held-out row, from the warm-up's on. Test users appear in the stage
 * table and nowhere else; what is drawn while training comes from validation users.
 *
 * A run is a function of its config and data: every random stream is keyed by the seed and the step, so it can be cut at
 * any checkpoint and continued, in another tab or on another device of the same kind, to the same bits.
 */
import { type MadeOf, stageList } from './stageList';
import { baselines } from './stages/baselines';
import { data } from './stages/data';
import { encoder } from './stages/encoder';
import { evaluate } from './stages/evaluate';
import { features } from './stages/features';
import { orft } from './stages/orft';
import { popo } from './stages/popo';
import { ranker } from './stages/ranker';
import { ranking } from './stages/ranking';
import { rupr } from './stages/rupr';
import { sft } from './stages/sft';
import { tokenizer } from './stages/tokenizer';
import { warmup } from './stages/warmup';

const LIST = stageList()
  .add(data) // a world is generated from the seed, or a visitor's own data is read
  .add(tokenizer) // its vocabulary, which fixes the model's shape
  .add(ranker) // the judge of taste: clicks and conversions
  .add(encoder) // the judge of meaning: cosine of texts
  .add(warmup) // the backbone learns the catalogue, and history → next item
  .add(rupr) // a teacher that is told the next item argues backwards why it was wanted
  .add(orft) // reasoning is kept when it makes the true answer more likely
  .add(sft) // fine-tuning on the reasoning that survived
  .add(popo) // reinforcement learning with all rewards, weighed against each other
  .add(evaluate) // hit rates and CTCVR of people that it never saw
  .add(baselines) // what recommenders without language come to on the same people
  .add(features) // what the model says of newcomers, as vectors
  .add(ranking); // whether an ordinary ranker is better for knowing it

/** In the order they run. */
export const STAGES = LIST.stages;

/** What stages make and checkpoints keep, by the stage's name. */
export type Made = MadeOf<typeof LIST>;
