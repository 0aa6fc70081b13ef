/**
 * About how many bytes a value takes where it is kept: exact for buffers, a byte a letter for text, eight for a number. It is
 * what a list of stored records shows; browsers do not tell what one record takes on the disk.
 */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
  let bytes = 0;
  for (const [key, held] of Object.entries(value))
    bytes += (Array.isArray(value) ? 0 : key.length) + sizeOf(held);
  return bytes;
}
