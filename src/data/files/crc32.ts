/** The checksum (CRC-32, ISO 3309) by which zip and gzip know that bytes came out as they went in. */

const TABLES = makeTables();

/** The checksum of bytes that follow those of checksum `before`; 0 is the checksum of none. */
export function crc32(bytes: Uint8Array, before = 0): number {
  const [t0, t1, t2, t3] = TABLES;
  let crc = ~before;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    crc ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    crc = t3[crc & 255] ^ t2[(crc >>> 8) & 255] ^ t1[(crc >>> 16) & 255] ^ t0[crc >>> 24];
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]) & 255];
  return ~crc >>> 0;
}

/** Table k tells what a byte does to the checksum k bytes later. */
function makeTables(): Int32Array[] {
  const tables = Array.from({ length: 4 }, () => new Int32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    tables[0][byte] = crc;
  }
  for (let later = 1; later < 4; later++) {
    for (let byte = 0; byte < 256; byte++) {
      const crc = tables[later - 1][byte];
      tables[later][byte] = (crc >>> 8) ^ tables[0][crc & 255];
    }
  }
  return tables;
}
