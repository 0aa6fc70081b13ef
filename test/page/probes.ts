/** Ways out of the page and of a worker, and ways to make code of strings. The file is served to both as a script of their own. */

/** What became of each probe: `done`, or why not. */
export type Found = Record<string, string>;

declare global {
  var probe: typeof runProbes;
}

/**
 * In a window or a worker. Whether a request left is not asked here but where it would arrive.
 * @param o.to the origin of somebody else
 */
async function runProbes(o: { to: string; where: string }): Promise<Found> {
  const found: Found = {};
  const attempt = async (name: string, work: () => unknown) => {
    try {
      const result = await work();
      found[name] = result === undefined ? 'done' : String(result);
    } catch (error) {
      found[name] = `refused: ${error}`;
    }
  };
  const settled = (target: EventTarget, good: string) =>
    new Promise<void>((resolve, reject) => {
      target.addEventListener(good, () => resolve());
      target.addEventListener('error', () => reject(new Error('failed')));
      setTimeout(() => reject(new Error('no answer')), 3000);
    });
  // A debugger may evaluate strings, so what it calls does not count before it has let go.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const url = (path: string) => `${o.to}/${o.where}-${path}`;

  await attempt('fetch', async () => void (await fetch(url('fetch'), { mode: 'no-cors' })));
  await attempt('WebSocket', () => settled(new WebSocket(url('socket').replace('http', 'ws')), 'open'));
  await attempt('EventSource', () => settled(new EventSource(url('events')), 'open'));
  await attempt('import', async () => void (await import(/* @vite-ignore */ url('import.js'))));
  await attempt('eval', () => {
    // biome-ignore lint/security/noGlobalEval: that it cannot be used is what is tested.
    globalThis.eval('1');
  });
  await attempt('new Function', () => void new Function('return 1')());
  await attempt('setTimeout of a string', () => void setTimeout('1' as unknown as () => void));
  await attempt('a worker of a string', () => {
    const blob = URL.createObjectURL(new Blob(['postMessage(1)'], { type: 'text/javascript' }));
    return settled(new Worker(blob), 'message');
  });
  if (typeof document === 'undefined') {
    await attempt('XMLHttpRequest', () => {
      const request = new XMLHttpRequest();
      request.open('GET', url('xhr'), false);
      request.send();
    });
    return found;
  }
  await attempt('beacon', () => void navigator.sendBeacon(url('beacon'), 'x'));
  await attempt('image', () => {
    const image = new Image();
    image.src = url('image.svg');
    return settled(image, 'load');
  });
  await attempt('form', () => {
    const form = document.createElement('form');
    const frame = document.createElement('iframe');
    frame.name = 'form';
    // To its own origin, where no policy of frames would stop it first.
    form.action = `${location.origin}/${o.where}-form`;
    form.target = 'form';
    document.body.append(frame, form);
    form.submit();
    return new Promise((resolve) => setTimeout(resolve, 300));
  });
  await attempt('frame', () => {
    const frame = document.createElement('iframe');
    frame.src = url('frame');
    document.body.append(frame);
    return new Promise((resolve) => setTimeout(resolve, 300));
  });
  await attempt('style sheet', () => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = url('style.css');
    document.head.append(link);
    return settled(link, 'load');
  });
  const ran = globalThis as { ranInline?: string };
  await attempt('innerHTML', () => {
    const place = document.createElement('div');
    place.innerHTML = '<b>x</b>';
    return place.childElementCount === 1 ? undefined : 'nothing came of it';
  });
  await attempt('inline script', () => {
    ran.ranInline = 'refused: it did not run';
    const script = document.createElement('script');
    script.append("globalThis.ranInline = 'done'");
    document.head.append(script);
    return ran.ranInline;
  });
  await attempt('inline handler', () => {
    ran.ranInline = 'refused: it did not run';
    const button = document.createElement('button');
    button.setAttribute('onclick', "globalThis.ranInline = 'done'");
    button.click();
    return ran.ranInline;
  });
  await attempt('a worker of a file', () => {
    const file = performance.getEntriesByType('resource').find(({ name }) => /\.js$/.test(name))!.name;
    new Worker(file, { type: 'module' });
  });
  await attempt('a policy of one’s own', () => {
    const types = (globalThis as { trustedTypes?: { createPolicy(name: string, rules: object): object } })
      .trustedTypes;
    types?.createPolicy('other', {});
  });
  return found;
}

globalThis.probe = runProbes;
