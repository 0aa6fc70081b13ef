import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { StageHooks } from '../../src/control/hooks';
import { useSlowPath } from '../../src/gpu/tfjs';
import type { Adam } from '../../src/rank/adam';
import { entireSpaceLogLikelihood } from '../../src/rank/entireSpace';
import { fit } from '../../src/rank/fit';
import { Workbench } from '../../src/run/workbench';
import { cutAt } from '../run/stages/cut';

beforeAll(useSlowPath);

describe('the loop that the judges are trained by', () => {
  it('takes each step once, asks before each, reads losses in order and tells now and then', async () => {
    const steps: number[] = [];
    const progress: number[][] = [];
    let asked = 0;
    const tensors = tf.memory().numTensors;
    const losses = await fit(
      'Judge',
      { steps: 35, learningRate: 0.1, variables: [] },
      (_, step) => {
        expect(asked).toBe(step + 1);
        steps.push(step);
        return tf.scalar(step / 4);
      },
      {
        gate: async () => {
          asked++;
          return 'go';
        },
        onProgress: (...numbers) => void progress.push(numbers),
      },
    );
    expect(steps).toEqual(Array.from({ length: 35 }, (_, step) => step));
    expect(losses).toEqual(steps.map((step) => step / 4));
    expect(progress).toEqual([
      [16, 35],
      [32, 35],
      [35, 35],
    ]);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('is Adam at the given rate: its first step is as long as the rate', async () => {
    const x = tf.tidy(() => tf.variable(tf.scalar(3)));
    const take = (optimizer: Adam) => optimizer.minimize(() => tf.square(x) as tf.Scalar);
    const options = { steps: 1, learningRate: 0.25, variables: [x] };
    const losses = await fit('Judge', options, take, { gate: async () => 'go' });
    expect(losses).toEqual([9]);
    expect((await x.data())[0]).toBeCloseTo(2.75, 4);
    x.dispose();
  });

  it('stops between steps, by its name, and leaves nothing behind', async () => {
    const tensors = tf.memory().numTensors;
    let left = 3;
    const hooks = { gate: async () => (left-- > 0 ? ('go' as const) : ('stop' as const)) };
    const options = { steps: 9, learningRate: 1, variables: [] };
    const stopped = fit('Judge', options, () => tf.scalar(1), hooks);
    await expect(stopped).rejects.toThrow(/^Judge was stopped/);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('goes on where it was cut off, once or twice, to the same bits, and takes no step twice', async () => {
    const STEPS = 40;
    /** Trains two numbers towards a mark that moves; the second session starts from other ones. */
    const train = async (taken: number[], hooks: StageHooks, first = 3) => {
      const x = tf.tidy(() => tf.variable(tf.tensor1d([first, -1])));
      const take = (optimizer: Adam, step: number) => {
        taken.push(step);
        return optimizer.minimize(() => tf.sum(tf.square(tf.sub(x, Math.sin(step)))) as tf.Scalar);
      };
      try {
        const losses = await fit('Judge', { steps: STEPS, learningRate: 0.1, variables: [x] }, take, hooks);
        return { losses, x: await x.data() };
      } finally {
        x.dispose();
      }
    };
    const steps = Array.from({ length: STEPS }, (_, step) => step);
    const whole = await train([], { gate: async () => 'go' });
    for (const cuts of [[0], [1], [15], [16], [23], [39], [5, 20]]) {
      const taken: number[] = [];
      let sessions = 0;
      const { result } = await cutAt(cuts, (hooks) => train(taken, hooks, 3 + sessions++));
      expect(result, `cut at ${cuts}`).toEqual(whole);
      expect(taken).toEqual(steps);
    }
    const lost: number[] = [];
    expect((await cutAt([10], (hooks) => train(lost, hooks), { isCrash: true })).result).toEqual(whole);
    expect(lost).toEqual([...steps.slice(0, 13), ...steps.slice(10)]);
  });

  it('is not trained again once it is done', async () => {
    const x = tf.tidy(() => tf.variable(tf.scalar(3)));
    const root = { parts: {} };
    let taken = 0;
    const train = () =>
      fit(
        'Judge',
        { steps: 3, learningRate: 0.25, variables: [x] },
        (optimizer) => {
          taken++;
          return optimizer.minimize(() => tf.square(x) as tf.Scalar);
        },
        { gate: async () => 'go', work: new Workbench(root).work },
      );
    const losses = await train();
    const trained = await x.data();
    x.assign(tf.scalar(9));
    expect(await train()).toEqual(losses);
    expect(await x.data()).toEqual(trained);
    expect(taken).toBe(3);
    x.dispose();
  });
});

describe('the likelihood over the entire space', () => {
  it('is of the click, and of the conversion whether or not there was a click', () => {
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    const cases = [
      { ctr: 0.4, cvr: -1.2, click: 1, conversion: 0 },
      { ctr: -2, cvr: 0.5, click: 0, conversion: 0 },
      { ctr: 1.5, cvr: 2, click: 1, conversion: 1 },
    ];
    const column = (name: keyof (typeof cases)[number]) => tf.tensor1d(cases.map((one) => one[name]));
    const values = tf.tidy(() =>
      Array.from(
        entireSpaceLogLikelihood(
          { ctr: column('ctr'), cvr: column('cvr') },
          column('click'),
          column('conversion'),
        ).dataSync(),
      ),
    );
    cases.forEach(({ ctr, cvr, click, conversion }, i) => {
      const [p, both] = [sigmoid(ctr), sigmoid(ctr) * sigmoid(cvr)];
      const expected = Math.log(click ? p : 1 - p) + Math.log(conversion ? both : 1 - both);
      expect(values[i]).toBeCloseTo(expected, 5);
    });
  });

  it('is finite where a click and a conversion are certain and neither came', () => {
    const [value] = tf.tidy(() => {
      const sure = tf.tensor1d([80]);
      return Array.from(
        entireSpaceLogLikelihood({ ctr: sure, cvr: sure }, tf.zeros([1]), tf.zeros([1])).dataSync(),
      );
    });
    expect(value).toBeGreaterThan(-100);
    expect(value).toBeLessThan(-80);
  });
});
