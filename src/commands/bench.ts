/**
 * `npm run bench`: a training step of the engine against plain TensorFlow.js and jax-js, on one adapter in one run, in a
 * headless Chromium or in Node on Dawn; or the ways of sharing a product out against each other. Prints a table; `--json FILE` keeps
 * the numbers.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Wait } from '../bench/coldPage';
import {
  type BenchResult,
  benchShape,
  PEER_NAMES,
  type PeerName,
  SHAPE_NAMES,
  WHOLE_SHAPES,
} from '../bench/core';
import type { BenchOptions } from '../bench/run';
import { benchTable } from '../bench/table';
import type { BrowserName, BrowserPage } from '../browsers/browser';

const USAGE = `npm run bench -- [options]
  --json FILE          where the numbers go, besides the table
  --adapter dawn       in Node instead of Chromium; TAIJI_ADAPTER=lavapipe|swiftshader|native chooses there
  --shape NAME         ${SHAPE_NAMES.join(', ')}; may be repeated (default: standard, small, base)
  --peer NAME          ours, f16 (ours, weights read in f16), tfjs, jax; may be repeated (default: all)
  --rounds N           turns that each peer gets (default 5)
  --products           instead of all this: how fast each way of sharing out the tiled products of a shape is, and which wins
  --torch              instead of all this: prints a Python script that takes the same training steps in PyTorch, and prints rows for
                       the same table
  --shapes             instead of all this: what each preset is planned to take; then medium, large and 135 million weights take their
                       steps in Node, with the memory that was planned. --shape medium, large or 135m chooses
  --cold               instead of all this: how long a person waits on the page, from a browser that has never seen it to POPO at work, a
                       fork, what was shared, a comparison and an answer. --adapter chromium or firefox`;

/** What is done in the place of measuring peers. */
const MODES = ['shapes', 'cold', 'products', 'torch'] as const;
type Mode = 'peers' | (typeof MODES)[number];

function parseOptions(args: string[]): BenchOptions & { json: string | null; adapter: string; mode: Mode } {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'string' },
      adapter: { type: 'string', default: 'chromium' },
      shape: { type: 'string', multiple: true },
      peer: { type: 'string', multiple: true, default: [...PEER_NAMES] },
      rounds: { type: 'string', default: '5' },
      shapes: { type: 'boolean', default: false },
      cold: { type: 'boolean', default: false },
      products: { type: 'boolean', default: false },
      torch: { type: 'boolean', default: false },
    },
  });
  const { adapter, peer } = values;
  const modes = MODES.filter((mode) => values[mode]);
  if (modes.length > 1) throw new Error(`--${modes.join(' and --')} are commands of their own.`);
  const [mode = 'peers'] = modes;
  const [known, usual] =
    mode === 'shapes' ? [WHOLE_SHAPES, WHOLE_SHAPES] : [SHAPE_NAMES, ['standard', 'small', 'base']];
  const { shape = [...usual] } = values;
  const adapters = mode === 'cold' ? ['chromium', 'firefox'] : ['chromium', 'dawn'];
  if (!adapters.includes(adapter))
    throw new Error(`--adapter must be ${adapters.join(' or ')}, not ${adapter}.`);
  const strange = shape.find((name) => !(known as readonly string[]).includes(name));
  if (strange !== undefined) throw new Error(`There is no shape ${strange}: choose ${known.join(', ')}.`);
  const peers = PEER_NAMES.filter((name) => peer.includes(name));
  const unknown = peer.find((name) => !PEER_NAMES.includes(name as PeerName));
  if (unknown !== undefined) throw new Error(`There is no peer ${unknown}: choose ${PEER_NAMES.join(', ')}.`);
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number from 1.');
  return { json: values.json ?? null, adapter, mode, shapes: shape, peers, rounds, turn: 1000 };
}

export async function main(args: string[]): Promise<number> {
  let options: ReturnType<typeof parseOptions>;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`Error: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  const { json, adapter, mode, ...bench } = options;
  const keep = (result: object) => {
    if (json !== null) writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
  };
  if (mode === 'shapes') {
    await wholeShapes(bench.shapes);
    return 0;
  }
  if (mode === 'cold') {
    keep(await benchCold(adapter === 'firefox' ? 'firefox' : 'chromium'));
    return 0;
  }
  if (mode === 'products') {
    const raced = await (adapter === 'dawn' ? raceInNode : raceInChromium)(bench.shapes);
    const { productTable } = await import('../bench/products');
    for (const [name, products] of Object.entries(raced)) console.log(`\n${productTable(name, products)}`);
    keep(raced);
    return 0;
  }
  if (mode === 'torch') {
    const { torchScript } = await import('../bench/torchScript');
    console.log(torchScript(await Promise.all(bench.shapes.map(benchShape)), bench.rounds));
    return 0;
  }
  const cost = jsCost();
  const measured = adapter === 'dawn' ? await benchInNode(bench) : await benchInChromium(bench);
  const { length: cores, 0: cpu } = cpus();
  const result: BenchResult = {
    machine: `${cores} × ${cpu?.model.trim() ?? process.arch}, ${process.platform}, ${adapter === 'dawn' ? 'Node on Dawn' : 'Chromium'}`,
    ...measured,
    js_ms_per_step: cost.ms,
  };
  console.log(`\n${benchTable(result)}\n`);
  console.log(`JavaScript per training step of ${cost.layers} layers: ${cost.ms.toFixed(3)} ms`);
  keep(result);
  return 0;
}

async function wholeShapes(names: readonly string[]): Promise<void> {
  const { openDawn } = await import('../browsers/dawn');
  const { planTable, runWholeShapes, vocabularyTable } = await import('../bench/shapes');
  console.log(`${await planTable()}\n\n${vocabularyTable()}\n`);
  const chosen = WHOLE_SHAPES.filter((name) => names.includes(name));
  await runWholeShapes(openDawn(), chosen, console.log);
}

async function benchCold(name: BrowserName): Promise<Wait[]> {
  const { servePage } = await import('./serve');
  const { openBrowser } = await import('../browsers/browser');
  const { coldPage } = await import('../bench/coldPage');
  const server = await servePage({ port: 0, outDir: '.cache/cold' });
  try {
    return await coldPage(() => openBrowser(name), server.url, console.log);
  } finally {
    await server.close();
  }
}

async function benchInNode(options: BenchOptions) {
  const { openDawn } = await import('../browsers/dawn');
  const { runBench } = await import('../bench/run');
  return runBench(openDawn(), options, console.log);
}

async function raceInNode(shapes: readonly string[]) {
  const { openDawn } = await import('../browsers/dawn');
  const { raceProducts } = await import('../bench/products');
  return raceProducts(openDawn(), shapes, console.log);
}

const benchInChromium = (options: BenchOptions) =>
  inChromium((page) =>
    page.evaluate(
      (asked) => globalThis.taijiBench?.runBench(navigator.gpu, asked, (line) => console.log(line)),
      options,
    ),
  );

const raceInChromium = (shapes: readonly string[]) =>
  inChromium((page) =>
    page.evaluate(
      (asked) => globalThis.taijiBench?.raceProducts(navigator.gpu, asked, (line) => console.log(line)),
      shapes,
    ),
  );

/** @param work on the page, which has `taijiBench` */
async function inChromium<T>(work: (page: BrowserPage) => Promise<T | undefined>): Promise<T> {
  const { servePage } = await import('./serve');
  const { openBrowser } = await import('../browsers/browser');
  const server = await servePage({ port: 0, outDir: '.cache/bench', entry: 'src/bench/bench.html' });
  const page = await openBrowser('chromium');
  try {
    page.onConsole((line) => console.log(line));
    await page.goto(server.url);
    await page.evaluate(async () => {
      while (globalThis.taijiBench === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
    }, null);
    const result = await work(page);
    if (result === undefined) throw new Error('The page lost the benchmark.');
    return result;
  } finally {
    await page.close();
    await server.close();
  }
}

function jsCost(): { ms: number; dispatches: number; layers: number } {
  const launcher = fileURLToPath(new URL('launch.mjs', import.meta.url));
  const { stdout, stderr } = spawnSync(process.execPath, [launcher, 'jsCost'], { encoding: 'utf8' });
  const line = stdout.trim().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`The null backend gave no answer: ${stderr.trim() || line}`);
  }
}
