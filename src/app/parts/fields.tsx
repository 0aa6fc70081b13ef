/** The fields that the form is made of. */

import { useSignal } from '@preact/signals';
import type { ConfigPath, RunConfig } from '../../run/config';
import type { LeafValue } from '../../run/fields/kinds';
import { fieldAt, leafAt, setLeaf, wordsOf } from '../../run/fields/paths';
import { useSession } from '../state/context';
import { inFieldWords, unreadWords } from '../words/fieldWords';

/**
 * A field of the config with the control that its entry asks for. It is disabled, and says why, while a run would not read it.
 * @param props.also fields that get the same value
 * @param props.label instead of the entry's, as is `props.hint`; the field's own name stands beside it
 * @param props.class of a number's field, beside `field`
 */
export function ConfigField(props: {
  path: ConfigPath;
  also?: readonly ConfigPath[];
  class?: string;
  label?: string;
  hint?: string;
}) {
  const { path, also = [] } = props;
  const config = useSession().config.value;
  const { control } = fieldAt(path).kind;
  const value = leafAt(config, path);
  const words = { ...wordsOf(path), ...named(path, props), unread: unreadWords(config, path) };
  const set = (draft: RunConfig, chosen: LeafValue) => {
    for (const each of [path, ...also]) setLeaf(draft, each, chosen);
  };
  switch (control.type) {
    case 'number':
      return <NumberField {...words} {...control} class={props.class} value={Number(value)} set={set} />;
    case 'choice':
      return <Choice {...words} value={String(value)} options={control.options} choose={set} />;
    case 'check':
      return <Check {...words} checked={value === true} set={set} />;
    case 'wordOrNumber': {
      const { words: options, number } = control;
      const isNumber = typeof value === 'number';
      return (
        <>
          <Choice
            {...words}
            value={isNumber ? A_NUMBER : String(value)}
            options={[...options, A_NUMBER]}
            choose={(draft, word) => set(draft, word === A_NUMBER ? number.start : word)}
          />
          {isNumber && <NumberField {...number} unread={words.unread} value={value} set={set} />}
        </>
      );
    }
    case 'own':
      return null;
  }
}

const A_NUMBER = 'a number';

function named(path: ConfigPath, { label, hint }: { label?: string; hint?: string }): Partial<Labelled> {
  const own = label === undefined ? {} : { label, name: path.slice(path.lastIndexOf('.') + 1) };
  return hint === undefined ? own : { ...own, hint };
}

interface Labelled {
  label: string;
  /** The field's own name, where it is to stand beside the label. */
  name?: string;
  /** A few words beside the label; empty for none. */
  hint: string;
  /** Why the field is not read now, which disables it; null when it is. */
  unread: string | null;
}

/** @param whole whether only integers fit; a value that does not fit is put back, and the range told */
export function NumberField(
  props: Labelled & {
    low: number;
    high: number;
    whole?: boolean;
    class?: string;
    value: number;
    set(draft: RunConfig, value: number): void;
  },
) {
  const session = useSession();
  const { low, high, whole = false } = props;
  /** Why what was typed does not fit. */
  const refused = useSignal<string | null>(null);
  return (
    <label class={props.class ? `field ${props.class}` : 'field'} title={props.unread ?? undefined}>
      <LabelOf {...props} />
      <input
        type="number"
        min={low}
        max={high}
        step={whole ? 1 : 'any'}
        inputMode={whole ? 'numeric' : undefined}
        disabled={props.unread !== null}
        aria-invalid={refused.value !== null}
        value={props.value}
        onChange={(event) => {
          const { value: text, valueAsNumber: value } = event.currentTarget;
          refused.value = whyUnfit({ low, high, whole }, value, text);
          if (refused.value === null) session.edit((draft) => props.set(draft, value));
          else event.currentTarget.value = String(props.value);
        }}
      />
      <FieldProblem why={refused.value} />
    </label>
  );
}

/** Why a number does not fit, in a sentence; null where it does. @param text as it was typed; empty for what is no number */
export function whyUnfit(
  { low, high, whole }: { low: number; high: number; whole: boolean },
  value: number,
  text: string,
): string | null {
  if (value >= low && value <= high && (!whole || Number.isInteger(value))) return null;
  return whole
    ? `Only a whole number from ${low} to ${high} fits, so ${text || 'it'} was not taken.`
    : `Only a number from ${low} to ${high} fits, so ${text || 'it'} was not taken.`;
}

/** What is wrong with a field, under it. */
export function FieldProblem({ why }: { why: string | null }) {
  if (why === null) return null;
  return (
    <small class="field-problem" role="alert">
      {inFieldWords(why)}
    </small>
  );
}

function Choice(
  props: Labelled & {
    value: string;
    options: readonly string[];
    choose(draft: RunConfig, value: string): void;
  },
) {
  const session = useSession();
  return (
    <label class="field" title={props.unread ?? undefined}>
      <LabelOf {...props} />
      <select
        value={props.value}
        disabled={props.unread !== null}
        onChange={(event) => {
          const value = event.currentTarget.value;
          session.edit((draft) => props.choose(draft, value));
        }}
      >
        {props.options.map((option) => (
          <option key={option} value={option} translate={option === A_NUMBER ? undefined : false}>
            {option}
          </option>
        ))}
      </select>
    </label>
  );
}

function Check(props: Labelled & { checked: boolean; set(draft: RunConfig, on: boolean): void }) {
  const session = useSession();
  return (
    <label class="check" title={props.unread ?? undefined}>
      <input
        type="checkbox"
        checked={props.checked}
        disabled={props.unread !== null}
        onChange={(event) => {
          const on = event.currentTarget.checked;
          session.edit((draft) => props.set(draft, on));
        }}
      />
      <LabelOf {...props} />
    </label>
  );
}

/** The words of a field, as every label of the form shows them. */
export function LabelOf({ label, name, hint }: { label: string; name?: string; hint: string }) {
  return (
    <span>
      {label} {name !== undefined && <code>{name}</code>} {hint !== '' && <small>{hint}</small>}
    </span>
  );
}
