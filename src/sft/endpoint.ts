/**
 * The address of an OpenAI-compatible server, as a visitor or a link names it. It stands in links, so it holds no secret, and
 * a link is a stranger's input: http and https only, and nothing hidden in it.
 */

const MAX_LENGTH = 300;

/** What is wrong with an address, as the end of a sentence that begins with its name; null when nothing is. */
export function endpointProblem(url: string): string | null {
  if (url.length > MAX_LENGTH) return `must be at most ${MAX_LENGTH} characters long`;
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:'))
    return 'must be an address such as http://localhost:11434/v1';
  if (parsed.username !== '' || parsed.password !== '')
    return 'must name no user and no password: the key has a field of its own';
  if (parsed.search !== '' || parsed.hash !== '' || /[?#]/.test(url))
    return 'must have no ? and no #: the key has a field of its own';
  // As a person reads it is what is called: no spaces, escapes, back-slashes or letters that look like others.
  if (!/^https?:\/\/[\w.\-:[\]]+(?:\/[\w.~\-/]*)?$/.test(url))
    return 'must be plain letters, digits and . - _ ~ : /';
  return null;
}

/** The host and port that would be called. */
export function endpointHost(url: string): string {
  return new URL(url).host;
}

/**
 * Why a page may not call it, as the end of a sentence that begins with its name; null when it may: its Content-Security-Policy lets
 * requests out to https, and over http to this machine alone, and has no way to write an IPv6 address.
 * @param url without an `endpointProblem`
 */
export function pageProblem(url: string): string | null {
  const { protocol, hostname } = new URL(url);
  if (hostname.startsWith('['))
    return 'must name its host, since no Content-Security-Policy can let a page out to an IPv6 address';
  if (protocol === 'https:' || hostname === 'localhost' || hostname === '127.0.0.1') return null;
  return 'must begin with https:, or be on this computer (http://localhost): a page may call nothing else';
}
