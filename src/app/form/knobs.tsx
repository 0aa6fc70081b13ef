import { AGGREGATIONS } from '../../popo/advantages';
import { REWARDS, type RewardName } from '../../popo/rewards';
import { diffFromPreset, formatLeaf } from '../../run/diff';
import { Check, Choice, Group, NumberField, type NumberKnob } from '../parts/fields';
import { useSession } from '../state/context';
import { TeacherFields } from './teacher';

const RANKING: NumberKnob[] = [
  {
    path: 'users',
    label: 'users',
    hint: 'Newcomers to rank for; 0 leaves it out',
    get: ({ ranking }) => ranking.users,
    set: (config, value) => {
      config.ranking.users = value;
    },
    min: 0,
    max: 100_000,
    whole: true,
  },
  {
    path: 'subspaces',
    label: 'subspaces',
    hint: 'M, codes per user',
    get: ({ ranking }) => ranking.subspaces,
    set: (config, value) => {
      config.ranking.subspaces = value;
    },
    min: 1,
    max: 64,
    whole: true,
  },
  {
    path: 'bits',
    label: 'bits',
    hint: 'Of a code: one of 2^bits',
    get: ({ ranking }) => ranking.bits,
    set: (config, value) => {
      config.ranking.bits = value;
    },
    min: 1,
    max: 12,
    whole: true,
  },
];

const ALIGNMENT: NumberKnob[] = [
  {
    path: 'eta_over_mu',
    label: 'eta_over_mu',
    hint: 'How fast the weights move; below 0 towards the weaker',
    get: ({ popo }) => popo.eta_over_mu,
    set: (config, value) => {
      config.popo.eta_over_mu = value;
    },
    min: -1000,
    max: 1000,
  },
  {
    path: 'influence_every',
    label: 'influence_every',
    hint: 'Steps between changes of POPO’s weights',
    get: ({ popo }) => popo.influence_every,
    set: (config, value) => {
      config.popo.influence_every = value;
    },
    min: 1,
    max: 1_000_000,
    whole: true,
  },
  {
    path: 'influence_prompts',
    label: 'influence_prompts',
    hint: 'Prompts it is measured on; 0: all',
    get: ({ popo }) => popo.influence_prompts,
    set: (config, value) => {
      config.popo.influence_prompts = value;
    },
    min: 0,
    max: 1024,
    whole: true,
  },
  {
    path: 'min_weight',
    label: 'min_weight',
    hint: 'No weight goes below',
    get: ({ popo }) => popo.min_weight,
    set: (config, value) => {
      config.popo.min_weight = value;
    },
    min: 0,
    max: 1,
  },
  {
    path: 'beta',
    label: 'beta',
    hint: 'KL leash to SFT; 0 collapses',
    get: ({ popo }) => popo.beta,
    set: (config, value) => {
      config.popo.beta = value;
    },
    min: 0,
    max: 100,
  },
  {
    path: 'num_generations',
    label: 'num_generations',
    hint: 'G, answers sampled per prompt',
    get: ({ popo }) => popo.num_generations,
    set: (config, value) => {
      config.popo.num_generations = value;
    },
    min: 1,
    max: 64,
    whole: true,
  },
  {
    path: 'prompts_per_step',
    label: 'prompts_per_step',
    hint: 'P, shoppers per step',
    get: ({ popo }) => popo.prompts_per_step,
    set: (config, value) => {
      config.popo.prompts_per_step = value;
    },
    min: 1,
    max: 1024,
    whole: true,
  },
  {
    path: 'steps',
    label: 'steps',
    hint: 'Policy updates',
    get: ({ popo }) => popo.steps,
    set: (config, value) => {
      config.popo.steps = value;
    },
    min: 0,
    max: 1_000_000,
    whole: true,
  },
  {
    path: 'learning_rate',
    label: 'learning_rate',
    hint: 'Of the policy',
    get: ({ popo }) => popo.learning_rate,
    set: (config, value) => {
      config.popo.learning_rate = value;
    },
    min: 0,
    max: 1,
  },
  {
    path: 'temperature',
    label: 'temperature',
    hint: 'Of sampled answers, and of the probabilities in the loss',
    get: ({ popo }) => popo.temperature,
    set: (config, value) => {
      config.popo.temperature = value;
    },
    min: 0.01,
    max: 10,
  },
  {
    path: 'epsilon',
    label: 'epsilon',
    hint: 'Clip of the ratio, both sides',
    get: ({ popo }) => popo.epsilon,
    set: (config, value) => {
      config.popo.epsilon = value;
      config.popo.epsilon_high = value;
    },
    min: 0,
    max: 10,
  },
];

/** R of the paper, for a backbone far larger than these: where a person begins who wants another. */
const PAPERS_THRESHOLD = 4.6;

const THRESHOLD: NumberKnob = {
  path: 'orft.threshold',
  label: 'perplexity',
  hint: 'Reasoning below it is kept',
  get: ({ orft }) => (typeof orft.threshold === 'number' ? orft.threshold : Number.NaN),
  set: (config, value) => {
    config.orft.threshold = value;
  },
  min: 1,
  max: 1_000_000,
};

function weightKnob(name: RewardName, k: number): NumberKnob {
  return {
    path: `reward_weights.${k}`,
    label: `weight of ${name}`,
    hint: 'At the start; the others make room',
    get: ({ popo }) => Number(popo.reward_weights[k].toFixed(4)),
    set: ({ popo }, value) => {
      popo.reward_weights = withWeight(popo.reward_weights, k, value);
    },
    min: 0,
    max: 1,
  };
}

/** Weights that sum to 1 with the k-th at `value`: the others keep their proportions, or are alike where all were 0. */
export function withWeight(weights: readonly number[], k: number, value: number): number[] {
  const others = weights.reduce((sum, weight, index) => (index === k ? sum : sum + weight), 0);
  const rest = (weight: number) =>
    others > 0 ? (weight * (1 - value)) / others : (1 - value) / (weights.length - 1);
  return weights.map((weight, index) => (index === k ? value : rest(weight)));
}

/** Everything about the method that the first row leaves out, under the names TRL and the paper use. */
export function Knobs() {
  const session = useSession();
  const config = session.config.value;
  const diff = Object.entries(diffFromPreset(config)).filter(([path]) => !path.startsWith('data.s'));
  return (
    <>
      <Group title="Alignment" note="POPO; names as in TRL's GRPOTrainer">
        <fieldset class="rewards">
          <legend class="hidden">rewards</legend>
          <span>
            rewards <small>What an answer is paid for</small>
          </span>
          {REWARDS.map((name) => (
            <label key={name}>
              <input
                type="checkbox"
                checked={config.popo.rewards.includes(name)}
                onChange={(event) => {
                  const on = event.currentTarget.checked;
                  const chosen = REWARDS.filter((other) =>
                    other === name ? on : config.popo.rewards.includes(other),
                  );
                  if (chosen.length === 0) event.currentTarget.checked = true;
                  else
                    session.edit((draft) => {
                      draft.popo.rewards = chosen;
                      draft.popo.reward_weights = chosen.map(() => 1 / chosen.length);
                      draft.popo.min_weight = Math.min(draft.popo.min_weight, 1 / chosen.length);
                    });
                }}
              />{' '}
              {name}
            </label>
          ))}
        </fieldset>
        {ALIGNMENT.map((knob) => (
          <NumberField key={knob.path} knob={knob} config={config} />
        ))}
        {config.popo.rewards.length > 2 &&
          config.popo.rewards.map((name, k) => (
            <NumberField key={name} knob={weightKnob(name, k)} config={config} />
          ))}
        {config.popo.rewards.length === 2 && (
          <label class="field">
            <span>
              reward_weights <small>{config.popo.rewards[0]}, at the start</small>
            </span>
            <span class="slider">
              <input
                type="range"
                min="0"
                max="1"
                step="0.05"
                value={config.popo.reward_weights[0]}
                onInput={(event) => {
                  const semantic = event.currentTarget.valueAsNumber;
                  session.edit((draft) => {
                    draft.popo.reward_weights = [semantic, Number((1 - semantic).toFixed(2))];
                  });
                }}
              />
              <output>{config.popo.reward_weights[0].toFixed(2)}</output>
            </span>
          </label>
        )}
        <Choice
          label="semantic_reward"
          hint="use-lite loads 28 MB, once"
          value={config.encoder.semantic_reward}
          options={['catalogue', 'use-lite']}
          choose={(draft, value) => {
            draft.encoder.semantic_reward = value;
          }}
        />
        <Choice
          label="loss_type"
          hint="How token losses are averaged"
          value={config.popo.loss_type}
          options={['grpo', 'bnpo', 'dapo', 'dr_grpo']}
          choose={(draft, value) => {
            draft.popo.loss_type = value;
          }}
        />
        <Choice
          label="scale_rewards"
          hint="What an advantage is divided by; batch did best at tiny"
          value={config.popo.scale_rewards}
          options={['group', 'batch', 'none']}
          choose={(draft, value) => {
            draft.popo.scale_rewards = value;
          }}
        />
        <Choice
          label="aggregation"
          hint="GDPO and MGDA bring their own"
          value={config.popo.multi_objective_aggregation}
          options={AGGREGATIONS}
          choose={(draft, value) => {
            draft.popo.multi_objective_aggregation = value;
          }}
        />
        <Choice
          label="influence"
          hint="batch counts noise as influence"
          value={config.popo.influence}
          options={['batch', 'halves', 'momentum']}
          choose={(draft, value) => {
            draft.popo.influence = value;
          }}
        />
      </Group>
      <Group title="Reasoning" note="RUPR, ORFT and SFT; switch one off to see what it is worth">
        <TeacherFields />
        <Check
          label="Teacher is told the purchase"
          hint="Off: plain distillation, the control"
          checked={config.rupr.told}
          set={(draft, on) => {
            draft.rupr.told = on;
          }}
        />
        <Check
          label="Fine-tune on reasoning"
          hint="Off: answers only, the control"
          checked={config.sft.cot}
          set={(draft, on) => {
            draft.sft.cot = on;
          }}
        />
        <Choice
          label="Keep reasoning below"
          hint="margin compares within a prompt"
          value={typeof config.orft.threshold === 'number' ? 'a number' : config.orft.threshold}
          options={['median', 'margin', 'none', 'a number']}
          choose={(draft, value) => {
            draft.orft.threshold = value === 'a number' ? PAPERS_THRESHOLD : value;
          }}
        />
        {typeof config.orft.threshold === 'number' && <NumberField knob={THRESHOLD} config={config} />}
      </Group>
      <Group title="Ranking" note="Does its reasoning help an ordinary ranker?">
        {RANKING.map((knob) => (
          <NumberField key={knob.path} knob={knob} config={config} />
        ))}
      </Group>
      <p class="diff" aria-live="polite">
        {diff.length === 0 ? (
          <span class="faint">Exactly the frozen preset {config.preset}.</span>
        ) : (
          <>
            <span class="faint">Differs from {config.preset}: </span>
            {diff.map(([path, value], index) => (
              <span key={path}>
                {index > 0 && ', '}
                <code>
                  {path} = {formatLeaf(value)}
                </code>
              </span>
            ))}{' '}
            <button type="button" class="inline" onClick={() => session.choosePreset(config.preset)}>
              Restore the preset
            </button>
          </>
        )}
      </p>
    </>
  );
}
