/**
 * A link's result as the text of its field `result`: whole numbers in nested lists, deflated. What is read is a stranger's, so every
 * number has its bounds, every name is one of a list, and only the device has words of its own, short and of few characters.
 */
import { pairsOf } from '../../popo/weighting';
import type { RunConfig } from '../config';
import { MOST_RESULT } from '../link';
import type { DeviceInfo, Report } from '../report';
import { deflated, inflated } from './deflate';
import {
  CURVE,
  GAUGE_POINTS,
  type LinkedGauge,
  type LinkedRow,
  type LinkResult,
  LOSS_STAGES,
  MOST_POINTS,
  RATES,
  ROW_STAGES,
  resultOf,
  SLICE_NAMES,
  type Values,
} from './linkResult';

/** Of the form of what is deflated; the later one tells slices too, and is written where there are some. */
const FORM = 1;
const FORM_SLICED = 2;
/** Most bytes of what is inflated; the longest that is written has a quarter of it. */
export const MOST_INFLATED = 32 * 1024;
/** Most characters of a link that is written with its result. */
export const MOST_LINK = 6 * 1024;

/** Rates are kept to .0001, losses to .001 nats and up to 1,000. */
const RATE = 10_000;
const LOSS = 1000;
const MOST_LOSS = 1000;
/** Covariances of rewards within [0, 1], to .0001 in curves; of means over the last steps the sign is told, so these are finer. */
const COVARIANCE = 10_000;
const RECENT = 1_000_000;
const MOST_STEPS = 1_000_000;
const MOST_USERS = 100_000_000;
const MOST_SECONDS = 100_000_000;

const BACKENDS = ['webgpu', 'wasm', 'cpu', 'tfjs-webgpu'] as const satisfies readonly DeviceInfo['backend'][];
const DEVICE_WORDS = /^[A-Za-z0-9 .,()+_/-]{0,60}$/;

/**
 * The link with the run's result, with as many points of each curve as it has room for.
 * @param link the whole of it, with its address
 * @returns null where there is no room for a table and curves of eight points
 */
export async function withResult(link: string, report: Report): Promise<string | null> {
  if (report.table.length === 0) return null;
  for (const points of [MOST_POINTS, 32, 24, 16, 8]) {
    const whole = `${link}&result=${await deflated(JSON.stringify(packed(resultOf(report, points))))}`;
    if (whole.length <= MOST_LINK) return whole;
  }
  return null;
}

/**
 * Reads what `withResult` wrote. Never throws.
 * @param config the link's, which the result must fit
 */
export async function readResult(
  text: string,
  config: RunConfig,
): Promise<{ result: LinkResult; problem: null } | { result: null; problem: string }> {
  try {
    if (text.length > MOST_RESULT) throw new Error(`it is longer than ${MOST_RESULT} characters`);
    return { result: unpacked(JSON.parse(await inflated(text, MOST_INFLATED)), config), problem: null };
  } catch (error) {
    // A parser's words quote the stranger's text.
    const isOurs = error instanceof Error && error.constructor === Error;
    const reason = isOurs ? error.message : 'it is not of the form that this app writes';
    return {
      result: null,
      problem: `The result in this link cannot be shown, so train it here to see what comes out: ${reason}.`,
    };
  }
}

function packed(result: LinkResult): unknown[] {
  const { device, seconds, table, losses, alignment, heldOut, slices } = result;
  const words = [device.vendor, device.architecture, device.description].map((text) =>
    text.replace(/[^A-Za-z0-9 .,()+_/-]/g, ' ').slice(0, 60),
  );
  const rates = (values: Values) => differences(values.map((value) => scaled(value, RATE, 1)));
  const sliced =
    slices === undefined
      ? []
      : [
          [
            slices.map(({ name, users }) => [SLICE_NAMES.indexOf(name), users]),
            table.map((row) =>
              (row.slices ?? []).map(({ l3, ctcvr, l3Half, ctcvrHalf }) =>
                [l3, ctcvr, l3Half, ctcvrHalf].map((value) => scaled(value, RATE, 1)),
              ),
            ),
          ],
        ];
  return [
    slices === undefined ? FORM : FORM_SLICED,
    [device.backend, ...words],
    seconds,
    table.map((row) => [
      row.stage,
      row.step ?? -1,
      row.users,
      ...RATES.map((name) => scaled(row.rates[name], RATE, 1)),
      scaled(row.ctcvrHalf, RATE, 1),
      row.distinct_top1,
      scaled(row.answer_loss, LOSS, MOST_LOSS),
    ]),
    losses.map(({ stage, steps, values }) => [
      stage,
      steps,
      differences(values.map((value) => scaled(value, LOSS, MOST_LOSS))),
    ]),
    alignment === null
      ? null
      : [
          alignment.steps,
          alignment.rewards.map(rates),
          alignment.weights.map(rates),
          ...(alignment.gauge === null ? [] : [packedGauge(alignment.gauge)]),
        ],
    heldOut === null ? null : [differences(heldOut.steps), heldOut.values.map(rates)],
    ...sliced,
  ];
}

function packedGauge({ gains, recent }: LinkedGauge): unknown[] {
  const signed = (values: Values, parts: number) => values.map((value) => scaled(value, parts, 1, -1));
  return [
    gains.map((values) => differences(signed(values, COVARIANCE))),
    signed(recent.covariances, RECENT),
    signed(recent.gains, RECENT),
  ];
}

/** As a whole number of parts of 1; null where it is no number within [least, most]. */
function scaled(value: number | null, parts: number, most: number, least = 0): number | null {
  return value !== null && value >= least && value <= most ? Math.round(value * parts) : null;
}

/** Neighbours are alike, so their differences are short. */
function differences(values: readonly (number | null)[]): (number | null)[] {
  let before = 0;
  return values.map((value) => {
    if (value === null) return null;
    const difference = value - before;
    before = value;
    return difference;
  });
}

function unpacked(found: unknown, config: RunConfig): LinkResult {
  const [form, device, seconds, table, losses, alignment, heldOut, sliced] = list(found, 7, 8);
  if (form !== FORM && form !== FORM_SLICED) throw new Error('it was made by another version of this app');
  if ((form === FORM_SLICED) !== (sliced !== undefined)) throw malformed();
  const rows = inOrder(list(table, 1, ROW_STAGES.length).map(readRow), ROW_STAGES);
  return {
    device: readDevice(device),
    seconds: whole(seconds, 0, MOST_SECONDS),
    ...(sliced === undefined ? { table: rows } : readSlices(sliced, rows)),
    losses: inOrder(
      list(losses, 0, LOSS_STAGES.length).map((entry) => {
        const [stage, steps, values] = list(entry, 3, 3);
        const count = whole(steps, 1, MOST_STEPS);
        return {
          stage: oneOf(stage, LOSS_STAGES),
          steps: count,
          values: readCurve(values, {
            parts: LOSS,
            most: MOST_LOSS,
            points: [1, Math.min(MOST_POINTS, count)],
          }),
        };
      }),
      LOSS_STAGES,
    ),
    alignment: alignment === null ? null : readAlignment(alignment, config),
    heldOut: heldOut === null ? null : readHeldOut(heldOut, config),
  };
}

function readDevice(found: unknown): LinkResult['device'] {
  const [backend, ...words] = list(found, 4, 4);
  const [vendor, architecture, description] = words.map((text) => {
    if (typeof text !== 'string' || !DEVICE_WORDS.test(text)) throw malformed();
    return text;
  });
  return { backend: oneOf(backend, BACKENDS), vendor, architecture, description };
}

function readRow(found: unknown): LinkedRow {
  const [stage, step, users, ...numbers] = list(found, RATES.length + 6, RATES.length + 6);
  const [half, distinct, loss] = numbers.slice(RATES.length);
  const count = whole(users, 1, MOST_USERS);
  const at = whole(step, -1, MOST_STEPS);
  const rates = RATES.map((name, k) => [name, part(numbers[k], RATE, 1)]);
  return {
    stage: oneOf(stage, ROW_STAGES),
    step: at < 0 ? null : at,
    users: count,
    rates: Object.fromEntries(rates),
    ctcvrHalf: part(half, RATE, 1),
    distinct_top1: whole(distinct, 0, count),
    answer_loss: part(loss, LOSS, MOST_LOSS),
  };
}

/** The rows with what they have in each slice. */
function readSlices(found: unknown, rows: readonly LinkedRow[]): Pick<LinkResult, 'table' | 'slices'> {
  const [kinds, values] = list(found, 2, 2);
  let before = -1;
  const slices = list(kinds, 1, SLICE_NAMES.length).map((entry) => {
    const [kind, users] = list(entry, 2, 2);
    before = whole(kind, before + 1, SLICE_NAMES.length - 1);
    return { name: SLICE_NAMES[before], users: whole(users, 1, MOST_USERS) };
  });
  const table = list(values, rows.length, rows.length).map((own, at): LinkedRow => {
    const cells = list(own, slices.length, slices.length).map((cell) => {
      const [l3, ctcvr, l3Half, ctcvrHalf] = list(cell, 4, 4).map((value) => part(value, RATE, 1));
      return { l3, ctcvr, l3Half, ctcvrHalf };
    });
    return { ...rows[at], slices: cells };
  });
  return { slices, table };
}

function readAlignment(found: unknown, { popo }: RunConfig): LinkResult['alignment'] {
  const [steps, rewards, weights, gauge] = list(found, 3, 4);
  const count = whole(steps, 1, popo.steps);
  const { length } = popo.rewards;
  const points = list(list(rewards, length, length)[0], 1, Math.min(MOST_POINTS, count)).length;
  const read = (curves: unknown) =>
    list(curves, length, length).map((values) =>
      readCurve(values, { parts: RATE, most: 1, points: [points, points] }),
    );
  return {
    steps: count,
    rewards: read(rewards),
    weights: read(weights),
    gauge: gauge === undefined ? null : readGauge(gauge, count, length),
  };
}

/** @param K rewards */
function readGauge(found: unknown, steps: number, K: number): LinkedGauge {
  const [gains, covariances, recent] = list(found, 3, 3);
  const points = Math.min(GAUGE_POINTS, steps);
  const each = (values: unknown, count: number) =>
    list(values, count, count).map((value) =>
      value === null ? null : whole(value, -RECENT, RECENT) / RECENT,
    );
  return {
    gains: list(gains, K, K).map((values) =>
      readCurve(values, { parts: COVARIANCE, least: -1, most: 1, points: [points, points] }),
    ),
    recent: { covariances: each(covariances, pairsOf(K).length), gains: each(recent, K) },
  };
}

function readHeldOut(found: unknown, { popo }: RunConfig): LinkResult['heldOut'] {
  const [steps, values] = list(found, 2, 2);
  const at = sums(list(steps, 1, MOST_POINTS), popo.steps).map((step) => {
    if (step === null) throw malformed();
    return step;
  });
  if (at.some((step, index) => index > 0 && step <= at[index - 1])) throw malformed();
  return {
    steps: at,
    values: list(values, CURVE.length, CURVE.length).map((curve) =>
      readCurve(curve, { parts: RATE, most: 1, points: [at.length, at.length] }),
    ),
  };
}

function readCurve(
  found: unknown,
  o: { parts: number; least?: number; most: number; points: [least: number, most: number] },
): Values {
  const { parts, least = 0, most, points } = o;
  return sums(list(found, ...points), parts * most, parts * least).map((value) =>
    value === null ? null : value / parts,
  );
}

/** The inverse of `differences`, of sums within [least, most]. */
function sums(found: readonly unknown[], most: number, least = 0): (number | null)[] {
  let sum = 0;
  return found.map((difference) => {
    if (difference === null) return null;
    const widest = most - least;
    sum = whole(sum + whole(difference, -widest, widest), least, most);
    return sum;
  });
}

function part(found: unknown, parts: number, most: number): number | null {
  return found === null ? null : whole(found, 0, parts * most) / parts;
}

function whole(found: unknown, low: number, high: number): number {
  if (typeof found !== 'number' || !Number.isInteger(found) || found < low || found > high) throw malformed();
  return found;
}

function oneOf<Name extends string>(found: unknown, names: readonly Name[]): Name {
  const name = names.find((known) => known === found);
  if (name === undefined) throw malformed();
  return name;
}

function list(found: unknown, least: number, most: number): unknown[] {
  if (!Array.isArray(found) || found.length < least || found.length > most) throw malformed();
  return found;
}

/** Each stage at most once, in the order of the names. */
function inOrder<Entry extends { stage: string }>(entries: Entry[], names: readonly string[]): Entry[] {
  const places = entries.map(({ stage }) => names.indexOf(stage));
  if (places.some((place, index) => index > 0 && place <= places[index - 1])) throw malformed();
  return entries;
}

function malformed(): Error {
  return new Error('it does not fit the run that the link tells of');
}
