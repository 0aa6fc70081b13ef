import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { RunConfig } from '../../run/config';
import { shownIn, wordsOf } from '../../run/fields/paths';
import { endpointProblem, pageProblem } from '../../sft/endpoint';
import { normalEndpoint } from '../../sft/endpointAddress';
import { DeleteButton } from '../parts/deleteButton';
import { ConfigField, LabelOf } from '../parts/fields';
import { useSession } from '../state/context';
import { HINTS, isLabelled, LABELS } from '../words/fieldLabels';
import { count } from '../words/format';

type TeacherName = RunConfig['rupr']['teacher'];

const TEACHERS: Record<TeacherName, string> = {
  attributes: 'Built in',
  openai: 'A chat model you name',
  file: 'A file of reasoning',
};

/** Who writes the reasoning: nobody else sees a field of it unless another teacher is chosen. */
export function TeacherFields() {
  const session = useSession();
  const { teacher } = session.config.value.rupr;
  return (
    <>
      <label class="field">
        <LabelOf {...wordsOf('rupr.teacher')} />
        <select
          value={teacher}
          onChange={(event) => session.chooseTeacher(event.currentTarget.value as TeacherName)}
        >
          {Object.entries(TEACHERS).map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {teacher === 'openai' && <EndpointFields />}
      {teacher !== 'attributes' && <CotSets />}
    </>
  );
}

function EndpointFields() {
  const session = useSession();
  const { url, model } = session.config.value.rupr;
  /** An address that is refused stays on show and out of the config, which goes into links. */
  const refused = useSignal<{ text: string; problem: string } | null>(null);
  return (
    <>
      <label class="field">
        <LabelOf {...wordsOf('rupr.url')} />
        <input
          type="url"
          inputMode="url"
          autocomplete="off"
          spellcheck={false}
          placeholder="http://localhost:11434/v1"
          value={refused.value?.text ?? url}
          aria-invalid={refused.value !== null}
          onChange={(event) => {
            const text = event.currentTarget.value.trim();
            const problem = text === '' ? null : (endpointProblem(text) ?? pageProblem(text));
            refused.value = problem === null ? null : { text, problem };
            session.edit((draft) => {
              draft.rupr.url = problem === null && text !== '' ? normalEndpoint(text) : '';
            });
          }}
        />
      </label>
      <label class="field">
        <LabelOf {...wordsOf('rupr.model')} />
        <input
          type="text"
          autocomplete="off"
          spellcheck={false}
          placeholder="qwen2.5:7b"
          value={model}
          onChange={(event) => {
            const text = event.currentTarget.value.trim();
            session.edit((draft) => {
              draft.rupr.model = text;
            });
          }}
        />
      </label>
      <label class="field">
        <span>
          Key <small>If it wants one; never stored</small>
        </span>
        <input
          type="password"
          autocomplete="off"
          value={session.teacherKey.value}
          onInput={(event) => {
            session.teacherKey.value = event.currentTarget.value;
          }}
        />
      </label>
      {shownIn('asking')
        .filter(isLabelled)
        .map((path) => (
          <ConfigField key={path} path={path} label={LABELS[path]} hint={HINTS[path]} />
        ))}
      {refused.value !== null && (
        <p class="problem wide" role="alert">
          The address {refused.value.problem}.
        </p>
      )}
    </>
  );
}

/** Sets of CoTs on this device, and where to add one. */
function CotSets() {
  const session = useSession();
  const { teacher, cots_sha256: wanted } = session.config.value.rupr;
  const { sets, outcome, reading } = session.cots;
  useEffect(() => {
    void session.cots.listCots();
  }, [session]);
  const known = sets.value?.find(({ sha256 }) => sha256 === wanted) ?? null;
  const isMissing = wanted !== '' && sets.value !== null && known === null;
  const problem = outcome.value !== null && 'problem' in outcome.value ? outcome.value.problem : null;
  return (
    <div class="wide cot-sets">
      {(teacher === 'file' || isMissing) && (
        <label class="field">
          <span>
            File <small>{'JSONL: {"sampleId": …, "cot": …} a line'}</small>
          </span>
          <input
            type="file"
            data-files="cots"
            accept=".jsonl,.ndjson"
            disabled={reading.value}
            onChange={(event) => {
              const files = [...(event.currentTarget.files ?? [])];
              event.currentTarget.value = '';
              void session.cots.importCots(files);
            }}
          />
        </label>
      )}
      {teacher === 'file' && sets.value !== null && sets.value.length > 0 && (
        <label class="field">
          <span>
            On this device <small>Added or asked for before</small>
          </span>
          <select
            value={known?.sha256 ?? ''}
            onChange={(event) => {
              if (event.currentTarget.value !== '') session.chooseCots(event.currentTarget.value);
            }}
          >
            <option value="">Choose</option>
            {sets.value.map(({ sha256, name, cots, prompts }) => (
              <option key={sha256} value={sha256}>
                {name}: {count(cots)} for {count(prompts)} prompts
              </option>
            ))}
          </select>
        </label>
      )}
      <p class="cot-actions">
        {known !== null && (
          <DeleteButton
            class="inline"
            label="Delete this reasoning"
            question={`Delete ${count(known.cots)} chains of thought?`}
            remove={() => void session.cots.deleteCots(known.sha256)}
          />
        )}
        {teacher === 'openai' && wanted !== '' && (
          <button
            type="button"
            class="inline"
            onClick={() =>
              session.edit((draft) => {
                draft.rupr.cots_sha256 = '';
              })
            }
          >
            Ask the model anew
          </button>
        )}
        {teacher === 'openai' && (
          <DeleteButton
            class="inline"
            label="Delete the answers kept on this device"
            question={async () => {
              const answers = await session.cots.answers();
              return answers === null ? 'Delete all answers?' : `Delete ${count(answers)} answers?`;
            }}
            remove={() => void session.cots.forgetAnswers()}
          />
        )}
      </p>
      <div aria-live="polite">{problem !== null && <p class="problem">{problem}</p>}</div>
    </div>
  );
}
