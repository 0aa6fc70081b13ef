/** What charts are told: which columns other runs share, how far axes go, and what becomes a point. */
import { expect, it } from 'vitest';
import { behindOf } from '../../src/app/charts/options';
import { Columns } from '../../src/app/state/columns';
import { createRunView } from '../../src/app/state/runView';
import type { RewardName } from '../../src/popo/rewards';
import { defaultConfig } from '../../src/run/presets';
import { fakePopoSteps } from '../page/fakeTrainer';

it('names what is measured of two rewards by them, whatever other rewards a run has and in whatever order', () => {
  const config = defaultConfig();
  const rewards: RewardName[] = ['novelty', 'id', 'semantic'];
  config.popo = { ...config.popo, rewards, reward_weights: [0.2, 0.3, 0.5] };
  const [step] = fakePopoSteps(config, 1);
  let now = 0;
  const { popo, receive } = createRunView(
    (callback) => callback(),
    () => (now += 200),
    () => rewards,
    (_, message) => expect.fail(message),
  );
  receive({ type: 'popo', step });
  // Pairs come as (novelty, id), (novelty, semantic), (id, semantic).
  expect(popo.last('cosine_id_novelty')).toBe(step.gradCosines![0]);
  expect(popo.last('cosine_semantic_novelty')).toBe(step.gradCosines![1]);
  expect(popo.last('cosine_semantic_id')).toBe(step.gradCosines![2]);
  // Row by row: row 1 is of id, and its column 2 of semantic.
  expect(popo.last('covariance_semantic_id')).toBe(step.covariance![1 * 3 + 2]);
  expect(popo.last('covariance_id_novelty')).toBe(step.covariance![1]);
  expect(popo.last('covariance_semantic_format')).toBeNull();
});

it('draws of another run the lines that it has, in the dashes of its place', () => {
  const lines = ['a', 'b'].map((column) => ({ column, label: column, color: 'ink' as const }));
  const made = (names: string[], row: number[]) => {
    const columns = new Columns(names);
    columns.push(0, row);
    return columns;
  };
  const [other, one] = [made(['other'], [1]), made(['b', 'a'], [1, Number.NaN])];
  const chart = { title: '', empty: '', columns: one, lines };
  expect(behindOf({ ...chart, behind: [other, one] })).toEqual([
    { columns: one, lines: [lines[1]], dash: [8, 4] },
  ]);
});
