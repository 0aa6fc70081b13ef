/** What alignment did to the model on test users, in plain sentences out of the table's rows: what it gained, lost, or could not be told. */
import { grouped } from '../numeric/grouped';
import type { Interval } from '../numeric/interval';
import { ruleOf, type Weighting } from '../popo/rules';
import { LEAST_DISTINCT } from './bestPoint';
import type { MetricsRow } from './metrics';
import type { OutcomeName, RowSpread } from './rowSpread';

/** What is looked at, with the words for it. */
const LOOKED_AT: readonly (readonly [OutcomeName, string])[] = [
  ['Category_L3_ACC', 'L3'],
  ['Title_Hit-Rate@50', 'Title@50'],
  ['CTCVR', 'CTCVR'],
];

/** The settings that can keep alignment from harm; what is in force already is not advised. */
export interface AlignmentSettings {
  keep: 'last' | 'best';
  weighting: Weighting;
  idReward: 'ctcvr' | 'lift';
}

export interface AlignmentVerdict {
  /** `worse`: something was lost for certain, or answers collapsed, and nothing gained. `traded`: both. */
  /** `kept`: SFT's model is handed over. `collapsed`: so it is, since alignment ended in few answers. */
  kind: 'better' | 'worse' | 'traded' | 'unclear' | 'kept' | 'collapsed';
  sentences: string[];
}

/** Whether it is a warning. */
export const isHarm = ({ kind }: AlignmentVerdict) => kind === 'worse' || kind === 'collapsed';

/**
 * The aligned model against the model that alignment began with, on the same users. An outcome counts as gained or lost where its
 * paired 95 % interval leaves out zero.
 * @param table rows of the stage table, of which `sft` and `popo` are compared
 * @param spreads of the rows; without those of `popo` only the collapse of answers can be told
 * @returns null where one of the two rows is missing
 */
export function alignmentVerdict(
  table: readonly Pick<MetricsRow, 'stage' | 'distinct_top1' | 'users' | 'step'>[],
  spreads: readonly RowSpread[],
  settings: AlignmentSettings,
): AlignmentVerdict | null {
  const before = table.find(({ stage }) => stage === 'sft');
  const after = table.find(({ stage }) => stage === 'popo');
  if (before === undefined || after === undefined) return null;
  if (after.step === 0) {
    const last = table.find(({ stage }) => stage === 'popo-last');
    const why =
      'No point of alignment that kept half of SFT’s different answers was better on validation users';
    const ended =
      last !== undefined && last.distinct_top1 < LEAST_DISTINCT * before.distinct_top1
        ? [`The last step of alignment gives ${fewer(last, before)}.`]
        : [];
    return {
      kind: ended.length > 0 ? 'collapsed' : 'kept',
      sentences: [...ended, `${why}, so SFT’s model is handed over.`],
    };
  }
  const spread = spreads.find(({ stage, from }) => stage === 'popo' && from === 'sft');
  const changes = LOOKED_AT.flatMap(([name, label]) => {
    const interval = spread?.changes[name];
    return interval === undefined ? [] : [{ label, interval }];
  });
  const gained = changes.filter(({ interval }) => interval.low > 0);
  const lost = changes.filter(({ interval }) => interval.high < 0);
  const isCollapsed = after.distinct_top1 < LEAST_DISTINCT * before.distinct_top1;
  const collapse = isCollapsed ? [`It gives ${fewer(after, before)}.`] : [];
  const isHarmed = lost.length > 0 || isCollapsed;
  if (!isHarmed && gained.length === 0)
    return {
      kind: 'unclear',
      sentences:
        changes.length === 0
          ? []
          : [`What alignment changed is within chance for ${grouped(after.users)} users.`],
    };
  if (!isHarmed) return { kind: 'better', sentences: [`Alignment paid: ${listed(gained)}.`] };
  const what =
    gained.length > 0
      ? [`Alignment traded: ${listed([...gained, ...lost])}.`]
      : [`Alignment made things worse: ${lost.length > 0 ? listed(lost) : 'answers collapsed'}.`];
  return {
    kind: gained.length > 0 ? 'traded' : 'worse',
    sentences: [...what, ...collapse, ...advice(settings, gained.length > 0)],
  };
}

type Answered = Pick<MetricsRow, 'distinct_top1' | 'users'>;

function fewer(after: Answered, before: Answered): string {
  return `${answers(after.distinct_top1)} to ${grouped(after.users)} users, where SFT gave ${answers(before.distinct_top1)}`;
}

function answers(count: number): string {
  return count === 1 ? '1 answer' : `${grouped(count)} different answers`;
}

function listed(changes: readonly { label: string; interval: Interval }[]): string {
  return changes
    .map(
      ({ label, interval: { mean, low, high } }) =>
        `${label} ${signed(mean)} [${signed(low)}, ${signed(high)}]`,
    )
    .join(', ');
}

function advice({ keep, weighting, idReward }: AlignmentSettings, isTrade: boolean): string[] {
  // A rule that draws its weights hands over a mixture, and no earlier one.
  const canKeep = keep === 'last' && ruleOf(weighting).draw === undefined;
  const what = [
    ...(canKeep ? ['popo.keep=best, which hands over the best point on validation users'] : []),
    ...(idReward === 'ctcvr' ? ['ranker.reward=lift, which pays nothing for popularity alone'] : []),
  ];
  if (what.length > 0) return [`To try: ${what.join('; ')}.`];
  return isTrade ? [] : ['For these data take the model after SFT.'];
}

function signed(value: number): string {
  const text = Math.abs(value).toFixed(3).replace(/^0/, '');
  return `${value < 0 ? '−' : '+'}${text}`;
}
