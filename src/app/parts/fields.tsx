/** The fields that the form is made of, and groups of them. */
import type { ComponentChildren } from 'preact';
import type { RunConfig } from '../../run/config';
import { useSession } from '../state/context';

export interface NumberKnob {
  path: string;
  label: string;
  hint: string;
  get(config: RunConfig): number;
  set(config: RunConfig, value: number): void;
  min: number;
  max: number;
  whole?: boolean;
}

export function Group({
  title,
  note,
  children,
}: {
  title: string;
  note: string;
  children: ComponentChildren;
}) {
  return (
    <div class="group">
      <h2>
        {title} <small>{note}</small>
      </h2>
      <div class="group-fields">{children}</div>
    </div>
  );
}

export function NumberField({ knob, config }: { knob: NumberKnob; config: RunConfig }) {
  const session = useSession();
  return (
    <label class="field">
      <span>
        {knob.label} <small>{knob.hint}</small>
      </span>
      <input
        type="number"
        min={knob.min}
        max={knob.max}
        step={knob.whole ? 1 : 'any'}
        value={knob.get(config)}
        onChange={(event) => {
          const value = event.currentTarget.valueAsNumber;
          const fits = value >= knob.min && value <= knob.max && (!knob.whole || Number.isInteger(value));
          if (fits) session.edit((draft) => knob.set(draft, value));
          else event.currentTarget.value = String(knob.get(config));
        }}
      />
    </label>
  );
}

export function Choice<T extends string>(props: {
  label: string;
  hint: string;
  value: T;
  options: readonly T[];
  choose(draft: RunConfig, value: T): void;
}) {
  const session = useSession();
  return (
    <label class="field">
      <span>
        {props.label} <small>{props.hint}</small>
      </span>
      <select
        value={props.value}
        onChange={(event) => {
          const value = props.options.find((option) => option === event.currentTarget.value);
          if (value !== undefined) session.edit((draft) => props.choose(draft, value));
        }}
      >
        {props.options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Check(props: {
  label: string;
  hint: string;
  checked: boolean;
  set(draft: RunConfig, on: boolean): void;
}) {
  const session = useSession();
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={props.checked}
        onChange={(event) => {
          const on = event.currentTarget.checked;
          session.edit((draft) => props.set(draft, on));
        }}
      />
      <span>
        {props.label} <small>{props.hint}</small>
      </span>
    </label>
  );
}
