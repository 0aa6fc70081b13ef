import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSentenceFiles } from '../../src/commands/sentenceFiles';
import { useSlowPath } from '../../src/gpu/tfjs';
import {
  embedSentences,
  SENTENCE_BYTES,
  SENTENCE_SIZE,
  type SentenceFiles,
} from '../../src/rank/sentenceEncoder';
import { SentencePieces } from '../../src/rank/sentencePieces';

const hooks = { gate: async () => 'go' as const };
let files: SentenceFiles;
let pieces: SentencePieces;

beforeAll(async () => {
  await useSlowPath();
  files = await readSentenceFiles();
  pieces = new SentencePieces(files.vocabulary as [string, number][]);
});

/** What the package's own graph says of pieces, run by TensorFlow.js. */
async function byGraph(ids: number[]): Promise<ArrayLike<number>> {
  const { modelTopology, weightsManifest } = files.model as {
    modelTopology: object;
    weightsManifest: { weights: tf.io.WeightsManifestEntry[] }[];
  };
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
  const graph = await tf.loadGraphModel(
    tf.io.fromMemory({ modelTopology, weightSpecs, weightData: files.weights }),
  );
  const indices = tf.tensor2d(
    ids.map((_, position) => [0, position]),
    [ids.length, 2],
    'int32',
  );
  const vector = (await graph.executeAsync({ indices, values: tf.tensor1d(ids, 'int32') })) as tf.Tensor;
  const values = await vector.data();
  tf.dispose([indices, vector]);
  graph.dispose();
  return values;
}

describe('sentence pieces', () => {
  const cut = (text: string) => pieces.encode(text).map((id) => (files.vocabulary as [string][])[id][0]);

  it('are the likeliest cut, with spaces kept before words', () => {
    expect(cut('This is a test')).toEqual(['▁This', '▁is', '▁a', '▁test']);
    expect(cut('  Elephant ')).toEqual(['▁E', 'le', 'ph', 'ant']);
  });

  it('take the best of all cuts by hand', () => {
    const none: [string, number][] = Array.from({ length: 6 }, (_, i) => [`<${i}>`, 0]);
    const small = new SentencePieces([...none, ['▁ab', -1], ['c', -1], ['▁a', -1], ['bc', -0.5], ['▁', -3]]);
    expect(small.encode('abc')).toEqual([8, 9]);
    expect(small.encode('ab')).toEqual([6]);
    expect(small.encode('c')).toEqual([10, 7]);
    // The first six stand for no text, whatever they are called.
    expect(new SentencePieces([['▁a', 9], ...none.slice(1), ['▁', -1], ['a', -1]]).encode('a')).toEqual([
      6, 7,
    ]);
    // A character that no piece has is far worse than the worst piece, and pieces are looked for to their full length.
    expect(new SentencePieces([...none, ['▁xyz', -30], ['▁', -1]]).encode('xyz')).toEqual([6]);
    expect(new SentencePieces([...none, ['▁xyz', -50], ['▁', -1]]).encode('xyz')).toEqual([6]);
  });

  it('make one unknown of a run of strange characters, and nothing of spaces', () => {
    expect(pieces.encode('a b中文字')).toEqual([...pieces.encode('a b'), 0]);
    expect(pieces.encode(' \t ')).toEqual([]);
    // Full-width letters are letters (NFKC).
    expect(pieces.encode('ｔｅｓｔ')).toEqual(pieces.encode('test'));
  });
});

describe('the sentence encoder', () => {
  const texts = [
    'Elephant',
    'How old are you?',
    'What is your age?',
    'a soft blanket for the crib',
    '',
    'word '.repeat(200),
  ];
  let vectors: Float32Array;
  const vector = (row: number) => vectors.subarray(row * SENTENCE_SIZE, (row + 1) * SENTENCE_SIZE);
  const cosine = (a: number, b: number) => vector(a).reduce((sum, x, i) => sum + x * vector(b)[i], 0);

  beforeAll(async () => {
    vectors = await embedSentences(files, texts, hooks);
  });

  it('says what its makers print for their example', () => {
    // https://tfhub.dev/google/universal-sentence-encoder-lite/2, "Elephant"
    const published = [0.05338749, 0.05319438, -0.05235602];
    published.forEach((value, i) => {
      expect(vector(0)[i]).toBeCloseTo(value, 6);
    });
  });

  it('agrees with the package’s graph', async () => {
    for (const row of [1, 3]) {
      const expected = await byGraph(pieces.encode(texts[row]));
      const worst = Math.max(...vector(row).map((value, i) => Math.abs(value - expected[i])));
      expect(worst).toBeLessThan(2e-6);
    }
  });

  it('puts what means alike together, as unit vectors; zeros for nothing', () => {
    expect(cosine(1, 2)).toBeGreaterThan(0.8);
    expect(cosine(1, 3)).toBeLessThan(0.4);
    for (const row of [0, 1, 2, 3, 5]) expect(cosine(row, row)).toBeCloseTo(1, 5);
    expect(vector(4).every((value) => value === 0)).toBe(true);
  });

  it('repeats to the bit, whatever else is asked, and leaves nothing behind', async () => {
    const tensors = tf.memory().numTensors;
    const progress: number[] = [];
    const again = await embedSentences(files, [texts[2], texts[1]], {
      ...hooks,
      onProgress: (done) => void progress.push(done),
    });
    expect(again.subarray(SENTENCE_SIZE)).toEqual(vector(1));
    expect(progress.at(-1)).toBe(2);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('stops when asked, and refuses files that are cut off or of another model', async () => {
    expect(files.weights.byteLength).toBe(SENTENCE_BYTES);
    await expect(embedSentences(files, ['a'], { gate: async () => 'stop' })).rejects.toThrow(/was stopped/);
    const cutOff = { ...files, weights: files.weights.slice(0, 1000) };
    await expect(embedSentences(cutOff, ['a'], hooks)).rejects.toThrow(
      /have 1000 bytes and should have 27903656/,
    );
    const other = { ...files, model: { weightsManifest: [{ weights: [] }] }, weights: new ArrayBuffer(0) };
    await expect(embedSentences(other, ['a'], hooks)).rejects.toThrow(/another model: .* is missing/);
  });
});
