import { useSignal } from '@preact/signals';
import { REWARDS, rewardWords } from '../../popo/rewards';
import { type ConfigPath, parseConfig, type RunConfig } from '../../run/config';
import { diffFromPreset, formatLeaf } from '../../run/diff';
import { leafAt, setLeaf, shownIn, whyUnread, wordsOf } from '../../run/fields/paths';
import { presetConfig } from '../../run/presets';
import { ConfigField, LabelOf, NumberField } from '../parts/fields';
import { withWeight } from '../parts/weights';
import { useSession } from '../state/context';
import { changesInWords } from '../words/differences';
import { HINTS, LABELS, labelled, labelOf } from '../words/fieldLabels';
import { inFieldWords, unreadWords } from '../words/fieldWords';
import { said } from '../words/language';
import { sentence } from '../words/sentence';
import { type FieldGroup, found, GROUPS } from './fieldTable';
import { TeacherFields } from './teacher';
import '../styles/settings.css';

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

/** Pixels from which on the usual groups are unfolded. */
const WIDE = 700;

/** What belongs together: a set of rewards has as many weights. */
const UNDONE_WITH: { readonly [P in ConfigPath]?: readonly ConfigPath[] } = {
  ...ALSO,
  'popo.rewards': ['popo.reward_weights', 'popo.min_weight'],
  'rupr.teacher': ['rupr.url', 'rupr.model', 'rupr.cots_sha256'],
};

/** Every setting of a run that the first row leaves out, by stage, each in words beside its own name. */
export function Knobs() {
  const session = useSession();
  const config = session.config.value;
  const query = useSignal('');
  const onlyChanged = useSignal(false);
  const help = useSignal<ReadonlyMap<string, string>>(new Map());
  const preset = presetConfig({ preset: config.preset, version: config.version });
  const diff = Object.entries(diffFromPreset(config)).filter(([path]) => !/^data\.[sm]/.test(path));
  const asked = config.rupr.teacher === 'openai' ? shownIn('asking') : [];
  const isWanted = (path: FieldGroup['paths'][number]) =>
    !asked.includes(path) &&
    (!onlyChanged.value || isChanged(path, config, preset)) &&
    found(path, query.value, `${wordsOf(path).hint} ${shownWords(path)} ${help.value.get(path) ?? ''}`);
  const isFiltered = query.value.trim() !== '' || onlyChanged.value;
  const groups = GROUPS.map((group) => ({ ...group, paths: group.paths.filter(isWanted) }));
  const problem = problemOf(config);
  return (
    <>
      <div class="find-settings">
        <label class="field">
          <span>Find a setting</span>
          <input
            type="search"
            placeholder="temperature, leash, SASRec…"
            value={query.value}
            onFocus={async () => {
              // Without it a search finds by words and names alone.
              help.value = await loadHelp().catch(() => help.value);
            }}
            onInput={(event) => {
              query.value = event.currentTarget.value;
            }}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={onlyChanged.value}
            onChange={(event) => {
              onlyChanged.value = event.currentTarget.checked;
            }}
          />
          <span>Only what differs from the preset</span>
        </label>
      </div>
      {problem !== null && (
        <p class="problem wide" role="alert" data-notice="settings">
          {inFieldWords(problem)}
        </p>
      )}
      {groups.map((group) =>
        group.paths.length === 0 ? null : (
          <Group key={group.title} group={group} isFiltered={isFiltered} preset={preset} />
        ),
      )}
      {isFiltered && groups.every(({ paths }) => paths.length === 0) && (
        <p class="faint wide" role="status">
          {onlyChanged.value && query.value.trim() === ''
            ? 'Nothing differs from the preset.'
            : 'No setting is found by these words.'}
        </p>
      )}
      <p class="diff" aria-live="polite">
        {diff.length === 0 ? (
          <span class="faint">Exactly the frozen preset {config.preset}.</span>
        ) : (
          <>
            <span class="faint">Differs from {config.preset}: </span>
            {diff.map(([path, value], index) => (
              <span key={path}>
                {index > 0 && ', '}
                <span>{labelled(path as ConfigPath)}</span>{' '}
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
        {changesInWords(session.changes.value, config).map((words) => (
          <span key={words}> {words}</span>
        ))}
      </p>
    </>
  );
}

/** As they stand on the page, in whichever language. */
function shownWords(path: FieldGroup['paths'][number]): string {
  const { label, hint } = labelOf(path);
  return `${said(label)} ${said(hint)}`;
}

async function loadHelp(): Promise<ReadonlyMap<string, string>> {
  return (await import('./fieldHelp')).HELP;
}

/** What fields say together that no run can have, as Train would say it; null for nothing. */
function problemOf(config: RunConfig): string | null {
  try {
    parseConfig(config);
    return null;
  } catch (error) {
    return sentence(error);
  }
}

function isChanged(path: ConfigPath, config: RunConfig, preset: RunConfig): boolean {
  return [path, ...(ALSO[path] ?? [])].some(
    (each) => JSON.stringify(leafAt(config, each)) !== JSON.stringify(leafAt(preset, each)),
  );
}

function Group({ group, isFiltered, preset }: { group: FieldGroup; isFiltered: boolean; preset: RunConfig }) {
  const config = useSession().config.value;
  // On a phone they would be ten screens.
  const isOpen = useSignal(group.isOpen && globalThis.innerWidth >= WIDE);
  const changed = group.paths.filter((path) => isChanged(path, config, preset)).length;
  return (
    <details
      class="group"
      open={isFiltered || isOpen.value}
      onToggle={(event) => {
        if (!isFiltered) isOpen.value = event.currentTarget.open;
      }}
    >
      <summary>
        <h2>
          {group.title} <small>{group.note}</small>
        </h2>
        {changed > 0 && <span class="changed-count">{changed} changed</span>}
      </summary>
      <div class="group-fields">
        {group.paths.map((path) => (
          <Knob key={path} path={path} preset={preset} />
        ))}
      </div>
    </details>
  );
}

/** A field with what it was in the preset one press away, and why it is not read. */
function Knob({ path, preset }: { path: FieldGroup['paths'][number]; preset: RunConfig }) {
  const session = useSession();
  const config = session.config.value;
  const unread = unreadWords(config, path);
  const differs = isChanged(path, config, preset);
  const Own = OWN[path];
  return (
    <div class="knob" data-field={path} data-changed={differs}>
      {Own ? <Own /> : <ConfigField path={path} also={ALSO[path]} label={LABELS[path]} hint={HINTS[path]} />}
      {unread !== null && <small class="unread">{unread}</small>}
      {differs && (
        <button
          type="button"
          class="inline undo"
          aria-label={`Undo: ${LABELS[path]}`}
          title={`In the preset it is ${formatLeaf(leafAt(preset, path)) || 'empty'}`}
          onClick={() =>
            session.edit((draft) => {
              for (const each of [path, ...(UNDONE_WITH[path] ?? [])])
                setLeaf(draft, each, structuredClone(leafAt(preset, each)));
            })
          }
        >
          Undo
        </button>
      )}
    </div>
  );
}

function Rewards() {
  const session = useSession();
  const { rewards } = session.config.value.popo;
  return (
    <fieldset class="rewards">
      <legend class="hidden">rewards</legend>
      <LabelOf {...labelOf('popo.rewards')} />
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
  const isAlone = whyUnread(config, 'popo.reward_weights') !== null;
  if (rewards.length > 2)
    return (
      <>
        {rewards.map((name, k) => (
          <NumberField
            key={name}
            label={`Weight of ${name} at the start`}
            name="reward_weights"
            hint="The others make room"
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
  return (
    <label class="field">
      <LabelOf
        label={`Weight of ${rewards[0]} at the start`}
        name="reward_weights"
        hint={isAlone ? '' : `The rest is the weight of ${rewards[1]}`}
      />
      <span class="slider">
        <input
          type="range"
          min="0"
          max="1"
          step="0.05"
          disabled={isAlone}
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
