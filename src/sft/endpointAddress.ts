/** What an endpoint is called by: what the page shows and what is asked are made here, from one form of the address. */

/**
 * An address as it will be called: small letters in the host, no port that goes without saying, no `.` or `..`, no `//`, no slash
 * at the end. What is shown and what is called are made from this alone.
 * @param url without an `endpointProblem`
 */
export function normalEndpoint(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname.replace(/\/{2,}/g, '/').replace(/\/$/, '');
}

/** Where chat completions are asked for: an address of a server, of its /v1, or of the very thing. */
export function chatUrl(url: string): string {
  const base = normalEndpoint(url);
  if (base.endsWith('/chat/completions')) return base;
  return `${new URL(base).pathname === '/' ? `${base}/v1` : base}/chat/completions`;
}

/** Whether a host has letters beyond ASCII, which may look like those of another host. It is always shown as `xn--`. */
export function isInternational(url: string): boolean {
  return /(?:^|\.)xn--/.test(new URL(url).hostname);
}
