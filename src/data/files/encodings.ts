/** Which encoding bytes are in: by their mark, else by which encoding's common characters they make. */

/** An encoding that TextDecoder knows, and whether it was guessed, so that it should be said. */
export interface Encoding {
  encoding: string;
  /** For people, where it was guessed: "GBK (GB 18030)". */
  guessed: string | null;
}

const UTF8: Encoding = { encoding: 'utf-8', guessed: null };
/** Share of the characters beyond ASCII that must be common ones of an encoding for it to be taken. */
const COMMON_SHARE = 0.75;

/** By a byte order mark, or by zeros in every other byte; null where neither is there. */
export function detectWide(head: Uint8Array): Encoding | null {
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: 'utf-16le', guessed: null };
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: 'utf-16be', guessed: null };
  const zeros = [0, 0];
  for (let at = 0; at < head.length; at++) if (head[at] === 0) zeros[at % 2]++;
  const pairs = head.length / 2;
  if (zeros[1] > pairs * 0.05 && zeros[0] <= zeros[1] / 20)
    return { encoding: 'utf-16le', guessed: 'UTF-16 (little end first)' };
  if (zeros[0] > pairs * 0.05 && zeros[1] <= zeros[0] / 20)
    return { encoding: 'utf-16be', guessed: 'UTF-16 (big end first)' };
  return null;
}

/** Of bytes in which ASCII stands for itself. One with both good and bad UTF-8 is UTF-8 with a few broken characters. */
export function detectEncoding(bytes: Uint8Array): Encoding {
  const { good, bad } = countUtf8(bytes);
  if (bad === 0 || good > bad) return UTF8;
  const scores = CANDIDATES.map((candidate) => ({ candidate, share: commonShare(bytes, candidate) }));
  scores.sort((a, b) => b.share - a.share);
  const [best] = scores;
  if (best.share >= COMMON_SHARE) return best.candidate;
  if (cyrillicShare(bytes) >= COMMON_SHARE) return { encoding: 'windows-1251', guessed: 'Windows-1251' };
  return { encoding: 'windows-1252', guessed: 'Windows-1252' };
}

/** Characters of several bytes that are valid UTF-8, and bytes that are not. A character cut by the end counts as neither. */
function countUtf8(bytes: Uint8Array): { good: number; bad: number } {
  let [good, bad] = [0, 0];
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at++];
    if (byte < 0x80) continue;
    const more =
      byte >= 0xc2 && byte < 0xe0 ? 1 : byte >= 0xe0 && byte < 0xf0 ? 2 : byte >= 0xf0 && byte < 0xf5 ? 3 : 0;
    let followers = 0;
    while (followers < more && at + followers < bytes.length && (bytes[at + followers] & 0xc0) === 0x80)
      followers++;
    if (more > 0 && followers === more) good++;
    else if (more === 0 || at + followers < bytes.length) bad++;
    at += followers;
  }
  return { good, bad };
}

/** An encoding of one and two bytes. A language's everyday characters stand together in it. */
interface Candidate extends Encoding {
  /** Whether the pair is a valid character. */
  isPair(lead: number, trail: number): boolean;
  /** Whether it is an everyday one. */
  isCommon(lead: number, trail: number): boolean;
  /** Pairs that a text in the language must have a share of. */
  signature?: (lead: number, trail: number) => boolean;
}

const SIGNATURE_SHARE = 0.15;
const within = (byte: number, first: number, last: number) => byte >= first && byte <= last;

/** 이가는다의에을리스기지어사인로아트드라자나한고시도; in GBK these are seldom characters. */
const FREQUENT_HANGUL = new Set([
  0xc0cc, 0xb0a1, 0xb4c2, 0xb4d9, 0xc0c7, 0xbfa1, 0xc0bb, 0xb8ae, 0xbdba, 0xb1e2, 0xc1f6, 0xbeee, 0xbbe7,
  0xc0ce, 0xb7ce, 0xbec6, 0xc6ae, 0xb5e5, 0xb6f3, 0xc0da, 0xb3aa, 0xc7d1, 0xb0ed, 0xbdc3, 0xb5b5,
]);

/** The earlier wins where two fit alike: Hangul fills part of what GBK's everyday characters fill. */
const CANDIDATES: readonly Candidate[] = [
  {
    encoding: 'euc-kr',
    guessed: 'EUC-KR',
    isPair: (lead, trail) => within(lead, 0x81, 0xfe) && within(trail, 0x41, 0xfe),
    isCommon: (lead, trail) => within(lead, 0xb0, 0xc8) && within(trail, 0xa1, 0xfe),
    signature: (lead, trail) => FREQUENT_HANGUL.has(lead * 256 + trail),
  },
  {
    encoding: 'euc-jp',
    guessed: 'EUC-JP',
    isPair: (lead, trail) => within(lead, 0xa1, 0xfe) && within(trail, 0xa1, 0xfe),
    isCommon: (lead, trail) =>
      (lead === 0xa4 || lead === 0xa5 || within(lead, 0xb0, 0xcf)) && within(trail, 0xa1, 0xfe),
    signature: (lead) => lead === 0xa4 || lead === 0xa5,
  },
  {
    encoding: 'gb18030',
    guessed: 'GBK (GB 18030)',
    isPair: (lead, trail) => within(lead, 0x81, 0xfe) && within(trail, 0x40, 0xfe) && trail !== 0x7f,
    isCommon: (lead, trail) => within(lead, 0xb0, 0xd7) && within(trail, 0xa1, 0xfe),
  },
  {
    encoding: 'big5',
    guessed: 'Big5',
    isPair: (lead, trail) =>
      within(lead, 0x81, 0xfe) && (within(trail, 0x40, 0x7e) || within(trail, 0xa1, 0xfe)),
    isCommon: (lead, trail) =>
      within(lead, 0xa4, 0xc6) && (within(trail, 0x40, 0x7e) || within(trail, 0xa1, 0xfe)),
    signature: (_, trail) => within(trail, 0x40, 0x7e),
  },
  {
    encoding: 'shift_jis',
    guessed: 'Shift-JIS',
    isPair: (lead, trail) =>
      (within(lead, 0x81, 0x9f) || within(lead, 0xe0, 0xfc)) && within(trail, 0x40, 0xfc) && trail !== 0x7f,
    isCommon: (lead, trail) =>
      (lead === 0x82 && trail >= 0x9f) ||
      (lead === 0x83 && trail <= 0x96) ||
      lead === 0x81 ||
      within(lead, 0x88, 0x97),
  },
];

/** Punctuation of East Asian encodings stands in A1–A3 and 81; it says nothing of the language. */
const isPunctuation = (lead: number) => within(lead, 0xa1, 0xa3);

/** Share of a candidate's everyday characters among all that are not ASCII; 0 where its signature is missing. */
function commonShare(bytes: Uint8Array, candidate: Candidate): number {
  let [common, all, signed] = [0, 0, 0];
  for (let at = 0; at < bytes.length; at++) {
    const lead = bytes[at];
    if (lead < 0x80) continue;
    if (at + 1 === bytes.length) break;
    const trail = bytes[at + 1];
    const isPair = candidate.isPair(lead, trail);
    if (isPair) at++;
    if (isPair && isPunctuation(lead) && candidate.encoding !== 'shift_jis') continue;
    all++;
    if (!isPair) continue;
    if (candidate.isCommon(lead, trail)) common++;
    if (candidate.signature?.(lead, trail)) signed++;
  }
  if (all === 0 || (candidate.signature && signed < all * SIGNATURE_SHARE)) return 0;
  return common / all;
}

/** Share of the bytes beyond ASCII that are small Russian letters of Windows-1251 beside another letter of it. */
function cyrillicShare(bytes: Uint8Array): number {
  let [cyrillic, all] = [0, 0];
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] < 0x80) continue;
    all++;
    const isBeside = bytes[at - 1] >= 0xc0 || bytes[at + 1] >= 0xc0;
    if (bytes[at] >= 0xe0 && isBeside) cyrillic++;
  }
  return all === 0 ? 0 : cyrillic / all;
}
