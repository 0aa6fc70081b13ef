import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { useCpu, useSlowPath } from '../../src/gpu/tfjs';
import { Adam, assign, valuesOf } from '../../src/rank/adam';

beforeAll(useSlowPath);

/** A matrix and a bias to be fitted, and a variable that no loss depends on. */
function problem() {
  const numbers = (count: number) => Float32Array.from({ length: count }, (_, at) => Math.sin(3 * at + 1));
  const [matrix, bias, idle] = tf.tidy(() => [
    tf.variable(tf.tensor2d(numbers(12), [4, 3])),
    tf.variable(tf.tensor1d(numbers(3))),
    tf.variable(tf.tensor1d([7])),
  ]);
  const loss = (step: number) => () => {
    const x = tf.tensor2d(
      numbers(20).map((value) => value * ((step % 5) + 1)),
      [5, 4],
    );
    const out = tf.add(tf.matMul(x, matrix as tf.Tensor2D), bias);
    return tf.mean(tf.square(tf.sub(tf.sigmoid(out), 0.25))) as tf.Scalar;
  };
  return { variables: [matrix, bias, idle], loss };
}

const STEPS = 50;

describe('Adam', () => {
  it('has the bits of TensorFlow.js\u2019s own', async () => {
    const [own, theirs] = [problem(), problem()];
    const adam = new Adam(own.variables, 0.05, { steps: 0, moments: null });
    const reference = tf.train.adam(0.05);
    for (let step = 0; step < STEPS; step++) {
      const loss = tf.tidy(() => adam.minimize(own.loss(step)));
      const other = reference.minimize(() => tf.tidy(theirs.loss(step)), true, theirs.variables)!;
      expect(await loss.data()).toEqual(await other.data());
      tf.dispose([loss, other]);
    }
    expect(await valuesOf(own.variables)).toEqual(await valuesOf(theirs.variables));
    expect((await valuesOf(own.variables)).at(-1)).toBe(7);
    adam.dispose();
    reference.dispose();
    tf.dispose([...own.variables, ...theirs.variables]);
  });

  it('goes on from what was read of it to the same bits, and leaves nothing behind', async () => {
    const take = ({ loss }: ReturnType<typeof problem>, adam: Adam, [from, to]: [number, number]) => {
      for (let step = from; step < to; step++) tf.tidy(() => adam.minimize(loss(step))).dispose();
    };
    const tensors = tf.memory().numTensors;
    const whole = problem();
    const adam = new Adam(whole.variables, 0.05, { steps: 0, moments: null });
    take(whole, adam, [0, STEPS]);
    for (const cut of [0, 1, 17, 49]) {
      const first = problem();
      const before = new Adam(first.variables, 0.05, { steps: 0, moments: null });
      take(first, before, [0, cut]);
      const second = problem();
      assign(second.variables, await valuesOf(first.variables));
      const after = new Adam(second.variables, 0.05, { steps: cut, moments: await before.read() });
      take(second, after, [cut, STEPS]);
      expect(await valuesOf(second.variables), `cut at ${cut}`).toEqual(await valuesOf(whole.variables));
      expect(await after.read()).toEqual(await adam.read());
      before.dispose();
      after.dispose();
      tf.dispose([...first.variables, ...second.variables]);
    }
    adam.dispose();
    tf.dispose(whole.variables);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('has these bits in plain JavaScript too, and leaves alone what shares a variable\u2019s numbers', async () => {
    await useCpu();
    try {
      const [own, theirs] = [problem(), problem()];
      const before = own.variables.map((variable) => tf.clone(variable));
      const first = await valuesOf(own.variables).then((values) => values.slice());
      const adam = new Adam(own.variables, 0.05, { steps: 0, moments: null });
      const reference = tf.train.adam(0.05);
      for (let step = 0; step < 3; step++) {
        tf.tidy(() => adam.minimize(own.loss(step))).dispose();
        reference.minimize(() => tf.tidy(theirs.loss(step)), false, theirs.variables);
      }
      expect(await valuesOf(own.variables)).toEqual(await valuesOf(theirs.variables));
      expect(await valuesOf(own.variables)).not.toEqual(first);
      expect(await valuesOf(before as tf.Variable[])).toEqual(first);
      adam.dispose();
      reference.dispose();
      tf.dispose([...own.variables, ...theirs.variables, ...before]);
    } finally {
      await useSlowPath();
    }
  });

  it('takes no numbers of other variables', () => {
    const { variables } = problem();
    expect(() => assign(variables, new Float32Array(15))).toThrow(
      '15 numbers were kept where there are 16: train again from the link.',
    );
    tf.dispose(variables);
  });
});
