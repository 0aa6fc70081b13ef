import { describe, expect, it } from 'vitest';
import { KeyGuard } from '../../src/sft/keyGuard';

const KEY = 'sk-proj-Qm7xT2vB9nLr4KdW8sYz';

describe('a key in what a server says', () => {
  it.each([
    ['whole', `the key is ${KEY}.`],
    ['over lines', KEY.replace(/(.{5})/g, '$1\n')],
    ['letter by letter', [...KEY].join(' ')],
    ['between tags', `<think>${KEY.slice(0, 14)}</think><answer>${KEY.slice(14)}</answer>`],
    ['cut into tags', `need ${[...KEY].join('<b>')}`],
    ['in fields of JSON', JSON.stringify({ a: KEY.slice(0, 9), b: KEY.slice(9, 18), c: KEY.slice(18) })],
    [
      'in letters of JSON',
      JSON.stringify(Object.fromEntries([...KEY].map((letter, i) => [`k${i}`, letter]))),
    ],
    ['in a list of JSON', JSON.stringify([...KEY], null, 2)],
    ['escaped', [...KEY].map((letter) => `\\u00${letter.charCodeAt(0).toString(16)}`).join('')],
    ['without its marks', KEY.replaceAll('-', '')],
    ['as its beginning', `it starts with ${KEY.slice(0, 12)}`],
    ['as its end', `…${KEY.slice(-6)}`],
    ['as its middle', `cribs${KEY.slice(11, 18)}cribs`],
  ])('%s is found', (_how, text) => {
    expect(new KeyGuard(KEY).finds(text)).toBe(true);
  });

  it('goes on from one answer to the next', () => {
    const guard = new KeyGuard(KEY);
    expect(guard.finds(KEY.slice(12, 16))).toBe(false);
    expect(guard.findsNext(`<think>saw cribs, need ${KEY.slice(8, 12)}</think>`)).toBe(false);
    expect(guard.findsNext(`<think>${KEY.slice(12, 16)} need strollers</think>`)).toBe(true);
    // Apart, both are too short to tell.
    const other = new KeyGuard(KEY);
    for (const piece of [KEY.slice(8, 12), 'saw cribs, need strollers', KEY.slice(12, 16)])
      expect(other.findsNext(piece)).toBe(false);
  });

  it('is not seen in honest answers, nor in words that a key shares with them', () => {
    const guard = new KeyGuard(KEY);
    const answer =
      '<think>Bought a 2in1 crib before; need strollers</think><answer>light stroller 24 x 7</answer>';
    for (let i = 0; i < 50; i++) expect(guard.findsNext(`${answer} ${i}`)).toBe(false);
    expect(new KeyGuard('strollersAndMore-19').finds(answer)).toBe(false);
    expect(new KeyGuard(null).findsNext(KEY)).toBe(false);
    expect(new KeyGuard('eleven-long').findsNext('eleven-long')).toBe(false);
    expect(new KeyGuard('twelve--long').findsNext('twelve--long')).toBe(true);
  });

  it('is taken out of a message, and a message with its pieces is not repeated at all', () => {
    const guard = new KeyGuard(KEY);
    expect(guard.clean(`bad key ${KEY}`)).toBe('bad key [key]');
    expect(guard.clean(`bad key ${KEY.slice(0, 10)}…`)).toBe('words with parts of your key');
    expect(guard.clean('bad key')).toBe('bad key');
    expect(new KeyGuard(null).clean('bad key')).toBe('bad key');
  });
});
