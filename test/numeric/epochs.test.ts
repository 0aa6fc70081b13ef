import { describe, expect, it } from 'vitest';
import { Epochs } from '../../src/numeric/epochs';

describe('Epochs', () => {
  it('takes each example once per epoch, in another order each time', () => {
    const epochs = new Epochs(1, 'test', 10);
    const taken = Array.from({ length: 10 }, (_, step) => epochs.batch(step, 4)).flat();
    for (let epoch = 0; epoch < 4; epoch++) {
      const order = taken.slice(epoch * 10, epoch * 10 + 10);
      expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
    expect(taken.slice(0, 10)).not.toEqual(taken.slice(10, 20));
  });

  it('is a function of seed, purpose and step alone', () => {
    const epochs = new Epochs(1, 'test', 5000);
    const late = epochs.batch(900, 16);
    epochs.batch(0, 16);
    expect(new Epochs(1, 'test', 5000).batch(900, 16)).toEqual(late);
    expect(epochs.batch(900, 16)).toEqual(late);
    expect(new Epochs(2, 'test', 5000).batch(900, 16)).not.toEqual(late);
    expect(new Epochs(1, 'other', 5000).batch(900, 16)).not.toEqual(late);
  });
});
