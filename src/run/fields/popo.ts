/** POPO: GRPO with K rewards. Names are those of TRL's GRPOTrainer where it has one; popo/options.ts says more of each. */
import { AGGREGATIONS } from '../../popo/advantages';
import { REWARDS, type RewardName } from '../../popo/rewards';
import { RULES, ruleOf, WEIGHTINGS, type Weighting } from '../../popo/rules';
import { usesGradients } from '../../popo/rules/rule';
import { SEMANTIC } from './encoder';
import { field } from './field';
import { oneOf, real, realsOf, someOf, whole } from './kinds';

interface Facts {
  popo: {
    rewards: readonly RewardName[];
    weighting: Weighting;
    objective_max_norm: number;
    probe_every: number;
    num_iterations: number;
  };
}

type AnyRule = ReturnType<typeof ruleOf>;

/** The rules of which something holds, as people call them: `POPO, POPO-light or MGDA`. */
function named(is: (rule: AnyRule) => boolean, last: 'and' | 'or'): string {
  const names = RULES.filter(is).map(({ label }) => label);
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} ${last} ${names.at(-1)}`;
}

const movesWeights = ({ needs }: AnyRule) => needs !== 'nothing';
const measuresInfluence = ({ needs }: AnyRule) => needs === 'influence';
const measuresAll = ({ needs }: AnyRule) => needs === 'gram';
const bringsAggregation = ({ aggregation }: AnyRule) => aggregation !== null;
const by =
  (is: (rule: AnyRule) => boolean) =>
  ({ popo }: Facts) =>
    is(ruleOf(popo.weighting));

const SEVERAL = {
  holds: ({ popo }: Facts) => popo.rewards.length > 1,
  reason: 'One reward has the whole weight.',
};
const MOVED = {
  holds: (config: Facts) => SEVERAL.holds(config) && by(movesWeights)(config),
  reason: `Weights move only with ${named(movesWeights, 'or')}, and between at least two rewards.`,
};
const INFLUENCE = {
  holds: by(measuresInfluence),
  reason: `Only the weighting ${named(measuresInfluence, 'or')} measures influence.`,
};
const DESCENT = {
  holds: (config: Facts) => SEVERAL.holds(config) && INFLUENCE.holds(config),
  reason: `Only the weighting ${named(measuresInfluence, 'or')} moves weights by influence, and only between at least two rewards.`,
};
const INFLUENCE_ON_PROMPTS = {
  holds: (config: Facts) => INFLUENCE.holds(config) && config.popo.objective_max_norm === 0,
  reason: `Only the weighting ${named(measuresInfluence, 'or')} measures influence, and on all prompts unless popo.objective_max_norm is 0.`,
};
const GRADIENTS = {
  holds: by(usesGradients),
  reason: `Only ${named(usesGradients, 'and')} compare the gradients of single rewards.`,
};
const GRADIENTS_OR_PROBE = {
  holds: (config: Facts) => by(usesGradients)(config) || config.popo.probe_every > 0,
  reason: `Gradients of single rewards are compared only by ${named(usesGradients, 'and')}, or where popo.probe_every is above 0.`,
};
const PROBE = {
  holds: (config: Facts) => !by(measuresAll)(config),
  reason: `${named(measuresAll, 'and')} measures the gradients at every step.`,
};
const AGGREGATION = {
  holds: (config: Facts) => !by(bringsAggregation)(config),
  reason: `${named(bringsAggregation, 'and')} bring their own.`,
};
const only = (weighting: Weighting, does: string) => ({
  holds: (config: Facts) => SEVERAL.holds(config) && config.popo.weighting === weighting,
  reason: `Only the weighting ${ruleOf(weighting).label} ${does}, and only between at least two rewards.`,
});
const CORRELATED = only('correlation', 'compares rewards with their sum');
const HELD = only('constraint', 'holds a reward');
const SECOND_UPDATE = {
  holds: ({ popo }: Facts) => popo.num_iterations > 1,
  reason:
    'The first update on some rollouts has a ratio of exactly 1: only popo.num_iterations above 1 can clip.',
};

export const popo = {
  steps: field(
    whole(0, 1_000_000),
    { tiny: 60, small: 150, base: 160, medium: 200, large: 200 },
    {
      version2: { tiny: 100, small: 150, base: 160, medium: 200, large: 200 },
      help: 'Steps of reinforcement: rollouts, then `num_iterations` updates. 0 leaves POPO out.',
      unit: 'steps',
      form: { group: 'alignment', hint: 'Policy updates', place: 8 },
    },
  ),
  prompts_per_step: field(
    whole(1, 1024),
    { tiny: 8, small: 32, base: 24, medium: 32, large: 32 },
    {
      version2: { tiny: 16, small: 32, base: 24, medium: 32, large: 32 },
      help: 'P, prompts of a step.',
      unit: 'prompts',
      form: { group: 'alignment', hint: 'P, shoppers per step', place: 7 },
    },
  ),
  num_generations: field(whole(1, 64), 8, {
    help: 'G, answers sampled per prompt.',
    unit: 'rollouts',
    form: { group: 'alignment', hint: 'G, answers sampled per prompt', place: 6 },
  }),
  keep: field(oneOf(['last', 'best']), 'last', {
    help:
      'Which model is handed over: the one after the last step, or, of those at the points of the held-out curve, the one with the highest ' +
      'L3 · CTCVR on validation users. A point with less than half of the different answers that SFT gave does not count. SFT is a point too.',
    form: { group: 'alignment', hint: 'The last model, or the best on validation users', place: 18 },
  }),
  learning_rate: field(
    real(0, 1),
    { tiny: 7e-4, small: 3e-4, base: 2e-4, medium: 1e-4, large: 5e-5 },
    {
      // At 7e-4 the semantic reward alone cost a weak model L3 (seed 22).
      version2: { tiny: 3e-4, small: 3e-4, base: 2e-4, medium: 1e-4, large: 5e-5 },
      help: 'Highest learning rate of the policy.',
      form: { group: 'alignment', hint: 'Of the policy', place: 9 },
    },
  ),
  rewards: field(someOf(REWARDS, 'reward'), ['semantic', 'id'], {
    help: 'What a rollout is paid for. K is their number.',
    form: { group: 'alignment', hint: 'What an answer is paid for', place: 0 },
  }),
  weighting: field(oneOf(WEIGHTINGS), 'popo', {
    help: 'How the K rewards are weighed against each other at each step.',
    form: { group: 'own', label: 'Weighting' },
  }),
  reward_weights: field(realsOf(0, 1, 'weights'), [0.5, 0.5], {
    help:
      'One weight per reward, which sum to 1: those of `fixed` and `gdpo`, and w(0) of rules that move them. With `conditioned` those of the ' +
      'model that is measured and handed over.',
    form: { group: 'alignment', hint: 'at the start', place: 12 },
    appliesWhen: SEVERAL,
  }),
  eta_over_mu: field(real(-1000, 1000), 0.1, {
    help: 'η/μ of mirror descent, the one knob of full POPO. Below 0 the reward with the smaller gradient gains weight.',
    form: { group: 'alignment', hint: 'How fast the weights move; below 0 towards the weaker', place: 1 },
    appliesWhen: DESCENT,
  }),
  influence: field(oneOf(['batch', 'halves', 'momentum']), 'batch', {
    help:
      'Along which direction influence is measured. `batch`: the gradient of the same rollouts, as in the paper, which counts noise as ' +
      'influence. `halves`: that of one half of the prompts, measured on the other. `momentum`: AdamW’s mean gradient.',
    form: { group: 'alignment', hint: 'batch counts noise as influence', place: 17 },
    appliesWhen: INFLUENCE,
  }),
  influence_scope: field(oneOf(['all', 'last_layer']), 'all', {
    help: 'Over which weights of the model gradients are compared: all, or those of the last block’s matrices.',
    appliesWhen: GRADIENTS_OR_PROBE,
  }),
  influence_prompts: field(whole(0, 1024), 0, {
    help: 'On how many of the step’s prompts influence is measured. 0: on all. `halves` needs 2.',
    unit: 'prompts',
    form: { group: 'alignment', hint: 'Prompts it is measured on; 0: all', place: 3 },
    appliesWhen: INFLUENCE_ON_PROMPTS,
  }),
  influence_every: field(whole(1, 1_000_000), 1, {
    help: 'Steps from one change of POPO’s weights to the next.',
    unit: 'steps',
    form: { group: 'alignment', hint: 'Steps between changes of POPO’s weights', place: 2 },
    appliesWhen: INFLUENCE,
  }),
  objective_max_norm: field(real(0, 1e6), 0, {
    help: 'Norm to which each reward’s gradient is clipped before they are compared. 0: never. Above 0 only with `influence=batch`.',
    appliesWhen: GRADIENTS,
  }),
  min_weight: field(real(0, 1), 0, {
    help: 'No weight goes below it. At most 1 divided by the number of rewards.',
    form: { group: 'alignment', hint: 'No weight goes below', place: 4 },
    appliesWhen: MOVED,
  }),
  correlation_target: field(real(-1, 1), 0.3, {
    help:
      'Of `correlation`: a reward whose correlation with the weighted sum, within groups, is below it gains weight. One for all rewards, ' +
      'since a correlation has no scale.',
    form: {
      group: 'alignment',
      hint: 'Correlation with the sum below which a reward gains weight',
      place: 3.1,
    },
    appliesWhen: CORRELATED,
  }),
  correlation_rate: field(real(0, 100), 0.1, {
    help: 'Of `correlation`: how much ln w of a reward grows a step, for each unit that it lacks to the target.',
    form: { group: 'alignment', hint: 'How fast weights by correlation move', place: 3.2 },
    appliesWhen: CORRELATED,
  }),
  constrained: field(oneOf(REWARDS), 'semantic', {
    help: 'Of `constraint`: the reward that is held while the others are raised. One of `rewards`.',
    form: { group: 'alignment', hint: 'constraint: the reward that is held', place: 3.3 },
    appliesWhen: HELD,
  }),
  constraint_margin: field(real(0, 2), 1, {
    help:
      'Of `constraint`: which share of the level before alignment is held. That level is the mean reward of answers that the fine-tuned ' +
      'model samples to 256 of the training prompts.',
    form: { group: 'alignment', hint: 'constraint: the share of SFT’s level that is held', place: 3.4 },
    appliesWhen: HELD,
  }),
  constraint_step: field(real(0, 1000), 1, {
    help: 'Of `constraint`: η, how much the multiplier grows a step, for each unit that the mean reward is below its level.',
    form: { group: 'alignment', hint: 'How fast the held reward gains or loses weight', place: 3.5 },
    appliesWhen: HELD,
  }),
  semantic_exponent: field(real(0.1, 10), 2, {
    help: 'Power of the clamped cosine in the semantic reward. The paper’s is 1, which lets a small model collapse.',
    appliesWhen: SEMANTIC,
  }),
  probe_every: field(whole(0, 1_000_000), 10, {
    help: 'Every how many steps each reward’s gradient is measured for the charts where the weighting does not need it. 0: never.',
    unit: 'steps',
    appliesWhen: PROBE,
  }),
  beta: field(real(0, 100), 0.1, {
    help: 'Weight of the KL term that holds the policy to the fine-tuned model. With 0 a small model collapses.',
    form: { group: 'alignment', hint: 'KL leash to SFT; 0 collapses', place: 5 },
  }),
  epsilon: field(real(0, 10), 0.2, {
    help: 'How far the ratio of probabilities may fall below 1 before it is clipped. The form sets `epsilon_high` with it.',
    form: { group: 'alignment', hint: 'Clip of the ratio, both sides', place: 11 },
    appliesWhen: SECOND_UPDATE,
  }),
  epsilon_high: field(real(0, 10), 0.2, {
    help: 'How far it may rise above 1.',
    appliesWhen: SECOND_UPDATE,
  }),
  num_iterations: field(whole(1, 16), 1, {
    help: 'Updates on the rollouts of one step.',
    unit: 'updates',
    form: {
      group: 'alignment',
      hint: 'Updates on each step’s answers; the clip counts from the second',
      place: 10,
    },
  }),
  temperature: field(real(0.01, 10), 1, {
    help: 'Of sampled answers, and of the probabilities in the loss.',
    form: {
      group: 'alignment',
      hint: 'Of sampled answers, and of the probabilities in the loss',
      place: 10,
    },
  }),
  top_k: field(whole(0, 65_536), 0, {
    help: 'Tokens are sampled from so many of the likeliest. 0: from all.',
    unit: 'tokens',
  }),
  loss_type: field(oneOf(['grpo', 'bnpo', 'dapo', 'dr_grpo']), 'grpo', {
    help: 'How the losses of tokens become one number.',
    form: { group: 'alignment', hint: 'How token losses are averaged', place: 14 },
  }),
  scale_rewards: field(oneOf(['group', 'batch', 'none']), 'group', {
    version2: 'batch',
    help: 'Which deviation an advantage is divided by: its group’s, the whole batch’s, or none.',
    form: {
      group: 'alignment',
      hint: 'What an advantage is divided by; batch did best at tiny',
      place: 15,
    },
  }),
  multi_objective_aggregation: field(oneOf(AGGREGATIONS), 'sum_then_normalize', {
    help:
      'Whether rewards are summed before they are normalised, each normalised first (GDPO), their advantages added, or their weighted ' +
      'geometric mean taken.',
    form: { group: 'alignment', label: 'aggregation', hint: 'GDPO and MGDA bring their own', place: 16 },
    appliesWhen: AGGREGATION,
  }),
};
