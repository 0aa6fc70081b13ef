/** One page in a headless browser, Chromium or Firefox, behind the few verbs that the commands and page tests need. */
import { type Page as ChromiumPage, chromium } from 'playwright-core';
import type { ElementHandle, Page as FirefoxPage } from 'puppeteer-core';
import { CHROMIUM_FLAGS, ensureChromium } from './chromium.ts';
import { launchFirefox } from './firefox.ts';

export type BrowserName = 'chromium' | 'firefox';

export interface BrowserPage {
  readonly name: BrowserName;
  /** As the browser tells it, e.g. `chromium/142.0`. */
  readonly version: string;
  /** Uncaught errors of the page so far; a test asserts that there are none. */
  readonly errors: string[];
  goto(url: string): Promise<void>;
  reload(): Promise<void>;
  /** Runs in the page; arguments and results travel as JSON. */
  evaluate<A, R>(run: (argument: A) => R | Promise<R>, argument: A): Promise<R>;
  click(selector: string): Promise<void>;
  /** Gives files, or one folder, to a file input. */
  upload(selector: string, paths: string[]): Promise<void>;
  /** The page's console, line by line. */
  onConsole(listener: (line: string) => void): void;
  /** Another tab of the same browser, which shares storage and locks with this one. `close` of it closes it alone. */
  openTab(): Promise<BrowserPage>;
  close(): Promise<void>;
}

/** @throws an Error that says what to install where the browser is missing. */
export function openBrowser(name: BrowserName, o: { flags?: string[] } = {}): Promise<BrowserPage> {
  return name === 'chromium' ? openChromium(o.flags ?? CHROMIUM_FLAGS) : openFirefox();
}

async function openChromium(args: string[]): Promise<BrowserPage> {
  const browser = await chromium.launch({ executablePath: ensureChromium(), args, headless: true });
  const context = await browser.newContext();
  const tab = async (close: (page: ChromiumPage) => Promise<void>): Promise<BrowserPage> => {
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('crash', () => errors.push('The page crashed.'));
    return {
      name: 'chromium',
      version: `chromium/${browser.version()}`,
      errors,
      goto: async (url) => void (await page.goto(url)),
      reload: async () => void (await page.reload()),
      evaluate: (run, argument) => page.evaluate(run as never, argument) as never,
      click: (selector) => page.click(selector),
      upload: (selector, paths) => page.setInputFiles(selector, paths),
      onConsole: (listener) => void page.on('console', (message) => listener(message.text())),
      openTab: () => tab((other) => other.close()),
      close: () => close(page),
    };
  };
  return tab(() => browser.close());
}

async function openFirefox(): Promise<BrowserPage> {
  const browser = await launchFirefox();
  const version = await browser.version();
  const tab = async (close: (page: FirefoxPage) => Promise<void>): Promise<BrowserPage> => {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error instanceof Error ? error.message : String(error)));
    return {
      name: 'firefox',
      version,
      errors,
      goto: async (url) => void (await page.goto(url)),
      reload: async () => void (await page.reload()),
      evaluate: (run, argument) => page.evaluate(run as never, argument as never) as never,
      // As Playwright's does: once the element stands still, since a page that is still arriving moves it.
      click: (selector) => page.locator(selector).click(),
      upload: async (selector, paths) => {
        const input = await page.waitForSelector(selector);
        if (input === null) throw new Error(`No element ${selector} on the page.`);
        await (input as ElementHandle<HTMLInputElement>).uploadFile(...paths);
      },
      onConsole: (listener) => void page.on('console', (message) => listener(message.text())),
      openTab: () => tab((other) => other.close()),
      close: () => close(page),
    };
  };
  return tab(() => browser.close());
}
