import { describe, expect, it } from 'vitest';
import { ReportError, readReport } from '../../src/run/readReport';

describe('readReport', () => {
  it.each([[null], [3], [[]], [{}], [{ schema: 2 }], [{ schema: 1, app: 7 }]])('refuses %j', (value) => {
    expect(() => readReport(value)).toThrow(ReportError);
    expect(() => readReport(value)).toThrow(/^This is not a report of this app: .* is wrong/);
  });
});
