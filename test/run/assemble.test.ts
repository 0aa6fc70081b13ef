import { describe, expect, it } from 'vitest';
import { assembleReport, outcomesOf, reportPart } from '../../src/run/assemble';
import { fingerprint } from '../../src/run/fingerprint';
import { parseLink } from '../../src/run/link';
import type { RunState } from '../../src/run/runState';
import { minusculeConfig, newState } from './tinyRun';

const DEVICE = { backend: 'cpu' as const, vendor: 'v', architecture: '', description: '', limits: {} };
const MEMORY = { bytesPlanned: 3, bytesAllocated: 2 };
const SHA = 'a'.repeat(64);

const judged = (stage: string, first: number) => ({
  row: { stage, answer_loss: first, Category_L3_ACC: 0.5, CTCVR: 0.25 },
  outcomes: Float32Array.of(first, 0),
});
const sample = (stage: string, sampleId: string) => ({ stage, sampleId });

/** What the stages of a finished run made, as little as that can be. */
function finished(): RunState {
  const state = newState(minusculeConfig(), '1.2.3');
  state.made = {
    data: { dataset: { id: 'd', sha256: SHA, users: 1, items: 2, interactions: 3, notes: [] } },
    ranker: { auc: { ctr: 0.5, cvr: 0.6, ctcvr: 0.7 } },
    warmup: { judged: judged('warmup', 3), samples: [sample('warmup', 'a')] },
    rupr: { cots: [], counts: { wanted: 4, kept: 3 } },
    orft: {
      backbone: null,
      nll: new Float32Array(0),
      result: { kept: [1], report: { threshold: 2, scored: 4, kept: 1, quality: null, examples: [] } },
    },
    sft: { judged: judged('sft', 2), samples: [sample('sft', 'a'), sample('sft', 'b')] },
    popo: { rewardNames: ['id'], steps: [], curve: [], samples: [sample('popo', 'a')] },
    evaluate: { judged: judged('popo', 1), last: null, counting: judged('counting', 9) },
    features: { requests: new Float32Array(0), past: new Float32Array(0) },
    ranking: { report: null },
  } as never;
  state.stages = [
    { name: 'warmup', seconds: 5, steps: 2, loss: [3, 2], heldOutLoss: [] },
    { name: 'sft', seconds: 7, steps: 1, loss: [1], heldOutLoss: [] },
  ];
  state.timings = { rollout: 4 };
  return state;
}

describe('the report of a run', () => {
  it('joins the tables and samples of its stages in their order', () => {
    const { table, samples, dataset, rupr, ranking } = reportPart(finished());
    expect(table?.map(({ stage }) => stage)).toEqual(['warmup', 'sft', 'popo']);
    expect(samples?.map(({ stage, sampleId }) => `${stage} ${sampleId}`)).toEqual([
      'warmup a',
      'sft a',
      'sft b',
      'popo a',
    ]);
    expect(dataset?.id).toBe('d');
    expect(rupr).toMatchObject({ wanted: 4, kept: 3 });
    expect(ranking).toBeNull();
  });

  it('is of a run under way as far as it has come', () => {
    const state = newState(minusculeConfig(), '1.2.3');
    expect(reportPart(state)).toEqual({});
    const orft = { backbone: Float32Array.of(1), nll: Float32Array.of(2), result: null };
    state.made = { warmup: { judged: null, samples: [] }, orft } as never;
    expect(reportPart(state)).toEqual({ table: [], samples: [] });
  });

  it('says what it is of, its seconds, and a link that leads back', async () => {
    const state = finished();
    const report = await assembleReport(state, DEVICE, MEMORY);
    expect(report).toMatchObject({
      schema: 1,
      app: '1.2.3',
      device: DEVICE,
      memory: MEMORY,
      timings: { total: 12, rollout: 4 },
      ranker: { auc: { ctcvr: 0.7 } },
      orft: { kept: 1 },
      counting: { stage: 'counting' },
      stages: state.stages,
    });
    expect(report.fingerprint).toEqual(await fingerprint(report));
    expect(parseLink(report.link)).toEqual({
      config: state.config,
      changes: [],
      dataset: SHA,
      expected: report.fingerprint,
      result: null,
      problem: null,
    });
    // A copy: what goes on does not reach it.
    state.stages[0].loss.push(9);
    expect(report.stages[0].loss).toEqual([3, 2]);
  });

  it.each(['data', 'rupr', 'orft', 'ranker', 'popo', 'ranking'] as const)(
    'is refused while the stage %s is missing',
    async (name) => {
      const state = finished();
      delete state.made[name];
      await expect(assembleReport(state, DEVICE, MEMORY)).rejects.toThrow(/not finished/);
    },
  );
});

describe('what each test user adds', () => {
  it('is found by the row of the table', () => {
    const state = finished();
    const first = (row: string) => outcomesOf(state, row)?.outcomes[0];
    expect(['warmup', 'sft', 'popo', 'counting'].map(first)).toEqual([3, 2, 1, 9]);
    expect(outcomesOf(state, 'nap')).toBeNull();
    delete state.made.evaluate;
    expect(outcomesOf(state, 'popo')).toBeNull();
  });
});
