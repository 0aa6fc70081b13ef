/** An adapter whose limits are WebGPU's smallest, in a real page: a run that does not fit is refused before it allocates. */
import { chromium } from 'playwright-core';
import { expect, inject, it, vi } from 'vitest';
import { CHROMIUM_FLAGS, ensureChromium } from '../../src/browsers/chromium';
import { formatLink } from '../../src/run/link';
import { shortRun } from './shortRun';

/** Before the training worker asks for its device: no limit may be raised above the defaults. */
const DEFAULT_LIMITS = `
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = function (wanted) {
    return requestDevice.call(this, { ...wanted, requiredLimits: {} });
  };
  const { createBuffer } = GPUDevice.prototype;
  GPUDevice.prototype.createBuffer = function (wanted) {
    if (wanted.size > this.limits.maxBufferSize) console.error('allocated ' + wanted.size);
    return createBuffer.call(this, wanted);
  };
`;

it('refuses a run that the adapter’s limits cannot hold, says the bytes, and takes a smaller one', async () => {
  const browser = await chromium.launch({ executablePath: ensureChromium(), args: CHROMIUM_FLAGS });
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));
    await page.addInitScript((patch) => {
      const Original = Blob;
      globalThis.Blob = class extends Original {
        constructor(parts?: BlobPart[], options?: BlobPropertyBag) {
          const isWorker = typeof parts?.[0] === 'string' && parts[0].startsWith('import "');
          super(isWorker ? [...parts, patch] : parts, options);
        }
      };
    }, DEFAULT_LIMITS);
    // 16,384 rows of some 40 tokens, at least 128 numbers each: hundreds of MiB, where 128 are allowed.
    const config = shortRun({ 'popo.prompts_per_step': 512, 'popo.num_generations': 32 });
    await page.goto(inject('pageUrl') + formatLink(config, null, null));
    await page.click('[data-action="train"]');
    const status = () => page.evaluate(() => document.documentElement.dataset.status);
    await vi.waitFor(async () => expect(await status()).toBe('error'), { timeout: 120_000, interval: 200 });
    const notices = await page.evaluate(() => globalThis.taiji!.notices());
    const errors = notices.filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(1);
    const said =
      /^Training stopped: popo\.(\w+) \(now \d+\) asks for ([\d.]+) ([MG])iB in one buffer, .* this GPU allows (\d+) MiB: lower it\./.exec(
        errors[0].message,
      );
    expect(said, errors[0].message).not.toBeNull();
    const needed = Number(said![2]) * (said![3] === 'G' ? 1024 : 1);
    const allowed = Number(said![4]);
    expect(allowed).toBe(128);
    expect(needed).toBeGreaterThan(allowed);

    // The same page, the same small adapter, a run that fits.
    await page.evaluate(() => {
      globalThis.taiji!.set('popo.prompts_per_step=4');
      globalThis.taiji!.set('popo.num_generations=4');
    });
    await page.click('[data-action="train"]');
    const warmedUp = () =>
      page.evaluate(() => globalThis.taiji!.stages().find(({ name }) => name === 'warmup')!.step);
    await vi.waitFor(async () => expect(await warmedUp()).toBeGreaterThan(0), {
      timeout: 180_000,
      interval: 200,
    });
    expect(problems).toEqual([]);
  } finally {
    await browser.close();
  }
});
