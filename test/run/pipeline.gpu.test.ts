import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findNodeAdapters, NO_NODE_ADAPTER } from '../../src/browsers/adapters';
import { createDawn } from '../../src/browsers/dawn';
import { budgetOf, deviceBytes } from '../../src/run/budget';
import { openRunDevice, type RunDevice } from '../../src/run/device';
import { compareFingerprints } from '../../src/run/fingerprint';
import type { Report, RunEvent } from '../../src/run/report';
import { runPipeline } from '../../src/run/runner';
import { minusculeConfig, recordedRun } from './tinyRun';

const TIMEOUT = 300_000;

describe('runPipeline on the engine', { timeout: TIMEOUT }, () => {
  let api: GPU | null = null;
  let report: Report;
  let device: RunDevice;
  let compiled: Extract<RunEvent, { type: 'compiling' }>[];

  async function open(kernels: Parameters<typeof openRunDevice>[0]): Promise<RunDevice> {
    device = await openRunDevice(kernels, api!);
    return device;
  }

  beforeAll(async () => {
    if (!process.env.TAIJI_TEST_ADAPTER) {
      const [first] = findNodeAdapters();
      if (!first) throw new Error(NO_NODE_ADAPTER);
      Object.assign(process.env, first.env, { TAIJI_TEST_ADAPTER: first.name });
    }
    api = createDawn(process.env.TAIJI_TEST_ADAPTER ?? '');
    const run = recordedRun(minusculeConfig(), null, undefined, open);
    report = (await runPipeline(run.context)).report!;
    compiled = run.events.filter((event) => event.type === 'compiling');
  }, TIMEOUT);

  afterAll(() => {
    api = null;
  });

  it('trains on WebGPU', () => {
    expect(report.device.backend).toBe('webgpu');
    expect(report.config.kernels).not.toBe('auto');
    expect(report.memory.bytesAllocated).toBe(report.memory.bytesPlanned);
    expect(report.table.map((row) => row.stage)).toEqual(['warmup', 'sft', 'popo']);
  });

  it('tells of its kernels until all are built', () => {
    expect(compiled[0]).toEqual({ type: 'compiling', built: 0, asked: 1 });
    const { built, asked } = compiled.at(-1)!;
    expect(built).toBe(asked);
    expect(asked).toBeGreaterThan(40);
  });

  it('takes what was estimated, within a factor of 2', () => {
    // Whatever a stage has goes at its end, so that what the report has is the most at one time.
    const estimated = deviceBytes(budgetOf(report.config));
    expect(estimated).toBeGreaterThan(report.memory.bytesPlanned / 2);
    expect(estimated).toBeLessThan(report.memory.bytesPlanned * 2);
  });

  it('agrees with the reference model as closely as two adapters do', async () => {
    // The kernels are part of what a run is asked for; the reference has none to choose from.
    const { kernels } = report.config;
    const other = await runPipeline(recordedRun({ ...minusculeConfig(), kernels }).context);
    expect(['close', 'identical']).toContain(
      compareFingerprints(other.report!.fingerprint, report.fingerprint).verdict,
    );
  });

  it.each(['ranker', 'warmup', 'orft', 'sft', 'popo', 'evaluate', 'ranking'])(
    'survives the loss of its device in %s, to the same bits',
    async (stage) => {
      let isLost = false;
      const run = recordedRun(
        minusculeConfig(),
        null,
        (event) => {
          if (isLost || event.type !== 'progress' || event.name !== stage) return;
          isLost = true;
          device.lose();
        },
        open,
      );
      const { report: survived } = await runPipeline(run.context);
      expect(isLost).toBe(true);
      expect(run.events.filter((event) => event.type === 'notice')).toHaveLength(1);
      expect(compareFingerprints(report.fingerprint, survived!.fingerprint).verdict).toBe('identical');
      expect(survived!.table).toEqual(report.table);
    },
  );
});
