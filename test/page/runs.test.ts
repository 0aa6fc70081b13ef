/** Kept runs side by side: named, noted, pinned, compared, duplicated; and results that say how sure they are. */
import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { fakePage, openFake } from './fakePage';
import { TASKS, tracedTasks } from './tasks';

const fake = fakePage();
/** Where pictures go, for whoever wants to look at them. */
const { TAIJI_PICTURES: pictures } = process.env;

const open = (query: string, width?: number, colorScheme?: 'light' | 'dark') =>
  openFake(fake, query, '.saved li', { width, colorScheme });

const pins = (page: Page) => page.locator('[data-action=pin-run]');

async function pinAll(page: Page, count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    await pins(page).nth(at).click();
    await expect.poll(() => pins(page).nth(at).textContent(), { timeout: 10_000 }).toBe('Unpin');
  }
}

it('pins four runs, draws them behind the one on show, and tells only what differs, with intervals', async () => {
  const page = await open('?saved&more=3');
  await pinAll(page, 4);
  await page.locator('.saved li', { hasText: 'seed 7' }).getByText('Open').click();
  await page.waitForSelector('#compare-title');
  const rows = page.locator('[aria-label="Results of pinned runs"] tbody tr');
  expect(await rows.locator('th').allTextContents()).toEqual(
    [7, 20, 21, 22].map((seed) =>
      expect.stringMatching(
        new RegExp(
          `seed ${seed}, not 1Alignment, 1.?000 users${seed === 7 ? '' : 'Another seed, so other users.'}$`,
        ),
      ),
    ),
  );
  // Wilson's interval of .300 of 1,000 users.
  expect(await rows.first().locator('td').first().textContent()).toBe('.300.272–.329');
  expect(await page.locator('.differing tbody').textContent()).toBe('Seed seed7202122');
  // The one on show is no ghost of itself.
  expect(await page.locator('.behind li').allTextContents()).toEqual(
    [20, 21, 22].map((seed) => expect.stringContaining(`seed ${seed}, not 1`)),
  );
  await pins(page).first().click();
  await expect.poll(() => page.locator('.behind li').count()).toBe(3);
  await page.close();
});

it('tells of pinned runs of the same users how they differ, paired, against the first of them', async () => {
  const page = await open('?saved&more=1&speed=400');
  // On show is seed 7, and beside it a run of the same seed under another rule.
  await page.evaluate(() => globalThis.taiji!.set('seed=7'));
  await pinAll(page, 1);
  await page.click('[data-action=train]');
  await page.waitForSelector('html[data-status=done]', { timeout: 60_000 });
  const changes = page.locator('[aria-label="Results of pinned runs"] [title^="Less the first run"]');
  await expect
    .poll(() => changes.allTextContents())
    .toEqual(['+.024 [+.014, +.034]', '−.004 [−.014, +.006]']);
  // Green only where the interval leaves no doubt.
  expect(await changes.evaluateAll((all) => all.map(({ className }) => className))).toEqual([
    'under up',
    'under faint',
  ]);
  // By slice too: L3 of the cold alone differs for certain.
  const sliced = page.locator('[aria-label="Results of pinned runs by slice"]');
  expect(await sliced.locator('thead th').allTextContents()).toEqual([
    'Run',
    ...['L3', 'CTCVR'].flatMap((metric) => ['seen', 'composed', 'cold'].map((name) => `${metric}, ${name}`)),
  ]);
  const [own, other] = [0, 1].map((at) => sliced.locator('tbody tr').nth(at).locator('td'));
  expect(await own.nth(2).textContent()).toBe('.240 ± .030');
  expect(await other.nth(2).textContent()).toBe('.240 ± .030+.060 [+.050, +.070]');
  expect(await other.nth(0).textContent()).toBe('.360 ± .030±.000 [−.010, +.010]');
  expect(await other.locator('.up').count()).toBe(1);
  await page.close();
});

it('is all at hand for programs: pinned, what differs, what came out, paired against the first; a strange run is refused', async () => {
  const page = await open('?saved&more=3');
  const told = await page.evaluate(async () => {
    const ids = globalThis.taiji!.savedRuns().flatMap(({ id, finished }) => (finished ? id : []));
    return { ids, found: await globalThis.taiji!.compare(...ids.slice(0, 3)) };
  });
  const { runs, differing } = told.found;
  expect(runs.map(({ id }) => id)).toEqual(told.ids.slice(0, 3));
  // Wilson's interval of .300 of 1,000 users, as the table has it.
  const l3 = runs[0].handedOver!.values.Category_L3_ACC;
  expect([l3.mean, l3.low, l3.high].map((value) => value.toFixed(3))).toEqual(['0.300', '0.272', '0.329']);
  expect(runs.map(({ againstFirst }) => againstFirst?.why ?? null)).toEqual([
    null,
    ...Array(2).fill('Another seed, so other users.'),
  ]);
  expect(runs[1].slices?.map(({ name, users }) => [name, users])).toEqual([
    ['seen', 352],
    ['composed', 299],
    ['cold', 349],
  ]);
  expect(differing).toEqual([{ path: 'seed', label: 'Seed', values: ['7', '20', '21'] }]);
  expect(await page.locator('[data-action=pin-run][aria-pressed=true]').count()).toBe(3);
  const refused = page.evaluate(() => globalThis.taiji!.compare('nobody'));
  await expect(refused).rejects.toThrow('No run nobody is kept: taiji.savedRuns() has the ids.');
  await page.close();
});

it('keeps a name and notes, fills the form from a run, and forgets both when the form is left', async () => {
  const page = await open('?saved');
  const run = page.locator('.saved li').nth(1);
  expect(await run.locator('b').textContent()).toMatch(/: seed 7, not 1$/);
  expect(await run.locator('.saved-about').textContent()).toMatch(
    /finished, .*, 12 MB; L3 \.300 \(\.272–\.329\), CTCVR \.337 \(\.321–\.353\)$/,
  );
  await run.locator('[data-action=note-run]').click();
  await run.getByLabel('Name').fill('the lucky seed');
  await run.getByLabel('Notes').fill('Ask why.');
  await run.getByRole('button', { name: 'Keep' }).click();
  await expect.poll(() => run.locator('b').textContent()).toBe('the lucky seed');
  expect(await run.locator('.saved-note').textContent()).toBe('Ask why.');
  await run.locator('[data-action=duplicate-run]').click();
  await expect.poll(() => page.evaluate(() => globalThis.taiji!.config().seed)).toBe(7);
  // The form that it filled is in sight, not the list.
  expect(await page.evaluate(() => scrollY)).toBe(0);
  expect(await page.evaluate(() => globalThis.taiji!.status())).toBe('idle');
  await page.close();
});

it('opens a finished run while another rests, which is kept, drawn behind and gone on with afterwards', async () => {
  const page = await open('?saved&speed=60&rest=popo');
  const status = () => page.evaluate(() => globalThis.taiji!.status());
  const opening = page.locator('.saved li', { hasText: 'seed 7' }).getByText('Open');
  await page.click('[data-action=train]');
  await page.waitForSelector('.knobs', { timeout: 60_000 });
  expect(await opening.isDisabled()).toBe(true);
  await page.click('[data-action=pause]');
  await expect.poll(status).toBe('paused');
  await opening.click();
  await expect.poll(status).toBe('done');
  expect(await page.evaluate(() => scrollY)).toBe(0);
  expect(await page.evaluate(() => globalThis.taiji!.report()?.config.seed)).toBe(7);
  await page.click('[data-action=continue-line]');
  await expect.poll(status).toBe('running');
  // The finished one is behind now, and there is nothing to go on with.
  expect(await page.locator('.behind li').allTextContents()).toEqual([
    expect.stringMatching(/^before: .*: seed 7, not 1$/),
  ]);
  await page.close();
});

it('deletes another run while one trains, and duplicates one when it rests; the one on show is refused in words', async () => {
  const page = await open('?saved&speed=60&rest=popo&more=2');
  const status = () => page.evaluate(() => globalThis.taiji!.status());
  const run = (seed: number) => page.locator('.saved li', { hasText: `seed ${seed}` });
  await page.click('[data-action=train]');
  await page.waitForSelector('.knobs', { timeout: 60_000 });
  const duplicate = run(7).locator('[data-action=duplicate-run]');
  expect(await duplicate.isDisabled()).toBe(true);
  expect(await duplicate.getAttribute('aria-describedby')).toBe('saved-wait');
  expect(await page.locator('#saved-wait').textContent()).toBe(
    'While a run trains, no other can be opened, resumed, forked or duplicated: pause it first.',
  );
  const remove = async (seed: number) => {
    await run(seed)
      .getByRole('button', { name: /^Delete the run/ })
      .click();
    await run(seed).getByRole('button', { name: 'Delete this run?' }).click();
    await expect.poll(() => run(seed).count()).toBe(0);
  };
  await remove(20);
  expect(await status()).toBe('running');
  await page.click('[data-action=pause]');
  await expect.poll(status).toBe('paused');
  await remove(21);
  const { seed } = await page.evaluate(() => globalThis.taiji!.config());
  const own = page.locator('.saved li', { hasText: 'just now' });
  await own.getByRole('button', { name: /^Delete the run/ }).click();
  expect(await own.locator('.refusal').textContent()).toBe('This run is on: press Reset first.');
  await duplicate.click();
  await expect.poll(status).toBe('idle');
  expect(seed).not.toBe(7);
  expect(await page.evaluate(() => globalThis.taiji!.config().seed)).toBe(7);
  expect(await own.locator('[data-action=resume-run]').isEnabled()).toBe(true);
  await page.close();
});

it('colours what an interval leaves no doubt of, and flags a control that gains', async () => {
  const page = await open('?saved');
  await page.locator('.saved li').nth(1).getByText('Open').click();
  await page.waitForSelector('#ranking-title');
  const rankers = page.locator('[aria-label="Rankers by features"] tbody tr');
  // A gain of .0064 ± .002 is green; the control's −.0002 ± .002 is nothing.
  expect(await rankers.nth(4).locator('.up').first().textContent()).toBe('+.0064+.0044 to +.0084');
  expect(await rankers.last().locator('.up, .down, .flagged').count()).toBe(0);
  // Each metric has its own.
  expect(await rankers.nth(4).locator('td').nth(1).textContent()).toBe('.6924.683–.700');
  const own = await rankers.evaluateAll((all) =>
    all.flatMap((row) => [...row.querySelectorAll('td')].slice(0, 6).map((cell) => cell.textContent)),
  );
  expect(own).toHaveLength(36);
  for (const text of own) expect(text).toMatch(/^\.\d{4}\.\d{3}–\.\d{3}$/);
  expect(await page.locator('.control-said').count()).toBe(0);
  // Similar users beside what the model itself names: by the interval, and of whom the table counts.
  const others = page.locator('.others-said');
  expect(await others.textContent()).toBe(
    'Similar users tell a ranker less than the answer that the model itself names: AUC buy −.0017 (−.0027 to −.0007).',
  );
  await page.getByLabel('Short histories').check();
  expect(await others.textContent()).toMatch(
    /^Similar users tell a ranker more than .* \+\.0030 \(\+\.0020 to/,
  );
  expect(await page.locator('[aria-labelledby=ranking-title] .section-head p').textContent()).toContain(
    '812 requests with at most 3 behaviours before them',
  );
  const stages = page.locator('[aria-label="Results by stage"] tbody tr');
  // The change has an interval of its own only where the report has one: L3 of alignment does not leave out zero.
  const aligned = stages.last().locator('td');
  expect(await aligned.nth(2).locator('.faint').textContent()).toBe('+.025');
  // What was not tested is in ink, and says why: of this report L1, and the share of one answer of any.
  for (const [column, why] of [
    [0, 'Not tested: this run kept no number of each user for it'],
    [-2, 'Not tested: the share of one answer is no mean over users'],
  ] as const) {
    const change = aligned.nth(column).locator('.under').last();
    expect([await change.getAttribute('class'), await change.getAttribute('title')]).toEqual([
      'under untested',
      why,
    ]);
  }
  expect(await stages.first().locator('.faint').count()).toBe(0);
  // Rates of baselines have intervals of their own; shares of one answer have none.
  const baseline = page.locator('[aria-label=Baselines] tbody tr').last().locator('td');
  const intervals = await baseline.evaluateAll((all) =>
    all.map((cell) => cell.querySelector('.under')?.textContent),
  );
  for (const text of intervals.slice(0, 8)) expect(text).toMatch(/^[.\d]+–[.\d]+$/);
  expect(intervals.slice(8, 10)).toEqual([undefined, undefined]);
  expect(await stages.nth(2).locator('td').nth(2).locator('.up').textContent()).toBe('+.202');
  expect(await page.locator('.samples .section-head').textContent()).toContain(
    'Alignment changed the item for 3 of the 3 shown',
  );
  await page.close();
});

it('is readable at every width, in the dark too', async () => {
  for (const [width, scheme] of [
    [1280, 'light'],
    [360, 'dark'],
  ] as const) {
    const page = await open('?saved&more=3', width, scheme);
    await pinAll(page, 4);
    await page.locator('.saved li').nth(1).getByText('Open').click();
    await page.waitForSelector('#compare-title');
    await page.locator('[data-action=note-run]').nth(1).click();
    expect(await page.evaluate(() => document.documentElement.scrollWidth), `${width} px`).toBe(width);
    if (pictures) {
      mkdirSync(pictures, { recursive: true });
      await page.waitForSelector('#ranking-title');
      for (const part of [
        '[aria-labelledby=table-title]',
        '.compare',
        '.saved',
        '[aria-labelledby=ranking-title]',
      ])
        await page
          .locator(part)
          .first()
          .screenshot({ path: `${pictures}/${part.replace(/\W/g, '')}-${width}-${scheme}.png` });
    }
    await page.close();
  }
});

// What else the machine does empties the caches of a task and lengthens it now and then; one that is too long is so every time.
it('never works longer than 50 ms at a time while small trains with four runs pinned', {
  retry: 2,
  timeout: 300_000,
}, async () => {
  const page = await open('?saved&more=3&speed=6#run=1&preset=small');
  await pinAll(page, 4);
  await fake.browser.startTracing(page, { categories: TASKS });
  await page.click('[data-action=train]');
  await page.waitForSelector('html[data-status=done]', { timeout: 240_000 });
  const tasks = await tracedTasks(fake.browser);
  // Thousands of steps a second, where a device takes a few.
  expect(
    await page.evaluate(() => globalThis.taiji!.stages().find(({ name }) => name === 'sft')?.step),
  ).toBeGreaterThan(1000);
  expect(tasks.length).toBeGreaterThan(500);
  expect(Math.max(...tasks)).toBeLessThan(50);
  await page.close();
});
