import { describe, expect, it } from 'vitest';
import { targetItem } from '../../../src/data/dataset';
import { needsOf } from '../../../src/data/needs';
import { countsOf, visibleOf } from '../../../src/evaluate/baselines/baseline';
import { LARGEST_SIDE } from '../../../src/evaluate/baselines/ease';
import { OUTCOMES } from '../../../src/evaluate/metrics';
import type { RunConfig } from '../../../src/run/config';
import { baselines } from '../../../src/run/stages/baselines';
import { evaluate } from '../../../src/run/stages/evaluate';
import { popo } from '../../../src/run/stages/popo';
import { type Given, given, toolsOf } from './recorded';

const all = (config: RunConfig) => {
  Object.assign(config.evaluate, {
    baselines: 'all',
    sasrec_steps: 20,
    sasrec_batch_size: 4,
    sasrec_hidden_size: 8,
  });
};

/** What the stage gets once a model that always answers with one item was judged. */
async function inputsOf(here: Given) {
  here.model.says = () => here.format.answer(3);
  const judged = await evaluate.run(
    { ...here.inputs, popo: popo.begin(here.config) },
    (await toolsOf('evaluate', here.config)).tools,
  );
  return { ...here.inputs, sft: { judged: null, samples: [] }, evaluate: judged };
}

type Inputs = Awaited<ReturnType<typeof inputsOf>>;

async function run(here: Given, inputs: Inputs) {
  const steps = baselines.steps(here.config, inputs);
  const recording = await toolsOf('baselines', here.config, { steps });
  const told: number[] = [];
  recording.tools.hooks.onProgress = (done) => void told.push(done);
  const made = await baselines.run(inputs, recording.tools);
  return { ...recording, made, told };
}

describe('recommenders without language', () => {
  it('are judged on the test users that the model is judged on, and compared with it user by user', async () => {
    const here = await given();
    const inputs = await inputsOf(here);
    const { made, events, told } = await run(here, inputs);
    const { draw, dataset } = here.inputs.data;
    const { report } = made;
    expect(events).toEqual([{ type: 'baselines', baselines: report }]);
    const counters = [
      'leaf-bigram',
      'single-evidence',
      'bayes-window',
      'bayes-departments',
      'cause-by-cause',
    ];
    const names = ['popularity', 'item-bigram', ...counters, 'item-graph', 'item-knn', 'ease'];
    expect(report.rows.map(({ stage }) => stage)).toEqual(names);
    expect(report.notes[0]).toBe(
      'Left out, because evaluate.baselines is quick: SASRec, and content neighbours.',
    );
    expect(told).toEqual(names.map((_, at) => at + 1));
    expect(report.model).toBe('popo');

    // Popularity answers everybody alike.
    const counts = countsOf(visibleOf(dataset));
    const best = counts.indexOf(Math.max(...counts));
    const [row] = report.rows;
    expect(row).toMatchObject({
      distinct_top1: 1,
      popularity_share: 1,
      valid_rate: 1,
      users: draw.test.length,
    });
    expect(row.setting).toBeNull();
    const truth = draw.test.map(({ user, position }) => dataset.oracle!.ctcvr(user, position, best));
    const model = draw.test.map(({ user, position }) => dataset.oracle!.ctcvr(user, position, 3));
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(row.CTCVR).toBeCloseTo(mean(truth), 6);
    const lead = report.leads.find(({ over, metric }) => over === 'popularity' && metric === 'CTCVR')!;
    expect(lead.mean).toBeCloseTo(mean(model) - mean(truth), 6);
    expect(lead.users).toBe(draw.test.length);
    expect(report.leads.map(({ over }) => over)).toContain('counting');

    const ranks = draw.test.map((example) => {
      const wanted = targetItem(dataset, example);
      return counts.filter(
        (count, item) => count > counts[wanted] || (count === counts[wanted] && item < wanted),
      ).length;
    });
    expect(row['HR@10']).toBeCloseTo(mean(ranks.map((rank) => Number(rank < 10))), 12);
    for (const judged of made.judged)
      expect(judged.outcomes).toHaveLength(OUTCOMES.length * draw.test.length);
  });

  it('have counters among them, who see what the prompt shows and rank need after need', async () => {
    const here = await given((config) => {
      config.text.history_length = 2;
    });
    const { made } = await run(here, await inputsOf(here));
    const { dataset, draw } = here.inputs.data;
    const needs = needsOf(dataset);
    const bought = (item: number) =>
      dataset.splits.train.filter((example) => targetItem(dataset, example) === item).length;
    const sales = dataset.items.map((_, item) => bought(item));
    const kinds = [...new Set(needs.map(({ key }) => key))];
    const before = ({ user, position }: (typeof draw.test)[number]) =>
      [...dataset.users[user].history.slice(Math.max(0, position - 2), position)].map(
        (item) => needs[item].key,
      );
    const sold = (kind: string, seen?: string) =>
      dataset.splits.train.filter(
        (example) =>
          needs[targetItem(dataset, example)].key === kind &&
          (seen === undefined || before(example).includes(seen)),
      ).length;
    const all = dataset.splits.train.length + kinds.length / 2;
    // What each need seen makes of each need to come: its share, pulled by two purchases to the usual one.
    const shares = new Map(
      [...new Set(needs.map(({ key }) => key))].map((seen) => {
        const when = dataset.splits.train.filter((example) => before(example).includes(seen)).length;
        return [
          seen,
          kinds.map((kind) => (sold(kind, seen) + (2 * (sold(kind) + 0.5)) / all) / (when + 2)),
        ] as const;
      }),
    );
    const places = draw.test.map((example) => {
      const strength = kinds.map((_, kind) =>
        Math.max(0, ...before(example).map((seen) => shares.get(seen)![kind])),
      );
      const place = (item: number) => {
        const kind = kinds.indexOf(needs[item].key);
        return dataset.items.filter((_, other) => {
          const others = kinds.indexOf(needs[other].key);
          const [own, theirs] = [strength[kind], strength[others]];
          if (others !== kind) return theirs > own || (theirs === own && others < kind);
          return sales[other] > sales[item] || (sales[other] === sales[item] && other < item);
        }).length;
      };
      return {
        rank: place(targetItem(dataset, example)),
        first: dataset.items.findIndex((_, item) => place(item) === 0),
      };
    });
    const row = made.report.rows.find(({ stage }) => stage === 'single-evidence')!;
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(made.report.leads.some(({ over }) => over === 'single-evidence')).toBe(true);
    expect(row.setting).toBeNull();
    expect(row['HR@10']).toBeCloseTo(mean(places.map(({ rank }) => Number(rank < 10))), 12);
    expect(row['NDCG@10']).toBeCloseTo(
      mean(places.map(({ rank }) => (rank < 10 ? 1 / Math.log2(rank + 2) : 0))),
      12,
    );
    expect(row.CTCVR).toBeCloseTo(
      mean(
        places.map(({ first }, at) =>
          dataset.oracle!.ctcvr(draw.test[at].user, draw.test[at].position, first),
        ),
      ),
      6,
    );
  });

  it('tell what the model leads by in each slice, over its own test users', async () => {
    const here = await given();
    const { dataset, draw } = here.inputs.data;
    const kind = ({ user }: { user: number }) => user % 3;
    dataset.slices = { names: ['seen', 'composed', 'cold'], of: kind };
    const inputs = await inputsOf(here);
    expect(inputs.evaluate.judged!.slices).toEqual({
      names: ['seen', 'composed', 'cold'],
      of: draw.test.map(kind),
    });
    const { made } = await run(here, inputs);
    const { slices } = made.report;
    const counts = countsOf(visibleOf(dataset));
    const best = counts.indexOf(Math.max(...counts));
    const present = [0, 1, 2].filter((wanted) => draw.test.some((example) => kind(example) === wanted));
    expect(slices!.map(({ name }) => name)).toEqual(present.map((at) => dataset.slices!.names[at]));
    for (const { name, users, leads } of slices!) {
      const mine = draw.test.filter((example) => dataset.slices!.names[kind(example)] === name);
      expect(users).toBe(mine.length);
      const gains = mine.map(
        ({ user, position }) =>
          dataset.oracle!.ctcvr(user, position, 3) - dataset.oracle!.ctcvr(user, position, best),
      );
      const lead = leads.find(({ over, metric }) => over === 'popularity' && metric === 'CTCVR')!;
      expect(lead.mean).toBeCloseTo(gains.reduce((a, b) => a + b, 0) / gains.length, 6);
      expect(lead.users).toBe(mine.length);
      expect(leads.map(({ over }) => over)).toEqual(made.report.leads.map(({ over }) => over));
    }
  });

  it('has SASRec trained where all are asked for, and says what could not be had', async () => {
    const here = await given(all);
    const { made, told } = await run(here, await inputsOf(here));
    const { report } = made;
    expect(report.rows.at(-1)!.stage).toBe('sasrec');
    expect(report.notes[0]).toMatch(/^Content neighbours were left out: The embedded teacher needs nobody/);
    // Its last step; judging it is the last of all.
    expect(told.at(-1)).toBe(baselines.steps(here.config, {} as never) - 1);
  });

  it('asks content neighbours where the sentence encoder was loaded for the reward', async () => {
    const here = await given();
    const inputs = await inputsOf(here);
    const { items } = here.inputs.data.dataset;
    const sentences = Float32Array.from({ length: items.length * 512 }, (_, at) => Number(at % 512 === 0));
    const { made } = await run(here, { ...inputs, encoder: { ...inputs.encoder, sentences } });
    expect(made.report.rows.at(-1)!.stage).toBe('content');
    expect(made.report.notes[0]).toBe('Left out, because evaluate.baselines is quick: SASRec.');
  });

  it('leave EASE out where its matrix is more than a page should hold', async () => {
    const here = await given();
    const inputs = await inputsOf(here);
    const { data } = inputs;
    const { users, items, splits } = data.dataset;
    const more = Array.from({ length: LARGEST_SIDE + 1 }, (_, index) => ({
      user: { id: `more ${index}`, profile: '', history: Int32Array.of(0) },
      item: { ...items[0], id: `more ${index}` },
      example: { sampleId: `more ${index}`, user: users.length + index, position: 0 },
    }));
    const dataset = {
      ...data.dataset,
      items: [...items, ...more.map(({ item }) => item)],
      users: [...users, ...more.map(({ user }) => user)],
      splits: { ...splits, train: [...splits.train, ...more.map(({ example }) => example)] },
    };
    const { made } = await run(here, { ...inputs, data: { ...data, dataset } });
    expect(made.report.rows.map(({ stage }) => stage)).not.toContain('ease');
    expect(made.report.notes[0]).toMatch(
      /^EASE was left out: it inverts a matrix of 40\d\d rows here, .* 4000\.$/,
    );
  });
});
