/**
 * Adam (Kingma and Ba, arXiv 1412.6980) on TensorFlow.js, operation by operation as `tf.train.adam` has it, so with its bits; but what it
 * carries from step to step can be read and given back, the powers of β included.
 */
import * as tf from '@tensorflow/tfjs';
import { joined } from '../control/chunks';

const BETA1 = 0.9;
const BETA2 = 0.999;

/** Of all variables one behind the other. */
export interface AdamMoments {
  moment1: Float32Array<ArrayBuffer>;
  moment2: Float32Array<ArrayBuffer>;
}

export class Adam {
  readonly #variables: readonly tf.Variable[];
  readonly #rate: number;
  readonly #first: tf.Variable[];
  readonly #second: tf.Variable[];
  /** β₁ and β₂ to the power of the next step, rounded to f32 at each. */
  #powers: [number, number] = [Math.fround(BETA1), Math.fround(BETA2)];

  /** @param steps that were taken, to which the moments belong; null where there are none yet */
  constructor(
    variables: readonly tf.Variable[],
    learningRate: number,
    { steps, moments }: { steps: number; moments: AdamMoments | null },
  ) {
    this.#variables = variables;
    this.#rate = learningRate;
    const zeros = () =>
      variables.map((variable) => tf.tidy(() => tf.variable(tf.zerosLike(variable), false)));
    this.#first = zeros();
    this.#second = zeros();
    if (moments !== null) {
      assign(this.#first, moments.moment1);
      assign(this.#second, moments.moment2);
    }
    for (let step = 0; step < steps; step++) this.#raise();
  }

  /** One step down the gradient of `loss`, which is returned to be read later. */
  minimize(loss: () => tf.Scalar): tf.Scalar {
    const { value, grads } = tf.variableGrads(loss, [...this.#variables]);
    tf.tidy(() => {
      const [left1, left2] = this.#powers.map((power) => Math.fround(1 - power));
      this.#variables.forEach((variable, index) => {
        const gradient = grads[variable.name];
        if (gradient == null) return;
        const [first, second] = [this.#first[index], this.#second[index]];
        const newFirst = tf.add(tf.mul(first, BETA1), tf.mul(gradient, 1 - BETA1));
        const newSecond = tf.add(tf.mul(second, BETA2), tf.mul(tf.square(gradient), 1 - BETA2));
        first.assign(newFirst);
        second.assign(newSecond);
        const length = tf.add(tf.sqrt(tf.div(newSecond, left2)), tf.backend().epsilon());
        variable.assign(tf.add(tf.mul(tf.div(tf.div(newFirst, left1), length), -this.#rate), variable));
      });
    });
    this.#raise();
    tf.dispose(grads);
    return value;
  }

  async read(): Promise<AdamMoments> {
    return { moment1: await valuesOf(this.#first), moment2: await valuesOf(this.#second) };
  }

  dispose(): void {
    tf.dispose([...this.#first, ...this.#second]);
  }

  #raise(): void {
    const [first, second] = this.#powers;
    this.#powers = [Math.fround(first * Math.fround(BETA1)), Math.fround(second * Math.fround(BETA2))];
  }
}

/** The numbers of all variables one behind the other. */
export async function valuesOf(variables: readonly tf.Variable[]): Promise<Float32Array<ArrayBuffer>> {
  return joined((await Promise.all(variables.map((variable) => variable.data()))) as Float32Array[]);
}

/**
 * The inverse of `valuesOf`.
 * @throws RangeError where there are not as many
 */
export function assign(variables: readonly tf.Variable[], values: Float32Array): void {
  const size = variables.reduce((sum, variable) => sum + variable.size, 0);
  if (values.length !== size)
    throw new RangeError(
      `${values.length} numbers were kept where there are ${size}: train again from the link.`,
    );
  let at = 0;
  for (const variable of variables) {
    const own = values.slice(at, at + variable.size);
    tf.tidy(() => variable.assign(tf.tensor(own, variable.shape)));
    at += variable.size;
  }
}
