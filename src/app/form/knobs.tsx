import { REWARDS, rewardWords } from '../../popo/rewards';
import { changeSentence } from '../../run/changes';
import type { ConfigPath } from '../../run/config';
import { diffFromPreset, formatLeaf } from '../../run/diff';
import type { FormGroup } from '../../run/fields/field';
import { shownIn, whyUnread, wordsOf } from '../../run/fields/paths';
import { ConfigField, Group, LabelOf, NumberField } from '../parts/fields';
import { withWeight } from '../parts/weights';
import { useSession } from '../state/context';
import { TeacherFields } from './teacher';

/** Fields with a control made for them. */
const OWN: { readonly [P in ConfigPath]?: () => ReturnType<typeof ConfigField> } = {
  'popo.rewards': Rewards,
  'popo.reward_weights': RewardWeights,
  'rupr.teacher': TeacherFields,
};

/** A field that sets another too. */
const ALSO: { readonly [P in ConfigPath]?: readonly ConfigPath[] } = {
  'popo.epsilon': ['popo.epsilon_high'],
};

/** Everything about the method that the first row leaves out, under the names TRL and the paper use. */
export function Knobs() {
  const session = useSession();
  const config = session.config.value;
  const diff = Object.entries(diffFromPreset(config)).filter(([path]) => !/^data\.[sm]/.test(path));
  return (
    <>
      <Group title="Alignment" note="POPO; names as in TRL's GRPOTrainer">
        <FieldsOf group="alignment" />
      </Group>
      <Group title="Reasoning" note="RUPR, ORFT and SFT; switch one off to see what it is worth">
        <FieldsOf group="reasoning" />
      </Group>
      <Group title="Ranking" note="Does its reasoning help an ordinary ranker?">
        <FieldsOf group="ranking" />
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
        {session.changes.value.map((change) => (
          <span key={`${change.stage} ${change.step}`}> {changeSentence(change)}</span>
        ))}
      </p>
    </>
  );
}

function FieldsOf({ group }: { group: FormGroup }) {
  return (
    <>
      {shownIn(group).map((path) => {
        const Own = OWN[path];
        return Own ? <Own key={path} /> : <ConfigField key={path} path={path} also={ALSO[path]} />;
      })}
    </>
  );
}

function Rewards() {
  const session = useSession();
  const { rewards } = session.config.value.popo;
  return (
    <fieldset class="rewards">
      <legend class="hidden">rewards</legend>
      <LabelOf {...wordsOf('popo.rewards')} />
      {REWARDS.map((name) => (
        <label key={name} title={rewardWords(name).sentence}>
          <input
            type="checkbox"
            checked={rewards.includes(name)}
            onChange={(event) => {
              const on = event.currentTarget.checked;
              const chosen = REWARDS.filter((other) => (other === name ? on : rewards.includes(other)));
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
  );
}

/** Of two rewards one slider, of more a number each; one reward has the whole weight. */
function RewardWeights() {
  const session = useSession();
  const config = session.config.value;
  const { rewards, reward_weights: weights } = config.popo;
  if (whyUnread(config, 'popo.reward_weights') !== null) return null;
  if (rewards.length > 2)
    return (
      <>
        {rewards.map((name, k) => (
          <NumberField
            key={name}
            label={`weight of ${name}`}
            hint="At the start; the others make room"
            unread={null}
            low={0}
            high={1}
            value={Number(weights[k].toFixed(4))}
            set={({ popo }, value) => {
              popo.reward_weights = withWeight(popo.reward_weights, k, value);
            }}
          />
        ))}
      </>
    );
  const { label, hint } = wordsOf('popo.reward_weights');
  return (
    <label class="field">
      <LabelOf label={label} hint={`${rewards[0]}, ${hint}`} />
      <span class="slider">
        <input
          type="range"
          min="0"
          max="1"
          step="0.05"
          value={weights[0]}
          onInput={(event) => {
            const semantic = event.currentTarget.valueAsNumber;
            session.edit((draft) => {
              draft.popo.reward_weights = [semantic, Number((1 - semantic).toFixed(2))];
            });
          }}
        />
        <output>{weights[0].toFixed(2)}</output>
      </span>
    </label>
  );
}
