/** What each part of the walk through a group shows. G answers, K rewards. */
import type { ComponentChildren } from 'preact';
import type { PolicyOptions } from '../../popo/options';
import { type RewardName, rewardWords } from '../../popo/rewards';
import type { GroupWorking, WeightsWorking } from '../../popo/workings';
import type { GroupWords, PopoStep } from '../../run/report';
import { rewardLook } from '../charts/palette';
import { rewardAxes } from '../charts/plane';
import { Sparkline } from '../charts/sparkline';
import { ticks } from '../charts/ticks';
import { useSession } from '../state/context';
import { percent, short } from '../words/format';
import { advantageLines, exact, signed } from '../words/glassWords';

/** One group of one step, with all that its numbers came from. */
export interface Looked {
  step: PopoStep;
  prompt: number;
  names: readonly RewardName[];
  options: PolicyOptions;
  isProduct: boolean;
  group: GroupWorking;
  weights: WeightsWorking;
  /** Null where they are not kept, or not known yet. */
  words: GroupWords | null;
  /** Whether they were asked for, and no answer has come. */
  isAsked: boolean;
  /** Of which prompt it was measured what the update made of its answers; null where that is not known. */
  measured: number | null;
}

interface Props {
  looked: Looked;
}

export function WhatItRead({ looked: { words, step, prompt } }: Props) {
  if (words === null) return <p class="faint">The prompt of {step.sampleIds[prompt]}.</p>;
  const parts = words.text.split('<sep>').map((part) => part.trim());
  return (
    <ul class="glass-prompt" translate={false}>
      {parts
        .filter((part) => part !== '')
        .map((part, index) => (
          <li key={index}>{part}</li>
        ))}
    </ul>
  );
}

export function Answers({ looked: { words, isAsked, step, prompt } }: Props) {
  if (isAsked) return null;
  if (words === null)
    return <p class="faint">There are {step.rewards[prompt].length} answers; their words are not kept.</p>;
  return (
    <>
      <ol class="glass-answers">
        {words.answers.map(({ pieces, probabilities, item }, g) => (
          <li key={g} style={{ '--i': g }}>
            <b>{g + 1}</b>
            <p translate={false}>
              {pieces.map((piece, at) => (
                <span
                  key={at}
                  class="glass-piece"
                  style={{ '--p': probabilities[at] }}
                  title={`P = ${percent(probabilities[at])}`}
                >
                  {piece}
                </span>
              ))}
            </p>
            <small>
              {item === null ? (
                'no item of the catalogue: it earns nothing'
              ) : (
                <>
                  read as <span translate={false}>{item}</span>
                </>
              )}
            </small>
          </li>
        ))}
      </ol>
      <p class="plot-note">
        The stronger the colour, the likelier the model thought that piece
        {surest(words.answers.flatMap(({ probabilities }) => probabilities))}.
      </p>
    </>
  );
}

function surest(all: readonly number[]): string {
  return all.length === 0 ? '' : `: from ${percent(Math.min(...all))} to ${percent(Math.max(...all))}`;
}

const SIZE = 300;
const LEFT = 44;
const RIGHT = 14;
const TOP = 14;
const BOTTOM = 40;

export function RewardPlane({ looked }: Props) {
  const { names, step, prompt } = looked;
  const axes = rewardAxes(names);
  const rewards = step.rewards[prompt];
  return (
    <div class="glass-two">
      {axes !== null && <Dots axes={axes} looked={looked} />}
      <Table heads={['', ...names.map((name) => rewardLook(name).label)]}>
        {rewards.map((answer, g) => (
          <tr key={g}>
            <th scope="row">{g + 1}</th>
            {answer.map((reward, k) => (
              <td key={names[k]}>{exact(reward)}</td>
            ))}
          </tr>
        ))}
      </Table>
      <ul class="plot-note glass-judges">
        {names.map((name) => (
          <li key={name}>{rewardWords(name).question}</li>
        ))}
      </ul>
    </div>
  );
}

/** Answers at the same place are one dot with all their numbers. */
function Dots({ axes, looked: { names, step, prompt } }: { axes: [RewardName, RewardName] } & Props) {
  const [i, j] = axes.map((name) => names.indexOf(name));
  const rewards = step.rewards[prompt];
  const places = new Map<string, { x: number; y: number; answers: number[] }>();
  rewards.forEach((answer, g) => {
    const key = `${answer[i].toFixed(3)} ${answer[j].toFixed(3)}`;
    const place = places.get(key) ?? { x: answer[i], y: answer[j], answers: [] };
    place.answers.push(g + 1);
    places.set(key, place);
  });
  const [x0, x1] = around(rewards.map((answer) => answer[i]));
  const [y0, y1] = around(rewards.map((answer) => answer[j]));
  const px = (x: number) => LEFT + ((x - x0) / (x1 - x0)) * (SIZE - LEFT - RIGHT);
  const py = (y: number) => SIZE - BOTTOM - ((y - y0) / (y1 - y0)) * (SIZE - TOP - BOTTOM);
  const looks = axes.map(rewardLook);
  const where = [...places.values()]
    .map(({ x, y, answers }) => `answer ${answers.join(', ')}: ${short(x)}, ${short(y)}`)
    .join('; ');
  return (
    <svg
      class="tradeoff-plot glass-plane"
      viewBox={`0 0 ${SIZE} ${SIZE}`}
      role="img"
      aria-label={`${looks[0].label} against ${looks[1].label} reward: ${where}`}
    >
      <rect x={LEFT} y={TOP} width={SIZE - LEFT - RIGHT} height={SIZE - TOP - BOTTOM} class="plot-frame" />
      {ticks(x0, x1).map(({ at: x, label }) => (
        <text key={x} x={px(x)} y={SIZE - BOTTOM + 14} text-anchor="middle" class="plot-tick">
          {label}
        </text>
      ))}
      {ticks(y0, y1).map(({ at: y, label }) => (
        <text key={y} x={LEFT - 6} y={py(y) + 3.5} text-anchor="end" class="plot-tick">
          {label}
        </text>
      ))}
      <text x={SIZE - RIGHT} y={SIZE - 6} text-anchor="end" class={`plot-label ${looks[0].color}-fill`}>
        {looks[0].label} reward →
      </text>
      <text x={LEFT + 6} y={TOP + 16} class={`plot-label ${looks[1].color}-fill`}>
        ↑ {looks[1].label} reward
      </text>
      {[...places.values()].map(({ x, y, answers }, index) => (
        <g key={answers[0]} class="glass-dot" style={{ '--i': index }}>
          <circle cx={px(x)} cy={py(y)} r={9} />
          <text x={px(x)} y={py(y) + 3.5} text-anchor="middle">
            {answers[0]}
          </text>
          {answers.length > 1 && (
            <text
              x={px(x) > SIZE * 0.7 ? px(x) - 12 : px(x) + 12}
              y={py(y) + 3.5}
              text-anchor={px(x) > SIZE * 0.7 ? 'end' : 'start'}
              class="glass-others"
            >
              and {answers.slice(1).join(', ')}
            </text>
          )}
        </g>
      ))}
    </svg>
  );
}

function around(values: readonly number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const slack = Math.max((high - low) * 0.14, 0.02);
  return [low - slack, high + slack];
}

export function Spread({ looked: { group, names, isProduct } }: Props) {
  const { each, rewards, scaling } = group;
  const together = each === null ? (isProduct ? 'Multiplied' : 'Added') : 'Added';
  const stds = (each ?? rewards).map(({ std }) => std);
  return (
    <Table heads={['', 'Mean', 'Spread']}>
      {names.map((name, k) => (
        <tr key={name}>
          <th scope="row">{rewardLook(name).label}</th>
          <td>{exact((each ?? rewards)[k].mean)}</td>
          <td>{stds[k] === null ? '–' : exact(stds[k] ?? 0)}</td>
        </tr>
      ))}
      {scaling !== null && (
        <tr class="glass-sum">
          <th scope="row">
            {together} under their weights
            {scaling.of === 'batch' && (each === null ? ', spread of all groups' : ', all groups')}
          </th>
          <td>{exact(scaling.mean)}</td>
          <td>{scaling.std === null ? 'not used' : exact(scaling.std)}</td>
        </tr>
      )}
    </Table>
  );
}

export function Advantages({ looked }: Props) {
  const { group, step, prompt, isProduct } = looked;
  const rewards = step.rewards[prompt];
  const advantages = step.advantages[prompt];
  const largest = Math.max(...advantages.map(Math.abs), 1e-9);
  const weights = step.weightsAfter;
  return (
    <>
      <ol class="glass-advantages">
        {advantages.map((advantage, g) => {
          const lines = advantageLines(group, { at: g, rewards: rewards[g], weights, isProduct });
          return (
            <li key={g} style={{ '--i': g }}>
              <b>{g + 1}</b>
              <span class="glass-formula">
                {lines.map((line, at) => (
                  <span key={at}>{line}</span>
                ))}
              </span>
              <span
                class={`glass-bar ${advantage < 0 ? 'down' : 'up'}`}
                style={{ '--length': Math.abs(advantage) / largest }}
                aria-hidden="true"
              />
              <output data-advantage={g}>{signed(advantage)}</output>
            </li>
          );
        })}
      </ol>
      {group.advantages.some((value, g) => Math.abs(value - advantages[g]) > 0.005) && (
        <p class="plot-note">
          This run was made by another version of the app: its advantages are not quite those of these
          formulas.
        </p>
      )}
    </>
  );
}

export function Weights({ looked: { step, names, weights, options } }: Props) {
  const { view } = useSession();
  const { weightsBefore, weightsAfter, gradNorms, influence } = step;
  const rows: [string, readonly (number | null)[] | null][] = [
    ['Weight before', weightsBefore],
    ['Gradient norm', gradNorms],
    ['Influence I', influence],
    [`exp(${short(options.etaOverMu)} · (I − largest I))`, weights.factors],
    ['Before × exp', weights.products],
    ...weights.rows.map(({ label, values }): [string, typeof values] => [label, values]),
    [weights.factors === null ? 'By the rule' : 'With sum 1', weights.weighed],
    ['Weight now', weightsAfter],
  ];
  const move = Math.max(...weightsAfter.map((weight, k) => Math.abs(weight - weightsBefore[k])));
  return (
    <>
      <Table heads={['', ...names.map((name) => rewardLook(name).label)]}>
        {rows.map(
          ([label, values]) =>
            values !== null && (
              <tr key={label} class={label === 'Weight now' ? 'glass-sum' : undefined}>
                <th scope="row">{label}</th>
                {values.map((value, k) => (
                  <td key={names[k]} data-weight={label === 'Weight now' ? k : undefined}>
                    {value === null ? '–' : weightText(value)}
                  </td>
                ))}
              </tr>
            ),
        )}
      </Table>
      <ul class="glass-moves">
        {names.map((name, k) => {
          const { label, color } = rewardLook(name);
          const change = weightsAfter[k] - weightsBefore[k];
          return (
            <li key={name} class={color}>
              <span>{label}</span>
              <span class="glass-move" aria-hidden="true">
                <i
                  class={change < 0 ? 'down' : 'up'}
                  style={{ '--length': move > 0 ? Math.abs(change) / move : 0 }}
                />
              </span>
              <span>{change === 0 ? 'stays' : `${change < 0 ? '−' : '+'}${short(Math.abs(change))}`}</span>
              <Sparkline values={view.popo.column(`w_${name}`)} />
            </li>
          );
        })}
      </ul>
      <p class="plot-note">
        {move > 0 && `The bars are drawn large: a full one is a move of ${short(move)}. `}The line is the
        weight at every step so far, from its lowest to its highest value.
      </p>
    </>
  );
}

/** Small and large numbers too: influences differ by powers of ten. */
function weightText(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 0.001 || size >= 1000) ? short(value) : exact(value);
}

function Table({ heads, children }: { heads: readonly string[]; children: ComponentChildren }) {
  return (
    <table class="glass-table">
      <thead>
        <tr>
          {heads.map((head, at) =>
            at === 0 ? (
              <td key="corner" />
            ) : (
              <th key={head} scope="col">
                {head}
              </th>
            ),
          )}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}
