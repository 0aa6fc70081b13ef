import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/numeric/hash';
import { Random } from '../../src/numeric/random';
import { forked } from '../../src/run/fork';
import { packRun, packSmallRun, unpackRun } from '../../src/run/runFile';
import { runPipeline } from '../../src/run/runner';
import type { RunCheckpoint } from '../../src/run/runState';
import { minusculeConfig, recordedRun } from './tinyRun';

const ID = '0b1c2d3e-0000-4000-8000-0123456789ab';
type Parts = Record<string, Uint8Array>;

let midway: RunCheckpoint;
let finished: RunCheckpoint;

beforeAll(async () => {
  const run = recordedRun(minusculeConfig());
  finished = (await runPipeline(run.context)).checkpoint;
  midway = run.saved.find(({ state }) => state.stage === 'rupr')!;
}, 120_000);

/** The file with parts that somebody changed; sums are made right again where that is asked for. */
async function changed(change: (parts: Parts) => void, isSealedAgain: boolean): Promise<Uint8Array> {
  const parts: Parts = unzipSync((await packRun(midway, { id: ID, trained: null })).bytes);
  if (isSealedAgain) return zipSync(await sealed(parts, change));
  change(parts);
  return zipSync(parts);
}

/** Changed, with sums that are right again. */
async function sealed(parts: Parts, change: (parts: Parts) => void): Promise<Parts> {
  change(parts);
  const sums: Record<string, string> = {};
  for (const [name, part] of Object.entries(parts))
    if (name !== 'sha256.json') sums[name] = await sha256(part.slice());
  return { ...parts, 'sha256.json': strToU8(JSON.stringify(sums)) };
}

const stateIn = (parts: Parts, change: (state: Record<string, unknown>) => void) => {
  const state = JSON.parse(strFromU8(parts['state.json'])) as Record<string, unknown>;
  change(state);
  parts['state.json'] = strToU8(JSON.stringify(state));
};

describe('run.zip', () => {
  it('brings a run back that is under way, moments and all, and says which it is', async () => {
    const { checkpoint, about } = await unpackRun((await packRun(midway, { id: ID, trained: null })).bytes);
    expect(checkpoint).toEqual(midway);
    expect(about).toEqual({ id: ID, trained: null });
  });

  it('leaves out the moments of a run that is finished', async () => {
    const { bytes } = await packRun(finished, { id: ID, trained: null });
    expect(Object.keys(unzipSync(bytes))).not.toContain('moment1');
    const { checkpoint } = await unpackRun(bytes);
    expect(checkpoint.model?.parameters).toEqual(finished.model?.parameters);
    expect(checkpoint.model?.moment1.every((moment) => moment === 0)).toBe(true);
  });

  it.each<[string, (parts: Parts) => void, RegExp]>([
    ['a bit', (parts) => parts.moment2.set([parts.moment2[9] ^ 4], 9), /its part “moment2” is not what/],
    ['a part lost', (parts) => delete parts['state.json'], /its part “state.json” is not what/],
    [
      'a part too many',
      (parts) => Object.assign(parts, { more: strToU8('x') }),
      /its part “more” is not what/,
    ],
    ['no sums', (parts) => delete parts['sha256.json'], /This is no run\.zip/],
    [
      'sums that are no object',
      (parts) => Object.assign(parts, { 'sha256.json': strToU8('[1]') }),
      /no run\.zip/,
    ],
    [
      'another identity',
      (parts) => Object.assign(parts, { 'run.json': strToU8('{"id":"x"}') }),
      /“run.json” is not what/,
    ],
  ])('is refused with %s', async (_what, change, message) => {
    await expect(unpackRun(await changed(change, false))).rejects.toThrow(message);
  });

  it.each<[string, (parts: Parts) => void, RegExp]>([
    [
      'a step after the last',
      (parts) => stateIn(parts, (state) => Object.assign(state, { step: 9 })),
      /step 9 of rupr is none/,
    ],
    [
      'another version',
      (parts) => stateIn(parts, (state) => Object.assign(state, { app: '0.1.0' })),
      /written by version 0\.1\.0/,
    ],
    [
      'another form',
      (parts) => stateIn(parts, (state) => Object.assign(state, { schema: 1 })),
      /kept in an older form/,
    ],
    [
      'a wrong config',
      (parts) => stateIn(parts, (state) => Object.assign(state.config as object, { seed: -1 })),
      /config is not one/,
    ],
    [
      'a lost loss',
      (parts) =>
        stateIn(parts, ({ stages }) =>
          (stages as { name: string; loss: number[] }[]).find(({ name }) => name === 'warmup')?.loss.pop(),
        ),
      /warmup has 5 losses after 6 steps/,
    ],
    [
      'weights cut',
      (parts) => Object.assign(parts, { parameters: parts.parameters.slice(4) }),
      /parameters has \d+ numbers instead of/,
    ],
    [
      'no moments',
      (parts) => {
        delete parts.moment1;
        delete parts.moment2;
      },
      /not finished, without what its training needs/,
    ],
    ['one moment', (parts) => delete parts.moment1, /its part “moment1” is missing/],
    [
      'an id that names a path',
      (parts) => Object.assign(parts, { 'run.json': strToU8('{"id":"../run (2)"}') }),
      /“run.json” tells of no run/,
    ],
    [
      'a device that is none',
      (parts) =>
        Object.assign(parts, {
          'run.json': strToU8(JSON.stringify({ id: ID, trained: { device: { backend: 1 }, memory: {} } })),
        }),
      /“run.json” tells of no run/,
    ],
  ])('is refused with %s, though its sums are right', async (_what, change, message) => {
    await expect(unpackRun(await changed(change, true))).rejects.toThrow(message);
  });

  it('made small is refused where it is not before alignment, and where its reasoning comes out as another', async () => {
    await expect(packSmallRun(midway, { id: ID, trained: null })).rejects.toThrow(
      /^Only a run of a generated world that stands before its alignment can be made small\.$/,
    );
    const begun = forked(finished, ID, 'popo');
    const { bytes } = await packSmallRun(begun, { id: ID, trained: null });
    // All but what warm-up left, with which no alignment begins.
    const { backbone, ...state } = begun.state;
    expect(backbone).toHaveLength(begun.model!.parameters.length);
    expect((await unpackRun(bytes)).checkpoint).toEqual({ ...begun, state });
    const resealed = async (change: (parts: Parts) => void) =>
      zipSync(await sealed(unzipSync(bytes), change));
    const otherSeed = (parts: Parts) =>
      stateIn(parts, (state) => Object.assign(state.config as object, { seed: 6 }));
    await expect(unpackRun(await resealed(otherSeed))).rejects.toThrow(
      /leaves out its reasoning, and this version/,
    );
    const later = (parts: Parts) => {
      stateIn(parts, (state) => Object.assign(state, { stage: 'sft', step: 0 }));
      stateIn(parts, (state) => (state.stages as unknown[]).pop());
    };
    await expect(unpackRun(await resealed(later))).rejects.toThrow(
      /what only a run before its alignment can/,
    );
  });

  it('is refused where it is another ZIP, no ZIP, cut, or has any of 200 bytes changed', async () => {
    const { bytes } = await packRun(midway, { id: ID, trained: null });
    for (const other of [
      new Uint8Array(),
      strToU8('hello'),
      zipSync({ 'a.csv': strToU8('a,b') }),
      bytes.subarray(0, -40),
    ])
      await expect(unpackRun(other)).rejects.toThrow(
        /^This is no run\.zip, or it is damaged: its parts cannot be read\.$/,
      );
    const random = new Random(3, 'run.zip');
    let refused = 0;
    for (let k = 0; k < 200; k++) {
      const at = Math.floor(random.uniform() * bytes.length);
      const hurt = bytes.slice();
      hurt[at] ^= 1 + Math.floor(random.uniform() * 255);
      const outcome = await unpackRun(hurt).then(
        ({ checkpoint }) => checkpoint,
        (error: Error) => error,
      );
      if (outcome instanceof Error) {
        refused++;
        expect(outcome.message, `byte ${at}`).toMatch(/run\.zip|checkpoint/);
      }
      // Fields that nobody reads, such as dates, may change.
      else expect(outcome, `byte ${at}`).toEqual(midway);
    }
    expect(refused).toBeGreaterThan(150);
  });
});
