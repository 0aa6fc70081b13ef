import { useSignal } from '@preact/signals';

interface DeleteButtonProps {
  label: string;
  /** What it is called where its label says too little. */
  name?: string;
  /** Such as `Delete 12 answers?`. */
  question: string | (() => Promise<string>);
  class?: string;
  disabled?: boolean;
  /** Why it cannot be deleted now: said instead of the question. */
  refusal?: string | null;
  remove(): void;
}

/**
 * Asks before it deletes, in its own place: the first press turns its words into the question, the second one deletes.
 * Escape, or going elsewhere, takes the question back.
 */
export function DeleteButton(props: DeleteButtonProps) {
  const { label, name, question, class: look, disabled, refusal = null, remove } = props;
  const asked = useSignal<string | null>(null);
  const isRefused = useSignal(false);
  const press = async (event: MouseEvent) => {
    // The second half of a double click is no answer.
    if (event.detail > 1) return;
    isRefused.value = refusal !== null;
    if (refusal !== null) asked.value = null;
    else if (asked.value === null) asked.value = typeof question === 'string' ? question : await question();
    else {
      asked.value = null;
      remove();
    }
  };
  const takeBack = () => {
    asked.value = null;
    isRefused.value = false;
  };
  return (
    <>
      <button
        type="button"
        class={look}
        disabled={disabled}
        data-asked={asked.value !== null}
        aria-label={asked.value ?? name}
        onClick={(event) => void press(event)}
        onBlur={takeBack}
        onKeyDown={(event) => {
          if (event.key === 'Escape') takeBack();
        }}
      >
        {asked.value ?? label}
      </button>
      <span class="hidden" role="status">
        {asked.value !== null && `${asked.value} Press again to delete, Escape to keep.`}
      </span>
      <span class="problem refusal" role="status">
        {isRefused.value && refusal}
      </span>
    </>
  );
}
