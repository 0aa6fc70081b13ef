/** A run whose products read weights in f16: it says so, repeats itself, and goes on from a checkpoint to the same bits. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findNodeAdapters, NO_NODE_ADAPTER } from '../../src/browsers/adapters';
import { createDawn } from '../../src/browsers/dawn';
import { budgetOf, deviceBytes } from '../../src/run/budget';
import { openRunDevice, type RunDevice } from '../../src/run/device';
import { compareFingerprints } from '../../src/run/fingerprint';
import { parseLink } from '../../src/run/link';
import type { Report } from '../../src/run/report';
import { runPipeline } from '../../src/run/runner';
import { wholeGrid } from '../adapter';
import { minusculeConfig, recordedRun } from './tinyRun';

const TIMEOUT = 300_000;
const config = minusculeConfig((draft) => {
  draft.kernels = 'tiled-f16';
});

describe('a run in f16', { timeout: TIMEOUT }, () => {
  let api: GPU | null = null;
  let device: RunDevice;
  let report: Report;
  const open = async (kernels: Parameters<typeof openRunDevice>[0]) => {
    device = await openRunDevice(kernels, api!);
    return device;
  };

  beforeAll(async () => {
    if (!process.env.TAIJI_TEST_ADAPTER) {
      const [first] = findNodeAdapters();
      if (!first) throw new Error(NO_NODE_ADAPTER);
      Object.assign(process.env, first.env, { TAIJI_TEST_ADAPTER: first.name });
    }
    api = createDawn(process.env.TAIJI_TEST_ADAPTER ?? '');
    report = (await runPipeline(recordedRun(config, null, undefined, open).context)).report!;
  }, TIMEOUT);
  afterAll(() => {
    api = null;
  });

  it('says so in its report and link, and allocates what it plans', async () => {
    expect(report.config.kernels).toBe('tiled-f16');
    expect(parseLink(report.link).config.kernels).toBe('tiled-f16');
    expect(report.memory.bytesAllocated).toBe(report.memory.bytesPlanned);
    const estimated = deviceBytes(budgetOf(report.config));
    expect(estimated).toBeGreaterThan(report.memory.bytesPlanned / 2);
    expect(estimated).toBeLessThan(report.memory.bytesPlanned * 2);
  });

  // A second driver takes a minute to compile for each.
  it.each(wholeGrid ? ['warmup', 'sft', 'popo'] : ['sft'])(
    'survives the loss of its device in %s, to the same bits',
    async (stage) => {
      let isLost = false;
      const run = recordedRun(
        config,
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
      expect(compareFingerprints(report.fingerprint, survived!.fingerprint).verdict).toBe('identical');
      expect(survived!.table).toEqual(report.table);
    },
  );

  it.each(wholeGrid ? (['tiled'] as const) : [])(
    'is another run than that by kernels %s',
    async (kernels) => {
      const whole = { ...config, kernels };
      const { report: other } = await runPipeline(recordedRun(whole, null, undefined, open).context);
      expect(compareFingerprints(report.fingerprint, other!.fingerprint).verdict).toBe('other-inputs');
      expect(other!.fingerprint.exact).not.toBe(report.fingerprint.exact);
    },
  );
});
