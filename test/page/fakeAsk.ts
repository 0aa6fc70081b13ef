/** A model that says what suits its weights: it thinks nothing, and refuses what the worker would. */
import type { Answer, Askable, AskRequest } from '../../src/worker/askProtocol';

const CATEGORIES: Askable['items'][number]['categories'][] = [
  ['Baby', 'Out', 'Strollers'],
  ['Home', 'Light', 'Lamps'],
  ['Kitchen', 'Tea', 'Kettles'],
];
const ITEMS: Askable['items'] = ['Nordlo', 'Halla', 'Brava', 'Pimo', 'Velmo'].flatMap((brand) =>
  CATEGORIES.map((categories) => {
    const title = `Light ${categories[2].toLowerCase().slice(0, -1)} by ${brand}`;
    return { id: `${brand}-${categories[2]}`, title, categories };
  }),
);

export function fakeAskable(id: string): Askable {
  const ids = ITEMS.map((item) => item.id);
  return {
    items: ITEMS,
    historyLength: 5,
    hasWarmup: true,
    hasSft: true,
    front: id === 'b' ? { rewards: ['semantic', 'id'], weights: [0.25, 0.75] } : null,
    people: [
      { profile: 'young parent, thrifty, likes home', history: ids.slice(0, 3), next: ids[6] },
      { profile: 'student', history: ids.slice(4, 6), next: ids[9] },
    ],
    sameSft: [id === 'a' ? 'b' : 'a'],
  };
}

export function fakeAnswer(request: AskRequest): Answer {
  const { runs, history, weights = 'newest', alternatives = 5, heldOutUsers = 0 } = request;
  if (history.includes(ITEMS[14].id))
    throw new Error('This checkpoint is damaged: its part “parameters” is not what was written.');
  const second = runs[0].at?.[0] ?? runs[1]?.share ?? Number(runs[0].id === 'b');
  const item = ITEMS[weights === 'sft' ? 6 : second > 0.5 ? 9 : 12];
  const words = `<think> ▁saw ▁${item.categories[1].toLowerCase()} ▁need ▁${item.categories[2].toLowerCase()} </think> <answer>`;
  const pieces = [
    ...words.split(' '),
    ...item.title
      .toLowerCase()
      .split(' ')
      .map((word) => `▁${word}`),
    ...item.categories.flatMap((name) => ['<sep>', `▁${name.toLowerCase()}`]),
    '</answer>',
  ];
  return {
    prompt: history.join(' <sep> '),
    dropped: 0,
    text: pieces.join(''),
    think: 'saw',
    title: item.title.toLowerCase(),
    categories: [...item.categories],
    item,
    isValid: true,
    tokens: pieces.map((text, place) => {
      const probability = text.startsWith('▁') ? 0.98 - 0.13 * (place % 7) : 0.99;
      const others = ['▁strollers', '▁lamps', '▁home', '▁baby'].map((other, at) => ({
        text: `${other}${place}`,
        probability: (1 - probability) / 2 ** (at + 1),
      }));
      return { text, probability, alternatives: [{ text, probability }, ...others].slice(0, alternatives) };
    }),
    of: runs.map(({ id }) => ({ id, stage: 'popo', step: 62, isFinished: false })),
    heldOut:
      heldOutUsers === 0
        ? null
        : {
            users: heldOutUsers,
            Category_L3_ACC: 0.25 + second / 8,
            CTCVR: 0.3 - second / 10,
            valid_rate: 1,
          },
    seconds: 0.2,
  };
}
