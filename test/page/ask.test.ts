/** A history of one's own, put to kept runs: found in the catalogue, asked of both weights and another run, and mixed. */
import { expect, it } from 'vitest';
import { fakePage } from './fakePage';

const fake = fakePage();

it('asks kept runs, shows what else might have been said, and answers as the slider goes', async () => {
  const context = await fake.browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`${fake.url}?saved=1`);
  await page.click('[data-action=ask-open]');
  // A held-out shopper’s first; one more of the search is by hand.
  await page.waitForSelector('.ask-chip');
  expect(await page.locator('.ask-chip').count()).toBe(3);
  expect(await page.textContent('.ask .pager')).toContain('Held-out shopper 1 of 2');
  await page.fill('[data-ask=search]', 'velmo');
  expect(await page.locator('.ask-found button').allTextContents()).toEqual([
    '+ Light stroller by Velmo',
    '+ Light lamp by Velmo',
    '+ Light kettle by Velmo',
  ]);
  await page.click('[data-item=Velmo-Strollers]');
  expect(await page.textContent('.ask .pager')).toContain('A history of your own');

  await page.click('.ask [data-action=ask]');
  const heads = () => page.locator('.ask-grid h3').allTextContents();
  await expect
    .poll(heads)
    .toEqual(['After warm-up', 'After fine-tuning', 'With POPO, step 62', 'Other run: With POPO']);
  const bold = (card: string) => page.textContent(`[data-card=${card}] .ask-answer b`);
  expect([await bold('sft'), await bold('newest'), await bold('other')]).toEqual([
    'light stroller by brava',
    'light stroller by velmo',
    'light stroller by pimo',
  ]);
  const unlikely = page.locator('[data-card=newest] button.ask-token', { hasText: 'strollers' }).first();
  await unlikely.click();
  const beside = page.locator('[data-card=newest] .ask-alternatives > div');
  expect(await beside.count()).toBe(5);
  expect(await beside.first().textContent()).toMatch(/^strollers\d+\.\d %$/);

  // As its slider goes, so does what the mixture answers.
  await page.waitForSelector('[data-card=mix]');
  await page.fill('[data-ask=share]', '0.8');
  await expect.poll(() => bold('mix')).toBe('light stroller by pimo');
  expect(await page.textContent('.ask-mix')).toContain('On 16 validation users: L3 0.350, CTCVR 0.220');
  await page.fill('[data-ask=share]', '0.1');
  await expect.poll(() => bold('mix')).toBe('light stroller by velmo');

  // From end to end, and the chord between them.
  await page.click('[data-ask=share-curve]');
  const curve = page.locator('.ask-mix').first().locator('.plot-front');
  await expect
    .poll(() => curve.locator('text').allTextContents())
    .toEqual(['0.00', '0.25', '0.50', '0.75', '1.00']);
  await expect.poll(() => page.locator('.ask-mix').first().locator('.plot-behind').count()).toBe(1);
  const places = (await curve.locator('polyline').getAttribute('points'))!.split(' ');
  const chord = (await page.locator('.ask-mix .plot-behind').first().getAttribute('points'))!;
  expect(chord.split(' ')).toEqual([places[0], places[4]]);
  expect(await page.textContent('.ask-curve figcaption')).toContain('on 64 validation users');

  // The slider's place is on the line, and goes with it; also for whoever reads numbers.
  const ring = page.locator('.ask-mix').first().locator('.plot-marked');
  const at = async () => [Number(await ring.getAttribute('cx')), Number(await ring.getAttribute('cy'))];
  const dots = places.map((place) => place.split(',').map(Number));
  const before = (0.25 - 0.1) / 0.25;
  const between = [0, 1].map((axis) => dots[0][axis] * before + dots[1][axis] * (1 - before));
  await expect.poll(at).toEqual(between.map((value) => expect.closeTo(value, 6)));
  await page.fill('[data-ask=share]', '0.75');
  await expect.poll(at).toEqual(dots[3].map((value) => expect.closeTo(value, 6)));
  const readable = page.locator('.ask-mix').first();
  expect(await readable.locator('.tradeoff-plot').getAttribute('aria-label')).toMatch(
    /^L3 against CTCVR: 0\.00: .*; The slider, at 0\.75: 0\.\d+, 0\.\d+$/,
  );
  await readable.locator('summary', { hasText: 'Numbers' }).click();
  const numbers = await readable.locator('.ask-curve tbody tr').allTextContents();
  expect(numbers).toHaveLength(6);
  // All of its columns are in sight.
  const figure = readable.locator('.ask-curve');
  expect(
    await figure.evaluate(
      (one) => one.querySelector('table')!.offsetWidth <= (one as HTMLElement).clientWidth,
    ),
  ).toBe(true);
  expect(numbers[5]).toBe(numbers[3].replace('0.75', 'The slider, at 0.75'));

  // A run of conditioned parameters answers along its own front, beginning where it is handed over.
  await page.selectOption('[data-ask=run]', 'b');
  await page.waitForFunction(
    () => document.querySelector('[data-ask=run]')?.getAttribute('disabled') === null,
  );
  await expect.poll(() => page.locator('.ask-grid h3').count()).toBe(0);
  await page.click('.ask [data-action=ask]');
  await page.waitForSelector('[data-card=front]');
  expect(await page.textContent('.ask-mix >> nth=-1')).toContain(
    'Weight 0.25 of the semantic reward, 0.75 of the id reward',
  );
  expect(await bold('front')).toBe('light stroller by velmo');
  await page.fill('[data-ask=weight]', '0.9');
  await expect.poll(() => bold('front')).toBe('light stroller by pimo');
  await page.selectOption('[data-ask=run]', 'a');
  await expect.poll(() => page.locator('.ask-grid h3').count()).toBe(0);

  // What is refused is said where its answer would stand.
  await page.click('[data-item=Velmo-Kettles]');
  await page.click('.ask [data-action=ask]');
  await page.waitForSelector('[data-card=newest] .problem');
  expect(await page.textContent('[data-card=newest] .problem')).toMatch(/^This checkpoint is damaged/);

  // The same of programs.
  const said = await page.evaluate(async () => {
    const { taiji } = globalThis;
    const history = ['Velmo-Strollers'];
    const [one, mixed] = [
      await taiji!.ask({ runs: [{ id: 'b', share: 1 }], history }),
      await taiji!.mix(['a', 'b'], 0.9, { history }),
    ];
    const along = await taiji!.ask({ runs: [{ id: 'b', share: 1, at: [0.1, 0.9] }], history });
    const refused = await taiji!.ask({ history }).catch((error: Error) => error.message);
    return [one.title, mixed.title, along.title, mixed.of.map(({ id }) => id), refused];
  });
  expect(said).toEqual([
    'light stroller by pimo',
    'light stroller by pimo',
    'light stroller by velmo',
    ['a', 'b'],
    'No run is on show: open one, or name one of taiji.savedRuns() by its id.',
  ]);
  expect(problems).toEqual([]);
  await context.close();
});
