/** A chat model as the teacher of a run on the page: it is asked from a document with a policy of its own, and only after Train. */
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import type {} from '../../src/app/console';
import { type BrowserPage, openBrowser } from '../../src/browsers/browser';
import { formatLink } from '../../src/run/link';
import { type ChatServer, obedient, refuse, startChatServer, whole } from '../sft/chatServer';
import { shortRun } from './shortRun';

const KEY = 'sk-very-secret-0123456789';
const MINUTES = 60_000;

let page: BrowserPage;
let server: ChatServer;
beforeAll(async () => {
  page = await openBrowser('chromium');
  server = await startChatServer(obedient);
}, MINUTES);
afterAll(async () => {
  await page?.close();
  await server?.close();
});

const text = () => page.evaluate(() => document.querySelector('main')!.textContent ?? '', null);
const shows = (pattern: RegExp) =>
  vi.waitFor(async () => expect(await text()).toMatch(pattern), { timeout: 2 * MINUTES, interval: 100 });

/** All that the page's database holds, bytes as letters. */
function stored(): Promise<string> {
  return page.evaluate(async () => {
    const answer = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await answer(indexedDB.open('taiji-lab'));
    const transaction = database.transaction(['headers', 'pieces']);
    const found: unknown[] = [];
    for (const name of ['headers', 'pieces']) {
      found.push(await answer(transaction.objectStore(name).getAllKeys()));
      found.push(...(await answer(transaction.objectStore(name).getAll())));
    }
    database.close();
    const letters = new TextDecoder('latin1');
    return found
      .map((value) => (value instanceof ArrayBuffer ? letters.decode(value) : JSON.stringify(value)))
      .join('\n');
  }, null);
}

test('a link to an endpoint asks nobody, says who would be asked, and what goes wrong with it', async () => {
  const config = shortRun({
    'rupr.teacher': 'openai',
    'rupr.url': server.url,
    'rupr.model': 'm:7b',
    'rupr.prompts': 12,
    'rupr.num_cots': 2,
  });
  await page.goto(inject('pageUrl') + formatLink(config, null, null));
  const { host } = new URL(server.url);
  await shows(
    new RegExp(
      `The teacher is ${host}, asked at ${server.url}/chat/completions. Nothing has been sent since this page was opened. ` +
        'When you press Train.*24 requests to m:7b',
    ),
  );
  await page.evaluate((key) => globalThis.taiji!.setTeacherKey(key), KEY);
  expect(server.requests).toHaveLength(0);

  // A server that lets no page in: CORS.
  await page.click('[data-action=train]');
  const { origin } = new URL(inject('pageUrl'));
  await shows(
    new RegExp(`${host} cannot be reached.*does not let this page in .CORS; it must allow ${origin}`),
  );
  expect(server.requests).toHaveLength(0);
  // No page is told whether what it sent has arrived.
  await shows(/2 requests were sent, 0 answered; 2 failed, and may have arrived all the same/);

  server.allow(origin);
  server.behave(refuse(401, 'no such key'));
  await page.click('[data-action=train]');
  await shows(/refuses the key \(401: no such key\): check it/);
  expect(server.requests).toHaveLength(1);
  expect(server.requests[0].headers.authorization).toBe(`Bearer ${KEY}`);
  await shows(/3 requests were sent, 0 answered; 3 failed/);

  // Its Retry-After is for servers of this page's own origin: the browser shows it to no other.
  server.behave((request, response, index) => {
    if (index === 5) return whole('no tags at all')(request, response, index);
    if (index === 7) return refuse(429, 'slow down', { 'retry-after': '1' })(request, response, index);
    return obedient(request, response, index);
  });
  await page.click('[data-action=train]');
  await shows(/cannot see how long the server asks it to wait: have it send Access-Control-Expose-Headers/);
  await vi.waitFor(
    async () => expect(await page.evaluate(() => globalThis.taiji!.status(), null)).toBe('done'),
    { timeout: 8 * MINUTES, interval: 500 },
  );
  const report = (await page.evaluate(() => globalThis.taiji!.report(), null))!;
  expect(report.rupr).toMatchObject({ wanted: 24, kept: 23, malformed: 1 });
  await shows(/Of the teacher's answers 23 could be used, 1 dropped for their form/);
  expect(server.requests).toHaveLength(26);

  const kept = await stored();
  expect(kept).toContain('<think>Bought ');
  for (const place of [
    kept,
    JSON.stringify(report),
    await page.evaluate(() => globalThis.taiji!.link(), null),
  ])
    expect(place).not.toContain(KEY);

  // Its own link, opened again, needs nobody.
  await page.goto('about:blank');
  await page.goto(inject('pageUrl') + report.link);
  await shows(/The reasoning that m:7b wrote for this run is on this device: nobody is asked again/);
  await page.goto('about:blank');
  await page.goto(inject('pageUrl') + report.link.replace(/(cots_sha256=)[0-9a-f]{4}/, '$1ffff'));
  await shows(/made with reasoning that is not on this device \(SHA-256 ffff.*or have m:7b at .* asked anew/);
  expect(page.errors).toEqual([]);
});
