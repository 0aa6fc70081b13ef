import { describe, expect, it } from 'vitest';
import { Controls } from '../../src/run/controls';

/** Whether a promise is settled once everything that can run now has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new Promise((resolve) => setTimeout(resolve));
  return settled;
}

describe('Controls', () => {
  it('lets a running run pass', async () => {
    expect(await new Controls().pass()).toBe('go');
  });

  it('holds a paused run until it is resumed', async () => {
    const controls = new Controls();
    controls.pause();
    expect(controls.resting).toBe(true);
    const gate = controls.pass();
    expect(await isSettled(gate)).toBe(false);
    controls.resume();
    expect(await gate).toBe('go');
    expect(controls.resting).toBe(false);
  });

  it('rests where it is told to, or past it, and forgets that where somebody pauses before', async () => {
    const controls = new Controls();
    const there = controls.pauseAt({ stage: 'popo', step: 4 });
    controls.come({ stage: 'sft', step: 9 });
    controls.come({ stage: 'popo', step: 3 });
    expect(controls.resting).toBe(false);
    expect(await isSettled(there)).toBe(false);
    controls.come({ stage: 'popo', step: 4 });
    expect(controls.resting).toBe(true);
    await there;
    controls.resume();
    controls.come({ stage: 'popo', step: 4 });
    expect(controls.resting).toBe(false);
    void controls.pauseAt({ stage: 'popo', step: 2 });
    controls.come({ stage: 'popo', step: 5 });
    expect(controls.resting).toBe(true);
    controls.resume();
    const other = controls.pauseAt({ stage: 'evaluate', step: 0 });
    controls.pause();
    await other;
    controls.resume();
    controls.come({ stage: 'evaluate', step: 0 });
    expect(controls.resting).toBe(false);
  });

  it('passes one boundary per step', async () => {
    const controls = new Controls();
    controls.pause();
    const first = controls.pass();
    controls.step();
    expect(await first).toBe('go');
    const second = controls.pass();
    expect(await isSettled(second)).toBe(false);
    controls.step();
    expect(await second).toBe('go');
    expect(controls.resting).toBe(true);
  });

  it('pauses a running run after one step', async () => {
    const controls = new Controls();
    controls.step();
    expect(await controls.pass()).toBe('go');
    expect(controls.resting).toBe(true);
  });

  it('takes back a step that was not taken yet, by a pause', async () => {
    const controls = new Controls();
    controls.step();
    expect(controls.resting).toBe(false);
    controls.pause();
    expect(controls.resting).toBe(true);
    expect(await isSettled(controls.pass())).toBe(false);
  });

  it('tells when the run rests', async () => {
    const controls = new Controls();
    controls.pause();
    const rested = controls.rested();
    expect(await isSettled(rested)).toBe(false);
    const gate = controls.pass();
    await rested;
    await controls.rested();
    controls.step();
    const again = controls.rested();
    await gate;
    expect(await isSettled(again)).toBe(false);
    void controls.pass();
    await again;
  });

  it('releases a paused run with stop, for good', async () => {
    const controls = new Controls();
    controls.pause();
    const gate = controls.pass();
    controls.stop();
    expect(await gate).toBe('stop');
    controls.resume();
    controls.step();
    controls.pause();
    expect(await controls.pass()).toBe('stop');
    expect(controls.stopped).toBe(true);
  });

  it('rests for an answer, and tells who waits for it to rest', async () => {
    const controls = new Controls();
    let answer = (_value: string) => {};
    const asked = controls.restFor(
      new Promise<string>((resolve) => {
        answer = resolve;
      }),
      'stopped',
    );
    controls.pause();
    await controls.rested();
    answer('back');
    expect(await asked).toBe('back');
    // Asked again, it is stopped before anybody answers, and afterwards at once.
    const never = new Promise<string>(() => {});
    const again = controls.restFor(never, 'stopped');
    controls.stop();
    expect(await again).toBe('stopped');
    expect(await controls.restFor(never, 'stopped')).toBe('stopped');
  });
});
