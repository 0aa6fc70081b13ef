/**
 * What each document of the built folder may load and call: its Content-Security-Policy, as a meta element for hosts that send
 * no headers of ours (GitHub Pages), and in `_headers` for those that do (Netlify, Cloudflare Pages, `npm start`).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { minifySync, type Plugin, transformWithOxc } from 'vite';

type Directives = Record<string, string>;

const NOTHING: Directives = {
  'default-src': "'none'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
};

const STRINGS_ARE_NO_CODE = { 'require-trusted-types-for': "'script'" };

/** Of the page, and of its workers, which inherit it. */
export const PAGE_POLICY = policyOf({
  ...NOTHING,
  // WebAssembly is what trains without WebGPU. Strings are not evaluated.
  'script-src': "'self' 'wasm-unsafe-eval'",
  // A worker made from a blob inherits this policy (app/state/workers.ts); Firefox asks for 'self' for what it imports.
  'worker-src': "'self' blob:",
  // The app's own files. Endpoints are called from a document of their own, below.
  'connect-src': "'self'",
  'frame-src': "'self'",
  'style-src': "'self'",
  // The icon.
  'img-src': "'self'",
  ...STRINGS_ARE_NO_CODE,
  'trusted-types': 'workers',
});

/** Of a document without scripts. */
export const LICENCES_POLICY = policyOf({ ...NOTHING, 'style-src': "'self'", 'img-src': "'self'" });

/**
 * Of endpoint.html before its script narrows `connect-src` down to one address. It may call what a page may call at all: https,
 * and http on this computer.
 * @param hash of its only script
 */
function endpointPolicy(hash: string): string {
  return policyOf({
    ...NOTHING,
    'frame-ancestors': "'self'",
    'script-src': `'sha256-${hash}'`,
    'connect-src': 'https: http://localhost:* http://127.0.0.1:*',
    ...STRINGS_ARE_NO_CODE,
    'trusted-types': "'none'",
  });
}

function policyOf(directives: Directives): string {
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');
}

/** The policy as far as a meta element may hold one: `frame-ancestors` counts only in a header. */
export function metaPolicy(policy: string): string {
  return policy.replace(/;\s*frame-ancestors [^;]*/, '');
}

/** endpoint.html, and the policy that goes with it. */
async function endpointPage(): Promise<{ html: string; policy: string }> {
  const path = 'src/worker/endpointDocument.ts';
  const { code } = await transformWithOxc(readFileSync(path, 'utf8'), path, { sourcemap: false });
  const script = minifySync(path, code, { module: true }).code.replace(/export\s*\{\s*\};?\s*$/, '');
  const policy = endpointPolicy(createHash('sha256').update(script).digest('base64'));
  const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${metaPolicy(policy)}" />
    <title>Requests to the teacher · taiji-lab</title>
    <script>${script}</script>
  </head>
  <body>
    <p>taiji-lab asks the chat model that you named as its teacher from here. There is nothing to see.</p>
  </body>
</html>
`;
  return { html, policy };
}

/**
 * The file in which Netlify and Cloudflare Pages look up what to send. Where several blocks match a path, one joins values of a header
 * to one and the other takes the last, so no two blocks that match one path name the same header.
 */
function headersFile(endpoint: string): string {
  const blocks: [paths: string[], headers: Directives][] = [
    [
      ['/*'],
      {
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
        'Cross-Origin-Resource-Policy': 'same-origin',
        'Referrer-Policy': 'no-referrer',
        'X-Content-Type-Options': 'nosniff',
        'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
      },
    ],
    [['/', '/index', '/index.html', '/favicon.svg'], { 'Content-Security-Policy': PAGE_POLICY }],
    [['/licences', '/licences.html'], { 'Content-Security-Policy': LICENCES_POLICY }],
    [['/endpoint', '/endpoint.html'], { 'Content-Security-Policy': endpoint }],
    [
      ['/assets/*'],
      {
        'Content-Security-Policy': PAGE_POLICY,
        'Cache-Control': 'public, max-age=31536000, immutable',
      },
    ],
  ];
  return blocks
    .flatMap(([paths, headers]) =>
      paths.map((path) =>
        [path, ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`), ''].join('\n'),
      ),
    )
    .join('');
}

/** What `_headers` says of a path. */
export function headersFor(file: string, path: string): Directives {
  const found: Directives = {};
  let applies = false;
  for (const line of file.split('\n')) {
    const [, name, value] = /^\s+([^:]+): (.*)$/.exec(line) ?? [];
    if (name === undefined)
      applies = line.endsWith('*') ? path.startsWith(line.slice(0, -1)) : line !== '' && path === line;
    else if (applies) found[name] = name in found ? `${found[name]}, ${value}` : value;
  }
  return found;
}

/** Gives every built page the app's policy, and writes endpoint.html and `_headers` beside it. */
export function barrier(): Plugin {
  return {
    name: 'barrier',
    // Policies are for what is built: the development server reloads modules over a socket and through inline scripts.
    transformIndexHtml: {
      order: 'post',
      handler(_html, { server }) {
        if (server) return [];
        const attrs = { 'http-equiv': 'Content-Security-Policy', content: metaPolicy(PAGE_POLICY) };
        return [{ tag: 'meta', attrs, injectTo: 'head-prepend' }];
      },
    },
    configureServer(server) {
      server.middlewares.use('/endpoint.html', (_request, response, next) => {
        endpointPage().then(({ html }) => response.setHeader('content-type', 'text/html').end(html), next);
      });
    },
    async generateBundle() {
      const { html, policy } = await endpointPage();
      this.emitFile({ type: 'asset', fileName: 'endpoint.html', source: html });
      this.emitFile({ type: 'asset', fileName: '_headers', source: headersFile(policy) });
    },
  };
}
