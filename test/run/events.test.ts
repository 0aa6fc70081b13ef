import { describe, expect, it } from 'vitest';
import { newState } from '../../src/run/checkpoint';
import { replayedEvents } from '../../src/run/events';
import { presetConfig } from '../../src/run/presets';
import type { StageName } from '../../src/run/report';
import { fakeReport } from '../page/fakeTrainer';

describe('a run told anew', () => {
  it('keeps the held-out curve and the table apart, and tells how good the ranker is', () => {
    const config = presetConfig('tiny');
    const { table, ranker } = fakeReport(config, [], []);
    const stages = (['ranker', 'warmup', 'sft', 'popo', 'evaluate'] as StageName[]).map((name) => {
      return { name, seconds: 1, steps: 3, loss: [], heldOutLoss: [] };
    });
    const state = {
      ...newState(config, 'test'),
      stage: 'features' as const,
      stages,
      ranker,
      table,
      curve: [{ step: 2, row: table[2] }],
    };
    let current = '';
    const told: string[] = [];
    for (const event of replayedEvents(state)) {
      if (event.type === 'stage') current = event.name;
      if (event.type === 'ranker') told.push(`${current}: ${event.auc.ctcvr}`);
      if (event.type === 'metrics') told.push(`${current}: ${event.row.stage} ${event.step}`);
    }
    expect(told).toEqual([
      `ranker: ${ranker.auc.ctcvr}`,
      'warmup: warmup 3',
      'sft: sft 3',
      'popo: popo 2',
      'evaluate: popo 3',
    ]);
  });
});
