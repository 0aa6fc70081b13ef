/** Where the keyboard stands when the button that was pressed is gone with what it did: not at the top of the page. */
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/**
 * Moves the focus to the first button within `place` that stands out, whenever `state` has changed and what had the focus is gone.
 */
export function useKeptFocus(place: RefObject<HTMLElement | null>, state: unknown): void {
  const last = useRef<EventTarget | null>(null);
  useEffect(() => {
    const note = ({ target }: FocusEvent) => {
      last.current = target;
    };
    document.addEventListener('focusin', note);
    return () => document.removeEventListener('focusin', note);
  }, []);
  useEffect(() => {
    const isLost = document.activeElement === null || document.activeElement === document.body;
    const isGone = last.current instanceof Node && !last.current.isConnected;
    if (isLost && isGone) place.current?.querySelector<HTMLElement>('.primary, button')?.focus();
  }, [place, state]);
}
