import { computed, signal } from '@preact/signals';
import { expect, it } from 'vitest';
import { createForm } from '../../src/app/state/form';
import { createSizing } from '../../src/app/state/sizing';
import type { RunChange } from '../../src/run/changes';
import { defaultConfig } from '../../src/run/presets';
import type { Fingerprint } from '../../src/run/report';
import type { ImportSummary } from '../../src/worker/protocol';

const summary = (letter: string, train: number) =>
  ({
    sha256: letter.repeat(64),
    users: 5000,
    items: 300,
    interactions: train + 10_000,
    examples: [train, 900, 900],
  }) as unknown as ImportSummary;

function sizing() {
  const config = signal(defaultConfig());
  const isSlow = signal(false);
  let known = () => {};
  const described = new Promise<void>((resolve) => {
    known = resolve;
  });
  const form = createForm({
    config,
    busy: signal(false),
    expected: signal<Fingerprint | null>(null),
    teacherKey: signal(''),
    changes: signal<readonly RunChange[]>([]),
    isGiven: signal(true),
  });
  const imports = signal([summary('a', 60_000), summary('b', 6000)]);
  const sizedDevice = computed(() => ({ isSlow: isSlow.value, limits: {} }));
  const made = createSizing({
    ...{ config, imports, sizedDevice, isFitted: signal(false), form },
    described: () => described,
  });
  return { ...made, form, config, isSlow, known: () => known() };
}

it('waits for the device before it sizes, since a processor gets the smallest preset', async () => {
  const { size, form, config, isSlow, known } = sizing();
  form.chooseImport('a'.repeat(64), '');
  const sized = size();
  await Promise.resolve();
  expect(config.value.popo.keep).toBe('last');
  isSlow.value = true;
  known();
  await sized;
  expect(config.value).toMatchObject({ preset: 'tiny', popo: { keep: 'best' } });
});

it('takes what it chose itself for unchosen, so that other data are sized anew, and nothing else', async () => {
  const { size, isUnchosen, form, config, known } = sizing();
  known();
  expect(isUnchosen()).toBe(true);
  form.chooseImport('a'.repeat(64), '');
  await size();
  expect([config.value.preset, isUnchosen()]).toEqual(['base', true]);
  form.edit((draft) => {
    draft.seed = 9;
  });
  expect(isUnchosen()).toBe(true);
  form.edit((draft) => {
    draft.popo.steps = 9;
  });
  expect(isUnchosen()).toBe(false);
});
