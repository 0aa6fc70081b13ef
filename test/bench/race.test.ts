import { expect, test } from 'vitest';
import { type Runner, race } from '../../src/bench/race';

/** A runner that takes these milliseconds in turn. */
function runner(name: string, times: number[], isRight = true, log: string[] = []): Runner {
  let next = 0;
  return {
    name,
    isRight: async () => {
      log.push(`${name} warm`);
      return isRight;
    },
    time: async () => {
      log.push(name);
      return times[next++];
    },
  };
}

test('the lowest median wins, whatever came before it and however quick one lucky turn was', async () => {
  const runners = [runner('lucky', [1, 9, 9]), runner('steady', [5, 6, 40]), runner('slow', [7, 7, 7])];
  const { best, ms } = await race(runners, 3);
  expect(best).toBe('steady');
  expect(Object.fromEntries(ms)).toEqual({ lucky: 9, steady: 6, slow: 7 });
});

test('of those that tie, the first', async () => {
  const at = (name: string, ms: number) => runner(name, [ms, ms, ms]);
  expect((await race([at('a', 4), at('b', 3), at('c', 3)], 3)).best).toBe('b');
  expect((await race([at('c', 3), at('b', 3), at('a', 4)], 3)).best).toBe('c');
});

test('one that is not right is never timed, and wins nothing', async () => {
  const log: string[] = [];
  const { best, ms } = await race(
    [runner('wrong', [1, 1], false, log), runner('right', [8, 8], true, log)],
    2,
  );
  expect(best).toBe('right');
  expect([...ms.keys()]).toEqual(['right']);
  expect(log).toEqual(['wrong warm', 'right warm', 'right', 'right']);
});

test('they take turns after all are warm, so that a machine that slows down does so for all', async () => {
  const log: string[] = [];
  await race([runner('a', [1, 1], true, log), runner('b', [2, 2], true, log)], 2);
  expect(log).toEqual(['a warm', 'b warm', 'a', 'b', 'a', 'b']);
});

test('where none is right, that is an error', async () => {
  await expect(race([runner('a', [], false), runner('b', [], false)], 1)).rejects.toThrow(
    'None of a, b is right',
  );
});
