/** The same tests of the barrier for each browser: what page and worker cannot do, where the endpoint's document gets, foreign frames. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {} from '../../src/app/console';
import { type BrowserName, type BrowserPage, openBrowser } from '../../src/browsers/browser';
import { formatLink } from '../../src/run/link';
import { refuse, startChatServer } from '../sft/chatServer';
import { builtSite, type Site, stranger } from './builtSite';
import type { Found } from './probes';
import { shortRun } from './shortRun';

/** Puts the probes into the page, and into the training worker's own file. */
function withProbe(path: string, text: string): string {
  if (path === '/index.html')
    return text.replace('</head>', '<script type="module" src="./probes.js"></script></head>');
  if (!/\/trainer-[^/]*\.js$/.test(path)) return text;
  return `import '../probes.js';${text}
;{ const line = new BroadcastChannel('probe');
line.onmessage = async ({ data }) => { if (data.to) line.postMessage({ found: await probe(data) }); }; }`;
}

/** What a page's author would have to write for a probe to get through; it stands in the page's own HTML. */
function withMarkup(path: string, text: string, to: string): string {
  if (path !== '/index.html') return text;
  return text.replace(
    '</body>',
    `<script>globalThis.ranMarkup = true;</script><script src="${to}/markup-script.js"></script>` +
      `<img src="${to}/markup-image.svg" alt="" /><base href="${to}/" /></body>`,
  );
}

export function testBarrier(browser: BrowserName): void {
  let page: BrowserPage;
  let other: Site;
  const sites: Site[] = [];
  const opened = async (made: Promise<Site>) => {
    sites.push(await made);
    return sites[sites.length - 1];
  };

  beforeAll(async () => {
    page = await openBrowser(browser);
    other = await opened(stranger());
  }, 120_000);
  afterAll(async () => {
    await page?.close();
    for (const site of sites) await site.close();
  });

  async function inPage(): Promise<Found> {
    return page.evaluate((to) => globalThis.probe({ to, where: 'page' }), other.origin);
  }

  async function inWorker(): Promise<Found> {
    return page.evaluate(async (to) => {
      const line = new BroadcastChannel('probe');
      try {
        return await new Promise<Found>((resolve, reject) => {
          line.onmessage = ({ data }) => data.found && resolve(data.found);
          // The worker may still be starting.
          const ask = setInterval(() => line.postMessage({ to, where: 'worker' }), 500);
          setTimeout(() => reject(new Error('The worker does not answer.')), 60_000);
          line.addEventListener('message', ({ data }) => data.found && clearInterval(ask));
        });
      } finally {
        line.close();
      }
    }, other.origin);
  }

  const refused = (found: Found) =>
    Object.fromEntries(Object.entries(found).filter(([, end]) => !/^(refused|nothing)/.test(end)));

  describe.each([
    { host: 'a host that sends our headers', headers: true },
    { host: 'a host that sends none', headers: false },
  ])('on $host', ({ headers }) => {
    let site: Site;
    beforeAll(async () => {
      site = await opened(
        builtSite({
          headers,
          change: (path, text) => withMarkup(path, withProbe(path, text), other.origin),
        }),
      );
      await page.goto(`${site.origin}/`);
    });

    test('nothing leaves the page, and no string of it becomes code', async () => {
      other.asked.length = 0;
      const found = await inPage();
      expect(other.asked).toEqual([]);
      expect(site.asked).not.toContain('/page-form');
      // A beacon, a form and a frame do not say that they were held back; that nothing arrived does.
      const { beacon: _, form: _form, frame: _frame, ...telling } = found;
      expect(refused(telling)).toEqual({});
      expect(await page.evaluate(() => 'ranMarkup' in globalThis, null)).toBe(false);
      expect(await page.evaluate(() => document.baseURI, null)).toBe(`${site.origin}/`);
    });

    test('nothing leaves the worker, and no string of it becomes code', async () => {
      other.asked.length = 0;
      expect(refused(await inWorker())).toEqual({});
      expect(other.asked).toEqual([]);
    });

    test('the endpoint’s document reaches the one address that it was opened for', async () => {
      const endpoint = await opened(stranger());
      other.asked.length = 0;
      const answers = await page.evaluate(
        async ({ address, elsewhere }) => {
          const frame = document.createElement('iframe');
          frame.setAttribute('sandbox', 'allow-scripts allow-same-origin');
          frame.src = `./endpoint.html#${address}`;
          const { port1: line, port2 } = new MessageChannel();
          const next = () =>
            new Promise<unknown>((resolve) => (line.onmessage = (event) => resolve(event.data)));
          const ready = next();
          frame.onload = () => frame.contentWindow!.postMessage(null, location.origin, [port2]);
          document.body.append(frame);
          const said = [await ready];
          for (const [id, url] of [address, ...elsewhere].entries()) {
            const answer = next();
            line.postMessage({ type: 'ask', id, url, headers: {}, body: '{}' });
            const { type, status } = (await answer) as { type: string; status?: number };
            said.push(`${type} ${status ?? ''}`.trim());
          }
          // Its own fetch, whatever its script would let through.
          const { fetch: own } = frame.contentWindow as unknown as typeof globalThis;
          for (const url of [address, ...elsewhere, location.href])
            said.push(
              await own(url, { method: 'POST' }).then(
                () => 'sent',
                () => 'refused',
              ),
            );
          frame.remove();
          return said;
        },
        {
          address: `${endpoint.origin}/v1/chat/completions`,
          elsewhere: [`${endpoint.origin}/v1/models`, `${other.origin}/v1/chat/completions`],
        },
      );
      expect(answers).toEqual([
        'ready',
        ...['head 200', 'failed', 'failed'],
        ...['sent', 'refused', 'refused', 'refused'],
      ]);
      expect(other.asked).toEqual([]);
      expect(new Set(endpoint.asked)).toEqual(new Set(['/v1/chat/completions']));
    });

    test.each(['*', 'http://*/v1', 'http://h.example;/v1', 'http://h.example/a b', '', '%'])(
      'opened for %j, it reaches nobody',
      async (address) => {
        other.asked.length = 0;
        const end = await page.evaluate(
          async ({ fragment, to }) => {
            const frame = document.createElement('iframe');
            frame.src = `./endpoint.html#${fragment}`;
            const loaded = new Promise((resolve) => (frame.onload = resolve));
            document.body.append(frame);
            await loaded;
            const { fetch: own } = frame.contentWindow as unknown as typeof globalThis;
            const sent = await own(to).then(
              () => 'sent',
              () => 'refused',
            );
            frame.remove();
            return sent;
          },
          { fragment: address, to: `${other.origin}/v1` },
        );
        expect(end).toBe('refused');
        expect(other.asked).toEqual([]);
      },
    );

    test('a page of another origin cannot use it in its frame', async () => {
      const address = `${other.origin}/v1/chat/completions`;
      other.asked.length = 0;
      const foreign = await opened(
        stranger(`<iframe src="${site.origin}/endpoint.html#${address}"></iframe>`),
      );
      const tab = await page.openTab();
      await tab.goto(`${foreign.origin}/`);
      const heard = await tab.evaluate(async (asked) => {
        const { port1: line, port2 } = new MessageChannel();
        const answers: unknown[] = [];
        line.onmessage = ({ data }) => answers.push(data);
        document.querySelector('iframe')!.contentWindow!.postMessage(null, '*', [port2]);
        line.postMessage({ type: 'ask', id: 0, url: asked, headers: {}, body: '{}' });
        await new Promise((resolve) => setTimeout(resolve, 500));
        return answers;
      }, address);
      await tab.close();
      expect(heard).toEqual([]);
      expect(other.asked).toEqual([]);
    });
  });

  test('the probes do get through where there is no policy, so what is refused above is refused by it', async () => {
    const bare = await opened(
      builtSite({
        headers: false,
        change: (path, text) =>
          withProbe(path, withMarkup(path, text, other.origin)).replace(
            /<meta http-equiv="Content-Security-Policy"[^>]*>/,
            '',
          ),
      }),
    );
    await page.goto(`${bare.origin}/`);
    expect(await page.evaluate(() => 'ranMarkup' in globalThis, null)).toBe(true);
    other.asked.length = 0;
    const { WebSocket: _, EventSource: _events, 'style sheet': _style, ...page_ } = await inPage();
    expect(Object.values(page_).filter((end) => end !== 'done')).toEqual([]);
    const { WebSocket: _socket, EventSource: _more, ...worker } = await inWorker();
    expect(Object.values(worker).filter((end) => end !== 'done')).toEqual([]);
    expect(bare.asked).toContain('/page-form');
    const ways = ['fetch', 'socket', 'events', 'import.js'];
    const ofPage = [...ways, 'beacon', 'image.svg', 'frame', 'style.css'];
    expect(other.asked).toEqual(
      expect.arrayContaining([
        ...ofPage.map((way) => `/page-${way}`),
        ...[...ways, 'xhr'].map((way) => `/worker-${way}`),
      ]),
    );
  });

  test('pressing Train asks the endpoint that the link names, and takes its refusal', async () => {
    const site = await opened(builtSite({ headers: true }));
    const chat = await startChatServer(refuse(401, 'no such key'));
    try {
      chat.allow(site.origin);
      const config = shortRun({ 'rupr.teacher': 'openai', 'rupr.url': chat.url, 'rupr.model': 'm:7b' });
      await page.goto('about:blank');
      await page.goto(`${site.origin}/${formatLink(config, null, null)}`);
      await page.click('[data-action=train]');
      // Beside the notices, what tells why none came.
      const told = () =>
        page.evaluate(
          () =>
            JSON.stringify({
              notices: globalThis.taiji?.notices().map(({ message }) => message),
              status: globalThis.taiji?.status(),
              reached: globalThis.taiji?.stages().map(({ name, step }) => `${name} ${step}`),
            }),
          null,
        );
      await expect
        .poll(told, { timeout: 120_000, interval: 200 })
        .toContain('wants a key (401: no such key)');
      expect(chat.requests.map(({ headers }) => headers.origin)).toEqual([site.origin]);
      expect(await page.evaluate(() => document.querySelector('iframe'), null)).toBeNull();
    } finally {
      await chat.close();
    }
  }, 180_000);

  test('inside the page of another site it shows a sentence and a way out, and starts nothing', async () => {
    const site = await opened(builtSite({ headers: false }));
    const link = `${site.origin}/#run=1&preset=tiny`;
    const foreign = await opened(stranger(`<iframe src="${link.replace('&', '&amp;')}"></iframe>`));
    const tab = await page.openTab();
    await tab.goto(`${foreign.origin}/`);
    await expect.poll(() => site.asked.some((path) => /framed/.test(path)), { timeout: 20_000 }).toBe(true);
    // The page of another origin cannot look inside, so the same document is looked at in a frame of its own origin.
    await tab.close();
    await page.goto(`${site.origin}/empty.html`);
    const shown = await page.evaluate(async (src) => {
      const frame = document.createElement('iframe');
      frame.src = src;
      document.body.append(frame);
      for (let tries = 0; tries < 100; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        const app = frame.contentDocument?.querySelector('#app');
        if (app?.textContent)
          return {
            text: app.textContent,
            buttons: frame.contentDocument!.querySelectorAll('button, input, select').length,
            href: app.querySelector('a')?.href,
            target: app.querySelector('a')?.target,
            console: 'taiji' in frame.contentWindow!,
          };
      }
      return null;
    }, link);
    expect(shown).toEqual({
      text: 'taiji-lab does not work inside the page of another site, which could make you press what you do not see: open it by itself.',
      buttons: 0,
      href: link,
      target: '_blank',
      console: false,
    });
    expect(site.asked.filter((path) => /trainer|importer/.test(path))).toEqual([]);
  });
}
