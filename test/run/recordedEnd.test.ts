/** A recorded run at the end of its alignment, put together from what lies beside a page: it is that run, and goes on to its bits. */
import { beforeAll, describe, expect, it } from 'vitest';
import { alignedBeside } from '../../src/commands/recorded';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/run/checkpoint';
import { forked } from '../../src/run/fork';
import { alignedFile, atEndOfAlignment, type RecordedEnd } from '../../src/run/recordedEnd';
import { packRecording, recordingOf, unpackRecording } from '../../src/run/recording';
import type { Report } from '../../src/run/report';
import { packRun } from '../../src/run/runFile';
import { runPipeline } from '../../src/run/runner';
import type { RunCheckpoint } from '../../src/run/runState';
import { APP_VERSION } from '../../src/run/version';
import { askedWeights } from '../../src/worker/askWeights';
import { answerWell, minusculeConfig, recordedRun } from './tinyRun';

const TIMEOUT = 120_000;

const config = () =>
  minusculeConfig((config) => {
    config.ranking.users = 0;
    answerWell(config);
    config.popo.probe_every = 0;
  });

describe('a recorded run', { timeout: TIMEOUT }, () => {
  let whole: { report: Report; checkpoint: RunCheckpoint };
  let begun: RunCheckpoint;
  let end: RecordedEnd;

  beforeAll(async () => {
    const run = recordedRun(config());
    const { report, checkpoint } = await runPipeline(run.context);
    whole = { report: report!, checkpoint };
    begun = forked(checkpoint, 'recorded', 'popo');
    // As the page has them: written into the file and read again.
    const recording = recordingOf(report!, run.events, '2026-11-27');
    const { events } = await unpackRecording(await packRecording(recording));
    end = { aligned: (await alignedFile(checkpoint))!, events };
  }, TIMEOUT);

  it('is sound at the end of its alignment, with both models to ask', async () => {
    const made = await atEndOfAlignment(begun, end);
    expect(made.state).toMatchObject({ stage: 'popo', step: 3, fork: { of: 'recorded', stage: 'popo' } });
    expect(made.state.made.popo).toEqual(whole.checkpoint.state.made.popo);
    const report = whole.report.stages.find(({ name }) => name === 'popo')!;
    expect(made.state.stages.at(-1)).toEqual(report);
    expect(report.seconds).toBeGreaterThan(0);
    const kept = decodeCheckpoint(structuredClone(encodeCheckpoint('kept', made, false)), APP_VERSION);
    expect(askedWeights(kept, 'newest')).toEqual(whole.checkpoint.model!.parameters);
    expect(askedWeights(kept, 'newest')).not.toEqual(begun.model!.parameters);
    expect(askedWeights(kept, 'sft')).toEqual(begun.model!.parameters);
    // What it was made of is as it was.
    expect(begun.state.step).toBe(0);
    expect(begun.state.made.popo).toBeUndefined();
  });

  it('goes on to the bits of the whole run, without a step of alignment', async () => {
    const run = recordedRun(config(), await atEndOfAlignment(begun, end));
    const { report } = await runPipeline(run.context);
    expect(report!.fingerprint).toEqual(whole.report.fingerprint);
    const told = report!.stages.find(({ name }) => name === 'popo')!;
    const own = whole.report.stages.find(({ name }) => name === 'popo')!;
    expect({ ...told, seconds: 0 }).toEqual({ ...own, seconds: 0 });
  });

  it('is refused weights of another run, in one sentence', async () => {
    const other = structuredClone(begun);
    other.model!.parameters[0] += 1;
    const sentence = 'The aligned model is of another run than the one that lies beside the page.';
    await expect(atEndOfAlignment(other, end)).rejects.toThrow(sentence);
    await expect(atEndOfAlignment(whole.checkpoint, end)).rejects.toThrow(sentence);
  });

  it('has a file of its weights beside its own, in the run’s own bits; none where more than the last ones are handed over', async () => {
    const { bytes } = await packRun(whole.checkpoint, {
      id: '00000000-0000-4000-8000-000000000000',
      trained: null,
    });
    const made = await alignedBeside(bytes, { file: 'recorded/tiny-v1-5.bin', bytes: 1, sha256: '' });
    expect(made!.bytes).toEqual(end.aligned);
    expect(made!.entry).toMatchObject({ file: 'recorded/tiny-v1-5-aligned.zip', bytes: end.aligned.length });
    const best = structuredClone(whole.checkpoint);
    best.state.config.popo.keep = 'best';
    expect(await alignedFile(best)).toBe(null);
    expect(await alignedFile(begun)).toBe(null);
  });
});
