/** How numbers read on the page. Pure; no locale surprises: the page is in English, so are its digits. */
import { grouped as count } from '../../numeric/grouped';

/** A duration in words, such as `4 s`, `1 min 20 s`, `1 h 05 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '–';
  if (seconds < 1) return '< 1 s';
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 600)
    return whole % 60 === 0 ? `${whole / 60} min` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

export { count };

/** About three significant digits, for axes and read-outs: `0.512`, `3.14`, `12.3`, `2.0e-5`. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (value === 0) return '0';
  if (size < 0.001) return value.toExponential(1).replace('e-', 'e−').replace(/^-/, '−');
  const text = size < 10 ? value.toFixed(size < 1 ? 3 : 2) : size < 1000 ? value.toFixed(1) : count(value);
  return text.replace(/^-/, '−');
}

/** A size such as `780 KB`, `12 MB` or `2.1 GB`. */
export function bytes(size: number): string {
  if (size < 1e6) return `${Math.ceil(size / 1e3)} KB`;
  return size < 1e9 ? `${Math.round(size / 1e6)} MB` : `${(size / 1e9).toFixed(1)} GB`;
}

/** A rate in [0, 1] as a percentage with one decimal. */
export function percent(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  return `${(value * 100).toFixed(1)} %`;
}

/** How long ago, in words. Milliseconds since the epoch. */
export function ago(then: number, now: number): string {
  const seconds = Math.max(0, (now - then) / 1000);
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}
