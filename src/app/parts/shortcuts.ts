/** Keys that do what buttons do, for whoever's hands are on the keyboard; `?` shows them. */
import { signal } from '@preact/signals';
import type { Session } from '../state/session';

export interface Shortcut {
  key: string;
  words: string;
  /** @returns whether there was anything to do */
  press(session: Session): boolean;
}

/** Whether letters do anything; `?` always does. */
export const areKeysOn = signal(true);

/** Presses a button of the page, where it is there and may be pressed, so that a key never does what a button would not. */
function pressed(selector: string): boolean {
  const button = document.querySelector<HTMLButtonElement>(selector);
  if (button === null || button.disabled || button.ariaDisabled === 'true') return false;
  button.click();
  return true;
}

const button = (key: string, words: string, ...actions: string[]): Shortcut => ({
  key,
  words,
  press: () => actions.some((action) => pressed(`[data-action=${action}]`)),
});

/** In the order in which they are shown. Nothing that throws work away has a key. */
export const SHORTCUTS: readonly Shortcut[] = [
  button('t', 'Train, pause, or resume', 'pause', 'resume', 'train'),
  button('p', 'Play with POPO', 'play'),
  button('s', 'One training step, then pause', 'step'),
  button('f', 'Fork here', 'fork'),
  button('g', 'Look at one group, or close it', 'glass'),
  {
    key: 'm',
    words: 'More settings, or less',
    press(session) {
      session.settingsOpen.value = !session.settingsOpen.value;
      return true;
    },
  },
];

/** Keys that are meant for what has the focus: text, choices and sliders. */
function isTaken({ target, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return (
    ctrlKey ||
    metaKey ||
    altKey ||
    (target instanceof Element &&
      target.closest('input, select, textarea, [contenteditable], dialog') !== null)
  );
}

/**
 * Listens for the keys.
 * @param showAll what `?` does
 * @returns how to stop
 */
export function listenForShortcuts(session: Session, showAll: () => void): () => void {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.repeat || isTaken(event)) return;
    if (event.key === '?') showAll();
    else if (
      !areKeysOn.value ||
      !SHORTCUTS.find(({ key }) => key === event.key.toLowerCase())?.press(session)
    )
      return;
    event.preventDefault();
  };
  document.addEventListener('keydown', onKeyDown);
  return () => document.removeEventListener('keydown', onKeyDown);
}
