/**
 * Models that nobody trains: their weights are computed from the ends of finished runs, and they are judged as those are, by the same
 * stage on the same users: rewarded soups (Ramé et al., arXiv 2306.04488), and a conditioned run at weights other than those it is handed over at.
 */
import { mixed } from '../model/mixture';
import type { RunConfig } from '../run/config';
import { STAGE_NAMES } from '../run/report';
import { copyState, type RunCheckpoint } from '../run/runState';

type Weights = Float32Array<ArrayBuffer>;

export interface Derivation {
  /** The methods whose runs it is made from. */
  from: readonly string[];
  /**
   * @param ends finished runs of these, of one seed and in this order; the moments of their optimisers may be 0
   * @returns the model's weights, a pool as theirs
   */
  parameters(ends: readonly RunCheckpoint[]): Weights;
}

/**
 * θ = λ θ₁ + (1 − λ) θ₀ of two runs that were aligned from one fine-tuned model (eq. 1 there).
 * @param share λ, of the second run; at 0 and 1 the weights are those of one run to the bit
 */
export function soup(from: readonly [string, string], share: number): Derivation {
  return {
    from,
    parameters(ends) {
      const [first, second] = ends.map(({ state }) => state.made.popo?.reference ?? null);
      if (first === null || second === null || !isSame(first, second))
        throw new Error(
          `The runs of ${from.join(' and ')} were not aligned from one and the same fine-tuned model, so that they cannot be mixed.`,
        );
      const [none, all] = ends.map(weightsOf);
      return mixed([
        { share: 1 - share, weights: none },
        { share, weights: all },
      ]);
    },
  };
}

/**
 * θ(w) = w θ₁ + (1 − w) θ₂ of the two ends of one conditioned run, whose rewards these belong to.
 * @param first w, of the run's first reward
 */
export function atWeights(from: string, first: number): Derivation {
  return {
    from: [from],
    parameters([{ model }]) {
      const ends = model?.ends ?? [];
      if (ends.length !== 2)
        throw new Error(`The run of ${from} has ${ends.length} ends instead of one for each of two rewards.`);
      return mixed(
        ends.map(({ parameters }, k) => ({ share: k === 0 ? first : 1 - first, weights: parameters })),
      );
    },
  };
}

/** Of a run that has a model. */
export function weightsOf({ model }: RunCheckpoint): Weights {
  if (model === null) throw new Error('A finished run has a model.');
  return model.parameters;
}

/** The stage that judges what came of RL. */
const JUDGING = STAGE_NAMES.indexOf('evaluate');

/**
 * The run of `config` as if its RL had ended with the derived weights: it stands before its judging, and all else is as its first
 * source's run left it.
 */
export function derivedCheckpoint(
  { parameters: derive }: Derivation,
  ends: readonly RunCheckpoint[],
  config: RunConfig,
): RunCheckpoint {
  const parameters = derive(ends);
  const [{ state }] = ends;
  const copied = copyState(state);
  const isBefore = (name: string) => (STAGE_NAMES as readonly string[]).indexOf(name) < JUDGING;
  const made = Object.fromEntries(Object.entries(copied.made).filter(([name]) => isBefore(name)));
  if (copied.made.popo === undefined) throw new Error('A finished run has passed its alignment.');
  return {
    state: {
      ...copied,
      config: { ...structuredClone(config), kernels: state.config.kernels },
      stage: 'evaluate',
      step: 0,
      stages: copied.stages.filter(({ name }) => isBefore(name)),
      // There is no step of it that was best, no last model beside it, and it has no ends of its own.
      made: { ...made, popo: { ...copied.made.popo, best: null, last: null, mixture: undefined } },
      work: { parts: {} },
      beginning: null,
    },
    model: {
      parameters,
      moment1: new Float32Array(parameters.length),
      moment2: new Float32Array(parameters.length),
    },
  };
}

function isSame(a: Weights, b: Weights): boolean {
  return a === b || (a.length === b.length && a.every((value, index) => value === b[index]));
}
