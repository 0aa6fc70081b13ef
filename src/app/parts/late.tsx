import { useSignal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { useEffect } from 'preact/hooks';
import { sentence } from '../words/sentence';

/**
 * A part of the page whose code is fetched when it is first shown.
 * @param name with its article, for the sentence that says it could not be had
 */
export function late(name: string, load: () => Promise<FunctionComponent>): FunctionComponent {
  let there: FunctionComponent | null = null;
  return function Late() {
    const problem = useSignal<string | null>(null);
    const arrived = useSignal(there !== null);
    useEffect(() => {
      if (arrived.value) return;
      load().then(
        (view) => {
          there = view;
          arrived.value = true;
        },
        (error) => {
          problem.value = `${name} could not be loaded: ${sentence(error)} Reload the page when no run is on.`;
        },
      );
    }, [arrived, problem]);
    if (arrived.value && there !== null) {
      const View = there;
      return <View />;
    }
    return problem.value === null ? (
      <p class="faint">Loading…</p>
    ) : (
      <p class="problem" role="alert">
        {problem.value}
      </p>
    );
  };
}
