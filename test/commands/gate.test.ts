/** The gate's command: cells with their counters, and gates of several processes joined. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gateSeed, readGates } from '../../src/commands/gate';
import { parseStudyOptions } from '../../src/commands/study';
import { OUTCOMES } from '../../src/evaluate/metrics';
import { loadDataset } from '../../src/run/datasets';
import { applyDiff } from '../../src/run/diff';
import { drawExamples } from '../../src/run/stages/data';
import type { Cell } from '../../src/study/cell';
import { GATE } from '../../src/study/gateMethods';
import { methodConfig } from '../../src/study/methods';

const SIZES = { 'data.num_users': 300, 'data.num_heldout_users': 120, 'evaluate.users': 90 };
const config = applyDiff({ preset: 'tiny', version: 2 }, { ...SIZES, seed: 3 });

/** A cell whose user u has u in the metric's column. */
function cell(method: string, of = config): Cell {
  const outcomes = Array.from({ length: 90 }, (_, user) =>
    OUTCOMES.map((_metric, column) => user + column / 10),
  );
  return {
    method,
    seed: of.seed,
    app: '1',
    kernels: 'k7',
    config: of,
    link: `#${method}`,
    outcomes: outcomes.flat(),
  } as unknown as Cell;
}

describe('--gate', () => {
  it('runs SFT with and without reasoning, both ends and at least three weights between, of version 2', () => {
    const { preset, methods, gate } = parseStudyOptions(['--gate', '--out', 'x', '--seeds', '31,33']);
    expect([preset, gate]).toEqual([{ preset: 'tiny', version: 2 }, true]);
    const names = methods.map(({ name }) => name);
    expect(names.slice(0, 4)).toEqual(['orft', 'fixed-1', 'answers-only', 'fixed-0']);
    const between = names.filter((name) => /^fixed-0\.\d+$/.test(name));
    expect(between.length).toBeGreaterThanOrEqual(3);
    const configs = GATE.map((method) => methodConfig(method, preset, {}, 31));
    expect(configs.map(({ sft }) => sft.cot)).toEqual(names.map((name) => name !== 'answers-only'));
    expect(configs.slice(3).map(({ popo }) => popo.reward_weights[0])).toEqual([
      0,
      ...between.map((name) => Number(name.slice(6))),
    ]);
    // SFT on reasoning is judged in the run of the semantic reward alone.
    expect(configs[0]).toEqual(configs[1]);
    for (const { popo, orft } of configs) {
      expect([popo.weighting, popo.scale_rewards, popo.probe_every]).toEqual(['fixed', 'batch', 0]);
      expect(orft.threshold).toBe('margin');
    }
  });

  it('takes one seed where one is named, as each of several processes does', () => {
    const seeds = (...args: string[]) => parseStudyOptions([...args, '--out', 'x']).seeds;
    expect(seeds('--gate', '--seeds', '31')).toEqual([31]);
    expect(seeds('--gate', '--seeds', '31-33')).toEqual([31, 32, 33]);
    expect(seeds('--seeds', '3')).toEqual([1, 2, 3]);
    expect(seeds('--seeds', '21,25')).toEqual([21, 25]);
  });

  it.each([
    [['--gate', '--methods', 'orft'], '--gate has methods of its own'],
    [['--from', 'a.json'], 'add --gate'],
    [['--gate', '--version', '3'], 'no version 3'],
    [['--gate', '--seeds', '31,31'], '--seeds must be'],
  ])('refuses %j', (args, message) => {
    expect(() => parseStudyOptions([...args, '--out', 'x'])).toThrow(message);
  });

  it('puts counters and slices of the same test users beside the cells', async () => {
    const notes = { adapter: 'none', seconds: new Map([['orft', 7]]) };
    const gate = await gateSeed([cell('orft'), cell('fixed-0')], notes);
    const dataset = await loadDataset(config, async () => null);
    const { test } = drawExamples(dataset, config);
    expect(gate).toMatchObject({ seed: 3, seconds: 7, adapter: 'none', app: '1', kernels: 'k7' });
    expect(gate.cells).toEqual([
      { name: 'orft', seconds: 7, link: '#orft' },
      { name: 'fixed-0', seconds: 0, link: '#fixed-0' },
    ]);
    expect(gate.slices.of).toEqual(test.map((example) => dataset.slices?.of(example)));
    expect(gate.methods[0].l3.slice(0, 3)).toEqual([0.2, 1.2, 2.2]);
    expect(gate.methods[0].ctcvr.slice(0, 3)).toEqual([0.5, 1.5, 2.5]);
    for (const { l3, ctcvr } of [...gate.counters, gate.ceiling!]) {
      expect([l3.length, ctcvr.length]).toEqual([90, 90]);
      expect(new Set(l3)).toEqual(new Set([0, 1]));
    }
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(gate.ceiling!.l3)).toBeGreaterThan(0.65);
    for (const { l3 } of gate.counters) expect(mean(l3)).toBeLessThan(0.5);
  });

  it('wants a world with slices', async () => {
    const plain = applyDiff({ preset: 'tiny', version: 1 }, { 'data.num_users': 20 });
    await expect(gateSeed([cell('orft', plain)], { adapter: '', seconds: new Map() })).rejects.toThrow(
      'data.world is tradeoff',
    );
  });

  it('joins the gates of processes, by seed, each once', () => {
    const folder = mkdtempSync(join(tmpdir(), 'gate-'));
    const file = (name: string, content: unknown) => {
      writeFileSync(join(folder, name), JSON.stringify(content));
      return join(folder, name);
    };
    const [a, b] = [file('a.json', { gate: [{ seed: 32 }] }), file('b.json', { gate: [{ seed: 31 }] })];
    expect(readGates([a, b]).map(({ seed }) => seed)).toEqual([31, 32]);
    expect(() => readGates([a, a])).toThrow('Seed 32 stands in two');
    expect(() => readGates([join(folder, 'c.json')])).toThrow('does not exist');
    expect(() => readGates([file('d.json', {})])).toThrow('is not the gate.json');
    expect(readFileSync(a, 'utf8')).toContain('32');
  });

  it('refuses parts of several versions or kernels, also where one does not tell its own', () => {
    const folder = mkdtempSync(join(tmpdir(), 'gate-'));
    const part = (seed: number, made: object) => {
      const path = join(folder, `${seed}.json`);
      writeFileSync(path, JSON.stringify({ gate: [{ seed, ...made }] }));
      return path;
    };
    const one = part(31, { app: '0.9.0', kernels: 'k4' });
    expect(readGates([one, part(32, { app: '0.9.0', kernels: 'k4' })])).toHaveLength(2);
    expect(() => readGates([one, part(33, { app: '0.9.0', kernels: 'k5' })])).toThrow(
      /^Seed 33 was made by version 0\.9\.0, kernels k5, and seed 31 by version 0\.9\.0, kernels k4: a gate is joined of parts of one version and one kernels\.$/,
    );
    expect(() => readGates([one, part(34, { app: '0.8.0', kernels: 'k4' })])).toThrow(
      'version 0.8.0, kernels k4',
    );
    expect(() => readGates([one, part(35, { app: '0.9.0' })])).toThrow('kernels not told');
    // Of one and the same older version all are alike.
    expect(readGates([part(36, { app: '0.8.0' }), part(37, { app: '0.8.0' })])).toHaveLength(2);
  });
});
