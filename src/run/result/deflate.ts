/** Text as the characters that a link may hold, deflated (RFC 1951) and in base64url (RFC 4648) without padding. */

/** Bytes of a strange text that are inflated at a time: deflate makes at most 1,032 of one. */
const SLICE = 64;

export async function deflated(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * The inverse of `deflated`, for a stranger's text: it is inflated slice by slice, and not beyond the limit, so that a bomb costs no
 * more than the limit and what two slices can hold.
 * @param limit most bytes of the text
 * @throws Error with a clause that says why it cannot be read
 */
export async function inflated(text: string, limit: number): Promise<string> {
  if (!/^[\w-]+$/.test(text)) throw new Error('it is not base64url');
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  } catch {
    throw new Error('it is not base64url');
  }
  let at = 0;
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull(controller) {
        if (at < bytes.length) controller.enqueue(bytes.slice(at, at + SLICE));
        else controller.close();
        at += SLICE;
      },
    },
    { highWaterMark: 0 },
  );
  const reader = source.pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let whole = '';
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return whole + decoder.decode();
      size += value.length;
      if (size > limit) break;
      whole += decoder.decode(value, { stream: true });
    }
  } catch {
    throw new Error('it is damaged or cut off');
  }
  void reader.cancel().catch(() => {});
  throw new Error(`it unpacks to more than ${limit / 1024} KB`);
}
