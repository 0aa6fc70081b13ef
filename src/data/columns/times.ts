/** Times as data files write them. */

const ISO =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/i;

/**
 * A number (an epoch in any unit, a rank) as itself; ISO 8601 as milliseconds since the epoch, UTC where no zone is
 * given: the reader's own zone must not change what comes first. NaN for anything else, such as 3/4/2017, which two
 * countries read differently.
 */
export function parseTime(text: string): number {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    const number = Number(text);
    return Number.isFinite(number) ? number : Number.NaN;
  }
  const match = ISO.exec(text);
  if (!match) return Number.NaN;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const milliseconds = Math.floor(Number(`0.${match[7] ?? 0}`) * 1000);
  const isValid =
    month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour <= 24 && minute <= 59 && second <= 60;
  return isValid
    ? Date.UTC(year, month - 1, day, hour, minute, second, milliseconds) - zoneOffset(match[8]) * 60_000
    : Number.NaN;
}

/** Minutes east of UTC. */
function zoneOffset(zone: string | undefined): number {
  if (!zone || !/^[+-]/.test(zone)) return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))];
  return (zone[0] === '-' ? -1 : 1) * (hours * 60 + minutes);
}
