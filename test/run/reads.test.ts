import { describe, expect, it } from 'vitest';
import type { RunConfig } from '../../src/run/config';
import { loadDataset } from '../../src/run/datasets';
import { configPaths } from '../../src/run/diff';
import { STAGES } from '../../src/run/pipeline';
import { STAGE_NAMES, type StageName } from '../../src/run/report';
import type { SessionTools } from '../../src/run/stage';
import { toolsOf } from './stages/recorded';
import { minusculeConfig, openCpu, recordedRun } from './tinyRun';

/** The config as a stage sees it; what is read of it is written down by its dotted path. */
function watched(config: RunConfig, read: (path: string) => void): RunConfig {
  const watch = <T extends object>(node: T, prefix: string): T =>
    new Proxy(node, {
      get(target, key, receiver) {
        const value: unknown = Reflect.get(target, key, receiver);
        if (typeof key === 'symbol' || !Object.hasOwn(target, key)) return value;
        const path = `${prefix}${key}`;
        const isSection = typeof value === 'object' && value !== null && !Array.isArray(value);
        if (isSection) return watch(value, `${path}.`);
        read(path);
        return value;
      },
    });
  return watch(config, '');
}

/** Which fields each stage reads in a run of `config`. */
async function readBy(config: RunConfig): Promise<Map<StageName, Set<string>>> {
  const reads = new Map<StageName, Set<string>>();
  let own = new Set<string>();
  const seen = watched(config, (path) => void own.add(path));
  const device = await openCpu();
  const opened: Partial<Record<StageName, unknown>> = {};
  const services = {
    ...recordedRun(config).context,
    loadDataset: () => loadDataset(seen, async () => null),
  };
  for (const stage of STAGES) {
    own = new Set();
    reads.set(stage.name, own);
    const inputs = opened as never;
    const session: SessionTools = {
      ...services,
      config: seen,
      device,
      emit: () => {},
      createModel: (shape, rows) => device.createModel(shape, seen.seed, rows),
    };
    const steps = stage.steps(seen, inputs);
    const tools = {
      ...(await toolsOf(stage.name, config, { steps })).tools,
      ...session,
      configAt: () => seen,
    };
    let made: unknown;
    if ('begin' in stage) {
      made = stage.begin(seen);
      await stage.run(inputs, tools, made as never);
    } else made = await stage.run(inputs, tools);
    opened[stage.name] = await stage.open(made as never, inputs, session);
  }
  return reads;
}

const covers = (declared: readonly string[], path: string) =>
  declared.some((entry) => path === entry || path.startsWith(`${entry}.`));

/** Every baseline, the one that is trained too. */
function allBaselines({ evaluate }: RunConfig): void {
  Object.assign(evaluate, {
    baselines: 'all',
    sasrec_steps: 2,
    sasrec_batch_size: 2,
    sasrec_hidden_size: 8,
  });
}

describe('what a stage says it reads', { timeout: 300_000 }, () => {
  it.each([
    ['the minuscule config', () => {}],
    [
      'other branches',
      (config: RunConfig) => {
        config.sft.cot = false;
        config.orft.threshold = 'margin';
        config.popo.weighting = 'mgda';
        config.popo.scale_rewards = 'batch';
        config.rupr.told = false;
        config.ranking.users = 0;
        allBaselines(config);
      },
    ],
  ])('is all that it reads: %s', async (_name, change: (config: RunConfig) => void) => {
    for (const [name, paths] of await readBy(minusculeConfig(change))) {
      const { reads, glances = [] } = STAGES[STAGE_NAMES.indexOf(name)];
      const undeclared = [...paths].filter((path) => !covers([...reads, ...glances], path));
      expect(undeclared, name).toEqual([]);
    }
  });

  it('is no more than it reads', async () => {
    const paths = await readBy(minusculeConfig(allBaselines));
    for (const { name, reads, glances = [] } of STAGES) {
      const idle = reads.filter(
        (entry) => ![...(paths.get(name) ?? [])].some((path) => covers([entry], path)),
      );
      expect(idle, name).toEqual([]);
      // What needs another teacher is glanced at only with one.
      expect(
        glances.filter((entry) => covers(reads, entry)),
        name,
      ).toEqual([]);
    }
  });

  it('names fields that there are', () => {
    const known = configPaths();
    for (const { reads, glances = [] } of STAGES)
      for (const entry of [...reads, ...glances])
        expect(
          known.some((path) => covers([entry], path)),
          entry,
        ).toBe(true);
  });
});

describe('the list of stages', () => {
  it('has every stage in the order of their names', () => {
    expect(STAGES.map(({ name }) => name)).toEqual([...STAGE_NAMES]);
  });
});
