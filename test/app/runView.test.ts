/** Which stage a run is at, on the page. */
import { expect, it } from 'vitest';
import { createRunView } from '../../src/app/state/runView';
import type { RunEvent } from '../../src/run/report';

it('is at the last of the stages that are under way: judges may go on beside it', () => {
  const frames: (() => void)[] = [];
  const view = createRunView(
    (callback) => void frames.push(callback),
    () => 0,
    () => ['semantic', 'id'],
    () => {},
  );
  const tell = (...events: RunEvent[]) => {
    for (const event of events) view.receive(event);
    while (frames.length > 0) {
      const [first] = frames.splice(0);
      first();
      if (frames.length > 0) break;
    }
  };
  tell({ type: 'stage', name: 'ranker', status: 'started', steps: 4 });
  expect(view.currentStage.value?.name).toBe('ranker');
  tell(
    { type: 'stage', name: 'warmup', status: 'started', steps: 9 },
    { type: 'progress', name: 'ranker', step: 2, steps: 4, secondsLeft: null },
  );
  expect(view.currentStage.value?.name).toBe('warmup');
  tell({ type: 'stage', name: 'ranker', status: 'finished', steps: 4, seconds: 1 });
  expect(view.currentStage.value?.name).toBe('warmup');
  tell({ type: 'stage', name: 'warmup', status: 'finished', steps: 9, seconds: 1 });
  expect(view.currentStage.value).toBeNull();
});
