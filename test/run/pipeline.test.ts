import { beforeAll, describe, expect, it } from 'vitest';
import { readSentenceFiles } from '../../src/commands/sentenceFiles';
import { useCpu } from '../../src/gpu/tfjs';
import { SENTENCE_BYTES } from '../../src/rank/sentenceEncoder';
import { openReferenceDevice } from '../../src/run/device';
import { compareFingerprints } from '../../src/run/fingerprint';
import { parseLink } from '../../src/run/link';
import { readReport } from '../../src/run/readReport';
import { type Report, STAGE_NAMES } from '../../src/run/report';
import { type RunOutcome, runPipeline } from '../../src/run/runner';
import type { RunCheckpoint } from '../../src/run/runState';
import type { KeptPart } from '../../src/run/workbench';
import { minusculeConfig, type Recorded, recordedRun } from './tinyRun';

/** A report without what the clock decides, and without the memory of a process that other runs shared. */
function timeless(report: Report) {
  const { timings, memory, stages, ...rest } = report;
  return { ...rest, stages: stages.map(({ seconds, ...stage }) => stage) };
}

/** For machines that share their cores. */
const TIMEOUT = 180_000;

describe('runPipeline', { timeout: TIMEOUT }, () => {
  let run: Recorded;
  let outcome: RunOutcome;
  let report: Report;

  beforeAll(async () => {
    run = recordedRun(minusculeConfig());
    outcome = await runPipeline(run.context);
    report = outcome.report!;
  }, TIMEOUT);

  it('goes through all stages and reports them', () => {
    expect(report.stages.map((stage) => stage.name)).toEqual([...STAGE_NAMES]);
    const loss = (name: string) => report.stages.find((stage) => stage.name === name)!.loss;
    expect(loss('warmup')).toHaveLength(6);
    expect(loss('orft')).toHaveLength(2);
    expect(loss('sft')).toHaveLength(5);
    expect(report.popo.steps).toHaveLength(3);
    expect(report.popo.steps[0].rewards).toHaveLength(2);
    expect(report.popo.curve.map(({ step }) => step)).toEqual([0, 2, 3]);
    expect(report.table.map((row) => row.stage)).toEqual(['warmup', 'sft', 'popo']);
    expect(report.counting).toMatchObject({ stage: 'counting', valid_rate: 1, users: report.table[0].users });
    expect(report.counting!.distinct_top1).toBeGreaterThan(1);
    expect(report.orft.scored).toBe(12);
    expect(report.orft.kept).toBeGreaterThan(0);
    expect(report.orft.kept).toBeLessThan(12);
    expect(report.samples.length).toBeGreaterThan(0);
    expect(report.timings.rollout).toBeGreaterThan(0);
  });

  it('is plain JSON that reads back', () => {
    expect(readReport(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  it('tells every stage, and progress to its end', () => {
    for (const name of STAGE_NAMES) {
      const told = run.events.filter((event) => 'name' in event && event.name === name);
      expect(told[0]).toMatchObject({ type: 'stage', status: 'started' });
      expect(told.at(-1)).toMatchObject({ type: 'stage', status: 'finished' });
      expect(told.some((event) => event.type === 'progress' && event.step === event.steps)).toBe(true);
    }
    expect(run.events.filter((event) => event.type === 'loss')).toHaveLength(6 + 2 + 5);
    expect(run.events.filter((event) => event.type === 'popo')).toHaveLength(3);
    const groups = run.events.flatMap((event) => (event.type === 'group' ? [event.group] : []));
    expect(groups.map(({ step }) => step)).toEqual([0, 1, 2]);
    for (const { step, prompt, answers } of groups) {
      const record = report.popo.steps[step];
      expect(answers).toHaveLength(record.rewards[prompt].length);
      answers.forEach(({ pieces, probabilities, item }, g) => {
        expect(probabilities).toHaveLength(pieces.length);
        expect(probabilities.every((p) => p > 0 && p <= 1)).toBe(true);
        if (item === null) expect(record.rewards[prompt][g]).toEqual(record.rewards[prompt][g].map(() => 0));
      });
    }
    // At each stage's end; a slow machine keeps some between, too.
    const kept = new Set(run.events.flatMap((event) => (event.type === 'checkpoint' ? [event.stage] : [])));
    expect([...kept]).toEqual(STAGE_NAMES.slice(1));
  });

  it('gives a link that leads back to the same config, resolved', () => {
    const link = parseLink(report.link);
    expect(link).toEqual({
      config: { ...minusculeConfig(), kernels: 'portable' },
      changes: [],
      dataset: report.dataset.sha256,
      expected: report.fingerprint,
      result: null,
      problem: null,
    });
  });

  it('takes meaning from the sentence encoder where asked, and asks for it once', async () => {
    const config = minusculeConfig(({ encoder }) => {
      encoder.semantic_reward = 'use-lite';
    });
    let loads = 0;
    const loadSentenceFiles: Recorded['context']['loadSentenceFiles'] = (hooks) => {
      loads++;
      hooks.onProgress?.(SENTENCE_BYTES, SENTENCE_BYTES);
      return readSentenceFiles();
    };
    const sentences = recordedRun(config);
    const other = (await runPipeline({ ...sentences.context, loadSentenceFiles })).report!;
    expect(loads).toBe(1);
    // The first POPO step samples the same answers; only what they are paid for differs.
    const [paid, before] = [other, report].map(({ popo }) => popo.steps[0].rewards.flat());
    expect(paid.map(([, id]) => id)).toEqual(before.map(([, id]) => id));
    const after = sentences.saved.find(({ state }) => state.stage === 'sft')!;
    const resumed = await runPipeline(recordedRun(config, after).context);
    expect(timeless(resumed.report!)).toEqual(timeless(other));
  });

  it('comes out close in plain JavaScript, where there is no WebAssembly', async () => {
    expect(report.device.backend).toBe('wasm');
    const plain = () =>
      openReferenceDevice(async () => {
        await useCpu();
        return 'cpu';
      });
    const other = (await runPipeline(recordedRun(minusculeConfig(), null, undefined, plain).context)).report!;
    expect(other.device.backend).toBe('cpu');
    expect(compareFingerprints(report.fingerprint, other.fingerprint).verdict).toBe('close');
  });

  it('is another run with another seed', async () => {
    const other = await runPipeline(
      recordedRun(minusculeConfig((config) => Object.assign(config, { seed: 6 }))).context,
    );
    expect(other.report!.fingerprint.exact).not.toBe(report.fingerprint.exact);
  });

  it('pauses, stops, and goes on in a fresh session to the same bits', async () => {
    const first = recordedRun(minusculeConfig(), null, (event, controls) => {
      if (event.type === 'popo' && event.step.step === 1) controls.pause();
      if (event.type === 'checkpoint' && controls.resting) controls.stop();
    });
    expect((await runPipeline(first.context)).report).toBeNull();
    const checkpoint = first.saved.at(-1)!;
    expect(checkpoint.state).toMatchObject({ stage: 'popo', step: 2 });
    const second = recordedRun(minusculeConfig(), checkpoint);
    const resumed = await runPipeline(second.context);
    const told = second.events.flatMap((event) =>
      'status' in event && event.name === 'popo' ? [event.status] : [],
    );
    expect(told).toEqual(['started', 'resumed', 'finished']);
    expect(timeless(resumed.report!)).toEqual(timeless(report));
    const bits = (made: RunCheckpoint) => new Uint32Array(made.model!.parameters.buffer);
    expect(bits(resumed.checkpoint)).toEqual(bits(outcome.checkpoint));
  });

  it('repeats to the bit from its link, and from wherever it is kept between its steps', async () => {
    const { config } = parseLink(report.link);
    const kept = recordedRun(config, null, (_event, controls) => controls.keep());
    const again = (await runPipeline(kept.context)).report!;
    expect(timeless(again)).toEqual(timeless(report));
    expect(compareFingerprints(report.fingerprint, again.fingerprint).verdict).toBe('identical');
    const within = (stage: string, step: number) =>
      kept.saved.filter(({ state }) => state.stage === stage && state.step === step);
    const midst = (stage: string, isIt: (parts: Record<string, KeptPart>) => boolean) =>
      kept.saved.find(({ state }) => state.stage === stage && isIt(state.work.parts))!;
    const moments = {
      'while the ranker learns': midst('ranker', ({ fit }) => fit?.standing !== undefined),
      'while the encoder learns': midst('encoder', ({ fit }) => fit?.standing !== undefined),
      'while test users are judged': midst('evaluate', (parts) => Object.keys(parts).length > 0),
      'among the baselines': midst('baselines', (parts) => Object.keys(parts).length === 3),
      'among requests': midst('features', ({ requests }) => requests !== undefined),
      'while rankers are compared': midst('ranking', ({ cross }) => cross !== undefined),
      'before the first step of warm-up': within('warmup', 0)[1],
      'in the midst of warm-up': within('warmup', 3)[0],
      'while warm-up is judged': within('warmup', 6)[0],
      'while the scorer learns': within('orft', 1)[0],
      'while the scorer scores': within('orft', 2).find(
        ({ state }) => state.work.parts.scored !== undefined,
      )!,
      'in SFT': within('sft', 2)[0],
      'in POPO': within('popo', 2)[0],
    };
    for (const [moment, checkpoint] of Object.entries(moments)) {
      expect(checkpoint, moment).toBeDefined();
      const resumed = await runPipeline(recordedRun(minusculeConfig(), checkpoint).context);
      expect(timeless(resumed.report!), moment).toEqual(timeless(report));
    }
  });

  it('goes on from the checkpoint at the end of a stage to the same bits', async () => {
    for (const next of ['ranker', 'warmup', 'orft', 'popo', 'evaluate', 'features', 'ranking']) {
      const checkpoint = run.saved.find(({ state }) => state.stage === next)!;
      const resumed = await runPipeline(recordedRun(minusculeConfig(), checkpoint).context);
      expect(timeless(resumed.report!), `from ${next}`).toEqual(timeless(report));
    }
  });
});
