/**
 * Adam (Kingma and Ba, arXiv 1412.6980) on TensorFlow.js, operation by operation as `tf.train.adam` has it, so with its bits; but what it
 * carries from step to step can be read and given back, the powers of β included.
 *
 * Where TensorFlow.js computes on the processor, the numbers are there to be reached, and the sixteen operations of a variable are one pass
 * over it in plain code: each of them costs more to be called than to be done. Sums, products, quotients and roots of f32, reckoned in
 * f64 and rounded, are those of f32.
 */
import * as tf from '@tensorflow/tfjs';
import { joined } from '../control/chunks';
import { isOnProcessor } from '../gpu/tfjs';

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
  readonly #moments: TensorMoments | PlainMoments;
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
    this.#moments = isOnProcessor() ? new PlainMoments(variables) : new TensorMoments(variables);
    if (moments !== null) this.#moments.assign(moments);
    for (let step = 0; step < steps; step++) this.#raise();
  }

  /** One step down the gradient of `loss`, which is returned to be read later. */
  minimize(loss: () => tf.Scalar): tf.Scalar {
    const { value, grads } = tf.variableGrads(loss, [...this.#variables]);
    const [left1, left2] = this.#powers.map((power) => Math.fround(1 - power));
    const step = { left1, left2, rate: this.#rate, epsilon: tf.backend().epsilon() };
    this.#variables.forEach((variable, index) => {
      const gradient = grads[variable.name];
      if (gradient != null) this.#moments.step(index, variable, gradient, step);
    });
    this.#raise();
    tf.dispose(grads);
    return value;
  }

  read(): Promise<AdamMoments> {
    return this.#moments.read();
  }

  dispose(): void {
    this.#moments.dispose();
  }

  #raise(): void {
    const [first, second] = this.#powers;
    this.#powers = [Math.fround(first * Math.fround(BETA1)), Math.fround(second * Math.fround(BETA2))];
  }
}

/** Of one step: 1 − β to the power of its number, for both β. */
interface AdamFactors {
  left1: number;
  left2: number;
  rate: number;
  epsilon: number;
}

/** On the device, to be changed by its operations. */
class TensorMoments {
  readonly #first: tf.Variable[];
  readonly #second: tf.Variable[];

  constructor(variables: readonly tf.Variable[]) {
    const zeros = () =>
      variables.map((variable) => tf.tidy(() => tf.variable(tf.zerosLike(variable), false)));
    this.#first = zeros();
    this.#second = zeros();
  }

  step(
    index: number,
    variable: tf.Variable,
    gradient: tf.Tensor,
    { left1, left2, rate, epsilon }: AdamFactors,
  ): void {
    const [first, second] = [this.#first[index], this.#second[index]];
    tf.tidy(() => {
      const newFirst = tf.add(tf.mul(first, BETA1), tf.mul(gradient, 1 - BETA1));
      const newSecond = tf.add(tf.mul(second, BETA2), tf.mul(tf.square(gradient), 1 - BETA2));
      first.assign(newFirst);
      second.assign(newSecond);
      const length = tf.add(tf.sqrt(tf.div(newSecond, left2)), epsilon);
      variable.assign(tf.add(tf.mul(tf.div(tf.div(newFirst, left1), length), -rate), variable));
    });
  }

  assign({ moment1, moment2 }: AdamMoments): void {
    assign(this.#first, moment1);
    assign(this.#second, moment2);
  }

  async read(): Promise<AdamMoments> {
    return { moment1: await valuesOf(this.#first), moment2: await valuesOf(this.#second) };
  }

  dispose(): void {
    tf.dispose([...this.#first, ...this.#second]);
  }
}

/** In plain arrays, of all variables one behind the other. */
class PlainMoments {
  readonly #first: Float32Array<ArrayBuffer>;
  readonly #second: Float32Array<ArrayBuffer>;
  /** [variables] Where each begins. */
  readonly #from: number[] = [];

  constructor(variables: readonly tf.Variable[]) {
    let size = 0;
    for (const variable of variables) {
      this.#from.push(size);
      size += variable.size;
    }
    this.#first = new Float32Array(size);
    this.#second = new Float32Array(size);
  }

  step(index: number, variable: tf.Variable, gradient: tf.Tensor, factors: AdamFactors): void {
    const from = this.#from[index];
    const [first, second] = [this.#first, this.#second].map((all) =>
      all.subarray(from, from + variable.size),
    );
    // Others may share the variable's own numbers, which plain TensorFlow.js hands out as they lie.
    const values = (variable.dataSync() as Float32Array).slice();
    plainStep(values, gradient.dataSync() as Float32Array, [first, second], factors);
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }

  assign({ moment1, moment2 }: AdamMoments): void {
    for (const [own, given] of [
      [this.#first, moment1],
      [this.#second, moment2],
    ]) {
      checkSize(given, own.length);
      own.set(given);
    }
  }

  async read(): Promise<AdamMoments> {
    return { moment1: this.#first.slice(), moment2: this.#second.slice() };
  }

  dispose(): void {}
}

/** As the operations of `TensorMoments.step`, number by number, in place. */
function plainStep(
  values: Float32Array,
  gradients: Float32Array,
  [first, second]: Float32Array[],
  { left1, left2, rate, epsilon }: AdamFactors,
): void {
  const { fround } = Math;
  // As tensors have them.
  const [beta1, beta2, rest1, rest2] = [BETA1, BETA2, 1 - BETA1, 1 - BETA2].map(fround);
  const [back, least] = [fround(-rate), fround(epsilon)];
  for (let i = 0; i < values.length; i++) {
    const gradient = gradients[i];
    const m = fround(fround(first[i] * beta1) + fround(gradient * rest1));
    const v = fround(fround(second[i] * beta2) + fround(fround(gradient * gradient) * rest2));
    first[i] = m;
    second[i] = v;
    const length = fround(fround(Math.sqrt(fround(v / left2))) + least);
    values[i] = fround(fround(fround(fround(m / left1) / length) * back) + values[i]);
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
  checkSize(
    values,
    variables.reduce((sum, variable) => sum + variable.size, 0),
  );
  let at = 0;
  for (const variable of variables) {
    const own = values.slice(at, at + variable.size);
    tf.tidy(() => variable.assign(tf.tensor(own, variable.shape)));
    at += variable.size;
  }
}

function checkSize({ length }: Float32Array, size: number): void {
  if (length !== size)
    throw new RangeError(`${length} numbers were kept where there are ${size}: train again from the link.`);
}
