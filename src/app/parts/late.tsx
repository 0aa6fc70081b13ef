import { type ReadonlySignal, signal, useSignal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { useEffect } from 'preact/hooks';
import { sentence } from '../words/sentence';

/** A part of the page that comes late. */
export interface Late extends FunctionComponent {
  /** Whether its code is there, so that showing it shows it at once. */
  there: ReadonlySignal<boolean>;
  /** Fetches its code before it is shown. What goes wrong is said when it is to be shown. */
  preload(): void;
}

/**
 * A part of the page whose code is fetched when it is first shown, or before that where `preload` is called.
 * @param name with its article, for the sentence that says it could not be had
 * @param Meanwhile what stands in its place until then
 */
export function late(
  name: string,
  load: () => Promise<FunctionComponent>,
  Meanwhile: FunctionComponent = Loading,
): Late {
  const view = signal<FunctionComponent | null>(null);
  const there = signal(false);
  const fetchView = async () => {
    view.value ??= await load();
    there.value = true;
  };
  function LatePart() {
    const problem = useSignal<string | null>(null);
    useEffect(() => {
      fetchView().catch((error) => {
        problem.value = `${name} could not be loaded: ${sentence(error)} Reload the page when no run is on.`;
      });
    }, [problem]);
    const View = view.value;
    if (View !== null) return <View />;
    return problem.value === null ? (
      <Meanwhile />
    ) : (
      <p class="problem" role="alert">
        {problem.value}
      </p>
    );
  }
  return Object.assign(LatePart, { there, preload: () => void fetchView().catch(() => {}) });
}

function Loading() {
  return <p class="faint">Loading…</p>;
}

/** Calls back when the page has nothing else to do, after its first frame. Safari has no idle callbacks. */
export function whenIdle(callback: () => void): void {
  if (typeof requestIdleCallback === 'function') requestIdleCallback(callback, { timeout: 2000 });
  else setTimeout(callback, 200);
}
