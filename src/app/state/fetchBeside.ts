/** Fetches a file that lies beside the page, and holds it to what the page was built with. */
import { sha256 } from '../../numeric/hash';
import type { FileBeside } from '../../run/recordings';

/** @throws an Error with one sentence */
export async function fetchBeside({
  file,
  sha256: wanted,
  bytes,
}: FileBeside): Promise<Uint8Array<ArrayBuffer>> {
  let found: Uint8Array<ArrayBuffer>;
  try {
    const response = await fetch(file);
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    found = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new Error(`${file} could not be had (${error instanceof Error ? error.message : error}).`);
  }
  if ((await sha256(found)) !== wanted)
    throw new Error(
      `${file} came damaged, or is of another version of the page (${found.length} bytes, not the ${bytes} that were wanted).`,
    );
  return found;
}
