/** Two finished runs held against each other, user by user. */
import { expect, it } from 'vitest';
import { OUTCOMES } from '../../src/evaluate/metrics';
import { pairRuns } from '../../src/run/pairing';
import { pairKept } from '../../src/worker/pairKept';
import { minusculeConfig, newState } from './tinyRun';

const L3 = OUTCOMES.indexOf('Category_L3_ACC');

/** A run whose model names the category of the users that are told. */
function run(
  right: readonly number[],
  change: (config: ReturnType<typeof minusculeConfig>) => void = () => {},
) {
  const config = minusculeConfig();
  change(config);
  const state = newState(config, '1.2.3');
  const outcomes = new Float32Array(right.length * OUTCOMES.length);
  right.forEach((value, user) => {
    outcomes[user * OUTCOMES.length + L3] = value;
  });
  const judged = (stage: string, own: Float32Array) => ({ row: { stage }, outcomes: own });
  state.made = {
    data: { dataset: { sha256: 'a'.repeat(64) } },
    sft: { judged: judged('sft', new Float32Array(outcomes.length)), samples: [] },
    popo: { rewardNames: [], steps: [], curve: [], samples: [] },
    evaluate: { judged: judged('popo', outcomes), last: null, counting: judged('counting', outcomes) },
  } as never;
  return state;
}

it('is the difference of what both handed over, with an interval that knows the users', () => {
  // Half of the users are luck that both share. By itself each rate is .5 ± .3; the difference is certain to be 2 of 10.
  const base = run([1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
  const { changes, why } = pairRuns(base, run([1, 1, 1, 1, 1, 1, 1, 0, 0, 0]));
  expect(why).toBeNull();
  expect(changes?.Category_L3_ACC?.mean).toBeCloseTo(0.2, 6);
  expect(changes?.Category_L3_ACC?.low).toBeGreaterThanOrEqual(0);
  expect(changes?.Category_L3_ACC?.high).toBeLessThanOrEqual(0.501);
  expect(changes?.CTCVR).toMatchObject({ mean: 0, low: 0, high: 0 });
  expect(pairRuns(base, base).changes?.Category_L3_ACC).toMatchObject({ mean: 0, low: 0, high: 0 });
});

it('tells slices apart, of the users that both have', () => {
  const [base, other] = [run([1, 1, 0, 0, 0, 0]), run([1, 1, 1, 1, 0, 0])];
  const slices = { names: ['seen', 'cold'], of: [0, 0, 1, 1, 0, 0] };
  for (const { made } of [base, other]) Object.assign(made.evaluate!.judged!, { slices });
  const { changes, slices: told } = pairRuns(base, other);
  expect(changes?.Category_L3_ACC?.mean).toBeCloseTo(1 / 3, 6);
  expect(told!.map((slice) => [slice.name, slice.users, slice.changes.Category_L3_ACC.mean])).toEqual([
    ['seen', 4, 0],
    ['cold', 2, 1],
  ]);
  expect(pairRuns(run([1]), run([0])).slices).toBeUndefined();
});

it('is refused where the users are not the same, and drops CTCVR where another ranker tells it', () => {
  const base = run([1, 0]);
  const against = (other: typeof base) => pairRuns(base, other);
  expect(against(run([1, 0], (config) => (config.seed = 2)))).toEqual({
    changes: null,
    why: 'Another seed, so other users.',
  });
  const elsewhere = run([1, 0]);
  (elsewhere.made.data as { dataset: { sha256: string } }).dataset.sha256 = 'b'.repeat(64);
  expect(against(elsewhere).why).toBe('Other data, so other users.');
  expect(against(run([1, 0], (config) => (config.evaluate.users = 3))).why).toBe(
    'Another number of test users.',
  );
  expect(against(run([1, 0, 1])).why).toBe('One of them did not keep what each user got.');
  const own = (steps: number) =>
    run([1, 0], (config) => {
      config.data.source = 'import';
      config.ranker.steps = steps;
    });
  expect(Object.keys(pairRuns(own(5), own(5)).changes ?? {})).toContain('CTCVR');
  const judged = pairRuns(own(5), own(6));
  expect(Object.keys(judged.changes ?? {})).not.toContain('CTCVR');
  expect(judged.why).toBe('CTCVR is of another ranker.');
});

it('says of a kept run that is damaged or gone why, and pairs the others', async () => {
  const kept = new Map([
    ['a', run([1, 0])],
    ['b', run([1, 1])],
  ]);
  const stateOf = async (id: string) => {
    const found = kept.get(id);
    if (found === undefined) throw new Error(`${id} is gone.`);
    return found;
  };
  const [gone, there] = await pairKept('a', ['x', 'b'], stateOf);
  expect(gone).toEqual({ changes: null, why: 'x is gone.' });
  expect(there.changes?.Category_L3_ACC?.mean).toBeCloseTo(0.5, 6);
  expect(await pairKept('x', ['a', 'b'], stateOf)).toEqual([gone, gone]);
});
