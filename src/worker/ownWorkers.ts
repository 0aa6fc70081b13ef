/**
 * Addresses that workers are started from. A worker made from a `blob:` module inherits the Content-Security-Policy of whoever starts it,
 * which a worker fetched from a file does not, so the blob imports the real file. The one policy of Trusted Types that this app has makes
 * such blobs of its own files, and so no other worker can be started where a browser enforces them.
 */

interface ScriptUrls {
  createScriptURL(url: string): string;
}

declare global {
  /** What is used of it; TypeScript does not know it yet. Absent in older browsers. */
  var trustedTypes: { createPolicy(name: string, rules: ScriptUrls): ScriptUrls } | undefined;
}

/**
 * To be called once in the page, and once in a worker.
 * @param own files of the app
 * @param base what their addresses are relative to
 */
export function ownWorkers(own: readonly string[], base: string): ScriptUrls {
  const rules: ScriptUrls = {
    createScriptURL(url) {
      if (!own.includes(url)) throw new TypeError(`${url} is no worker of this page.`);
      const source = `import ${JSON.stringify(new URL(url, base).href)};`;
      return URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    },
  };
  return globalThis.trustedTypes?.createPolicy('workers', rules) ?? rules;
}
