import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { benchShape } from '../../src/bench/core';
import { COLUMNS } from '../../src/bench/table';
import { torchScript } from '../../src/bench/torchScript';
import { main } from '../../src/commands/bench';
import { BENCH_HYPER, type BenchShape, STANDARD } from '../../src/model/benchShape';
import { stepOperations } from '../../src/model/engineSpeed';
import { parameterCount, parameterTable } from '../../src/model/parameters';

const ODD: BenchShape = {
  name: 'odd',
  config: {
    vocab_size: 52,
    hidden_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 6,
    num_key_value_heads: 2,
    intermediate_size: 20,
    max_position_embeddings: 32,
    rope_theta: 500,
    rms_norm_eps: 1e-6,
  },
  size: 3,
  length: 11,
};

let folder: string;
const python = (...args: string[]) => execFileSync('python3', args, { cwd: folder, encoding: 'utf8' });
const said = (script: string): string => /TASK = json\.loads\(r"""(.*?)"""\)/s.exec(script)?.[1] ?? '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'torch-script-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the script for PyTorch', () => {
  it('is Python, has the numbers of each shape, and counts the weights and operations that the engine does', async () => {
    const shapes = [ODD, STANDARD, await benchShape('tiny')];
    const script = torchScript(shapes, 7);
    writeFileSync(join(folder, 'step.py'), script);
    python('-m', 'py_compile', 'step.py');
    expect(JSON.parse(said(script))).toEqual({ shapes, hyper: BENCH_HYPER, rounds: 7, columns: COLUMNS });
    const counted = python('step.py', '--count').trim().split('\n');
    expect(counted.map((line) => JSON.parse(line))).toEqual(
      shapes.map((shape) => ({
        name: shape.name,
        parameters: parameterCount(shape.config),
        operations: stepOperations(shape),
      })),
    );
  });

  it('has every weight by its name and shape, and leaves rows that fit the table', () => {
    writeFileSync(join(folder, 'odd.py'), torchScript([ODD], 1));
    const asked = (what: string) => JSON.parse(python('-c', `import odd, json; print(json.dumps(${what}))`));
    const weights = parameterTable(ODD.config).parameters.map(({ name, shape }) => [name, shape]);
    expect(asked('odd.parameter_shapes(odd.TASK["shapes"][0]["config"])')).toEqual(
      Object.fromEntries(weights),
    );
    const found = '{"ms": 2.5, "peak": 0.5, "encode": 1.25, "bytes": 3145728}';
    const row = asked(`odd.row(odd.TASK["shapes"][0], ${found})`);
    const gigaflops = stepOperations(ODD) / 2.5e6;
    const cells = {
      shape: 'odd',
      PyTorch: '2.5 ms',
      'GFLOP/s of the step': gigaflops.toFixed(1),
      'of the peak': `${(200 * gigaflops).toFixed(1)} %`,
      'trained tokens/s': '13,200',
      'encoding a step': '1.25 ms',
      allocated: '3.0',
    };
    const expected: readonly string[] = COLUMNS.map(
      (column) => Object.entries(cells).find(([name]) => name === column)?.[1] ?? '',
    );
    expect(row).toBe(`| ${expected.join(' | ')} |`);
    // A processor's has no driver to hand over to, and nobody measured a peak.
    const plain = asked(
      'odd.row(odd.TASK["shapes"][0], {"ms": 250.4, "peak": None, "encode": None, "bytes": None})',
    );
    expect(plain.replaceAll(/[ |]+/g, ' ').trim()).toBe(
      `odd 250 ms ${(stepOperations(ODD) / 250.4e6).toFixed(1)} 132`,
    );
  });

  it('is what the command prints, for the shapes that are asked for', async () => {
    const lines: string[] = [];
    const log = vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
    expect(await main(['--torch', '--shape', 'standard', '--rounds', '3'])).toBe(0);
    log.mockRestore();
    const task = JSON.parse(said(lines.join('\n')));
    expect(task.shapes).toEqual([await benchShape('standard')]);
    expect(task.rounds).toBe(3);
  });
});
