import { useSession } from '../../state/context';

/** Says what the columns are where no menu can: nothing could be read yet. */
export function TypedMapping({ map }: { map: string }) {
  const { data } = useSession();
  const read = (input: HTMLInputElement) => void data.readAgain(input.value.trim());
  return (
    <div class="preview-typed">
      <label class="field">
        <span>
          Say what the columns are <small>Names from the file; what you leave out is guessed</small>
        </span>
        <input
          type="text"
          autocomplete="off"
          spellcheck={false}
          placeholder="user=customer_id,time=order_date"
          value={map}
          onKeyDown={(event) => {
            if (event.key === 'Enter') read(event.currentTarget);
          }}
        />
      </label>
      <button
        type="button"
        data-action="read"
        onClick={({ currentTarget }) => {
          const input = currentTarget.parentElement?.querySelector('input');
          if (input) read(input);
        }}
      >
        Read again
      </button>
    </div>
  );
}
