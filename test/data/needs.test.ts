import { beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset';
import { categoriesTell, needsOf } from '../../src/data/needs';
import { generateCots } from '../../src/sft/rupr';
import { AttributesTeacher } from '../../src/sft/teacher';
import { smallWorld, withOtherTargets } from '../sft/world';

let world: Dataset;
/** The same purchases in a shop that has no categories. */
let bare: Dataset;
beforeAll(async () => {
  world = await smallWorld();
  bare = withCategories(() => 'unknown');
});

function withCategories(name: (item: Dataset['items'][number], index: number) => string): Dataset {
  const items = world.items.map((item, index) => {
    const category = name(item, index);
    return { ...item, categories: [category, category, category] as const };
  });
  return { ...world, items };
}

/** What kind of thing a generated title names: its last word. */
const kind = ({ title }: Dataset['items'][number]) => title.toLowerCase().split(' ').at(-1);

describe('needs', () => {
  it('are the narrowest categories, in at most two words, where these tell items apart', () => {
    const named = withCategories(({ categories }) => `${categories[2]} of all sorts`);
    for (const dataset of [world, named]) {
      needsOf(dataset).forEach(({ key, label }, item) => {
        const { categories } = dataset.items[item];
        expect(key).toBe(categories.join('\u0000'));
        expect(label).toBe(categories[2].split(' ').slice(0, 2).join(' '));
      });
    }
  });

  it('are what is bought together, by a word of the title, where no category tells', () => {
    expect(categoriesTell(bare.items)).toBe(false);
    const right = needsOf(bare).filter(({ label }, item) => label === kind(bare.items[item]));
    expect(right.length / bare.items.length).toBeGreaterThan(0.9);
    // One category for more than half of the items is as good as none.
    const lopsided = withCategories((_, item) => (item % 3 === 0 ? `c${item}` : 'other'));
    expect(needsOf(lopsided).map(({ label }) => label)).toEqual(needsOf(bare).map(({ label }) => label));
  });

  it('see nothing of held-out behaviours', () => {
    const changed = withOtherTargets(withOtherTargets(bare, 'test'), 'validation');
    expect(changed.users).not.toEqual(bare.users);
    expect(needsOf(changed)).toEqual(needsOf(bare));
    // Where nobody is trained on, purchases say nothing, however many there are.
    const untrained = { ...bare, splits: { ...bare.splits, train: [] } };
    expect(needsOf(untrained)).toEqual(
      needsOf({ ...bare, users: [], splits: { train: [], validation: [], test: [] } }),
    );
    expect(needsOf(untrained)).not.toEqual(needsOf(bare));
  });

  it('are the category all the same for a title without a word that others share, or without any', () => {
    const items = bare.items.map((item, index) => ({ ...item, title: index % 2 ? `x${index}` : '12' }));
    for (const { label } of needsOf({ ...bare, items })) expect(label).toBe('unknown');
    expect(needsOf({ ...bare, items: bare.items.slice(0, 1), users: [] })[0].label).toBe('unknown');
  });

  it('let the teacher argue in a shop without categories', async () => {
    const teacher = new AttributesTeacher(bare, { told: true, temperature: 1, historyLength: 3 }, 1);
    const cots = await generateCots(teacher, bare.splits.train.slice(0, 300), 3, { gate: async () => 'go' });
    const labels = new Set(needsOf(bare).map(({ label }) => label));
    expect(labels.size).toBeGreaterThan(20);
    for (const { text, evidence } of cots) {
      const [, saw, need] = /^saw (\S+) as \S+ need (\S+)$/.exec(text)!;
      expect(saw).toBe(needsOf(bare)[evidence!].label);
      expect(labels).toContain(need);
    }
    const right = cots.filter(({ truth }) => truth?.conclusion).length / cots.length;
    expect(right).toBeGreaterThan(0.4);
    expect(right).toBeLessThan(0.8);
  });
});
