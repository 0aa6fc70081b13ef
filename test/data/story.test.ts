/** The world card's story, held against the world that a run of the same options trains and tests on. */
import { describe, expect, it } from 'vitest';
import { storyOf } from '../../src/data/compatibility/story';
import { generateCompatibility } from '../../src/data/compatibility/world';

const market = { seed: 7, devices: 40 };
const world = await generateCompatibility({ ...market, numUsers: 20, numHeldoutUsers: 30 });
const shoppers = world.splits.test.map((example, index) => ({
  ...example,
  index,
  story: storyOf(market, 5, index),
}));

describe('the story of a test shopper', () => {
  it('is of the shopper whom the run tests, with what its prompt shows', () => {
    for (const { user, position, story } of shoppers) {
      const { profile, history } = world.users[user];
      expect(profile).toBe(`${story.life} ${story.persona}`);
      const shown = history.slice(Math.max(0, position - 5), position).reverse();
      expect(story.behaviours.map(({ title }) => title)).toEqual(
        [...shown].map((item) => world.items[item].title),
      );
      expect(story.bought).toBe(world.items[history[position]].title);
      expect(story.slice).toBe(world.slices!.names[world.slices!.of({ user, position })]);
    }
  });

  it('names the device and the occasion that called for the purchase, and the two facts that answer it', () => {
    for (const { user, position, story } of shoppers.filter((each) => !each.story.isImpulse)) {
      const evidence = world.oracle!.evidence(user, position).map((item) => world.items[item].title);
      const told = (role: string) => story.behaviours.find((each) => each.role === role)?.title;
      expect([told('device'), told('occasion')]).toEqual(evidence);
      expect(story.facts).toHaveLength(2);
      for (const fact of story.facts) expect(world.facts).toContain(fact);
      expect(story.facts[0]).toBe(`saw ${story.device} takes ${story.platform}`);
      expect(story.facts[1]).toMatch(
        new RegExp(`^need ${story.platform} ${story.kind} : \\w+ ${story.gear}$`),
      );
      expect(story.bought).toMatch(new RegExp(`${story.gear}$`));
    }
  });

  it('tells the best chances of the needed gear and of the favourite treat as the oracle has them', () => {
    for (const { user, position, story } of shoppers) {
      const best = (leaf: string) =>
        Math.max(
          ...world.items.flatMap(({ categories }, item) =>
            categories[2].toLowerCase() === leaf.toLowerCase()
              ? [world.oracle!.ctcvr(user, position, item)]
              : [],
          ),
        );
      expect(story.chances).toEqual({ gear: best(story.gear), treat: best(story.treat) });
    }
  });

  it('has impulses and all slices among a few shoppers, and buys a treat on impulse', () => {
    expect(new Set(shoppers.map(({ story }) => story.slice)).size).toBe(3);
    const treats = shoppers.filter(({ story }) => story.isImpulse);
    expect(treats.length).toBeGreaterThan(1);
    for (const { story } of treats)
      expect(world.items.find(({ title }) => title === story.bought)?.categories[0]).toBe('Treats');
  });
});
