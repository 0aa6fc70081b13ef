/** The told teacher of a world that knows why people buy: what it says, and how often it is wrong in which place. */
import { describe, expect, it } from 'vitest';
import { generateCompatibility } from '../../src/data/compatibility/world';
import { generateWorld } from '../../src/data/world';
import { ChainTeacher } from '../../src/sft/chains';
import { embeddedTeacher, teacherWords } from '../../src/sft/embedded';
import { AttributesTeacher } from '../../src/sft/teacher';

const world = await generateCompatibility({ seed: 5, devices: 80, numUsers: 700, numHeldoutUsers: 20 });
const { lore } = world;
const CHAIN = /^saw (\w+) takes (\w+) (\w+) (\w+) wants (\w+) need (\w+ \w+)$/;
const TREAT = /^treat for (\w+) need (\w+)$/;

/** What a chain has right of what is true, by place. */
function read(text: string, user: number, position: number) {
  const [device, occasion] = lore!.argument(user, position);
  const match = CHAIN.exec(text);
  if (match === null) return null;
  const [, saw, takes, event, life, wants, need] = match;
  return {
    device: `saw ${saw} takes` === device.words,
    platform: takes === device.says,
    occasion: `${event} ${life} wants` === occasion.words,
    kind: wants === occasion.says,
    need: need === `${device.says} ${occasion.says}`,
    follows: need === `${takes} ${wants}`,
  };
}

const options = { historyLength: 5, temperature: 1 };
const gear = world.splits.train.filter(({ user, position }) => lore!.impulse(user, position) === null);
const treats = world.splits.train.filter(({ user, position }) => lore!.impulse(user, position) !== null);

describe('told chains', () => {
  it('are right half of the time, wrong in one place an eighth each, and an eighth does not follow', () => {
    const teacher = new ChainTeacher(world, options, 5);
    const counts = { right: 0, device: 0, platform: 0, kind: 0, broken: 0 };
    let samples = 0;
    let alone = 0;
    for (const example of gear) {
      const { user, position } = example;
      const rivals = lore!.rivals(user, position, 5).length > 0;
      for (let sample = 0; sample < 4; sample++, samples++) {
        const said = read(teacher.explain(example, sample).text, user, position)!;
        expect(said.occasion).toBe(true);
        alone += Number(!rivals);
        if (!said.follows) {
          expect(said).toMatchObject({ device: true, platform: false, kind: false, need: true });
          counts.broken++;
        } else if (!said.device) {
          expect(rivals).toBe(true);
          expect(said.kind).toBe(true);
          counts.device++;
        } else if (!said.platform) counts.platform++;
        else if (!said.kind) counts.kind++;
        else counts.right++;
      }
    }
    const share = (count: number) => count / samples;
    expect(share(counts.right)).toBeCloseTo(0.5, 1);
    expect(share(counts.kind)).toBeCloseTo(0.125, 1);
    expect(share(counts.broken)).toBeCloseTo(0.125, 1);
    // Where no other device is shown, the platform is misread instead.
    expect(share(counts.device)).toBeCloseTo(0.125 * (1 - alone / samples), 1);
    expect(share(counts.device + counts.platform)).toBeCloseTo(0.25, 1);
    expect(counts.device).toBeGreaterThan(30);
  });

  it('say of an impulse that it was one, six times in ten, else what would have been called for', () => {
    const teacher = new ChainTeacher(world, options, 5);
    let impulses = 0;
    let samples = 0;
    for (const example of treats) {
      for (let sample = 0; sample < 4; sample++, samples++) {
        const { text, evidence, truth } = teacher.explain(example, sample);
        const match = TREAT.exec(text);
        if (match === null) {
          expect(text).toMatch(CHAIN);
          expect(truth).toEqual({ evidence: false, conclusion: false });
          continue;
        }
        impulses++;
        const bought = world.users[example.user].history[example.position];
        expect(match[1]).toBe(world.users[example.user].profile.split(' ')[1]);
        expect(match[2]).toBe(lore!.needs[bought].label);
        expect(evidence).toBeNull();
        expect(truth).toEqual({ evidence: true, conclusion: true });
      }
    }
    expect(impulses / samples).toBeCloseTo(0.6, 1);
  });

  it('cite a behaviour that the prompt shows, and know whether they are true', () => {
    const teacher = new ChainTeacher(world, options, 5);
    for (const example of gear.slice(0, 400)) {
      const { user, position } = example;
      const shown = world.users[user].history.subarray(Math.max(0, position - 5), position);
      for (let sample = 0; sample < 3; sample++) {
        const { text, evidence, truth } = teacher.explain(example, sample);
        const { device, platform, kind, need } = read(text, user, position)!;
        expect(shown).toContain(evidence);
        expect(truth).toEqual({ evidence: device && platform && kind, conclusion: need });
      }
    }
  });

  it('are always right at temperature 0, and the same for the same seed', () => {
    const best = new ChainTeacher(world, { ...options, temperature: 0 }, 5);
    for (const example of gear.slice(0, 100))
      expect(read(best.explain(example, 0).text, example.user, example.position)).toEqual({
        device: true,
        platform: true,
        occasion: true,
        kind: true,
        need: true,
        follows: true,
      });
    for (const example of treats.slice(0, 30)) expect(best.explain(example, 0).text).toMatch(TREAT);
    const say = (seed: number) =>
      gear.slice(0, 30).map((example) => new ChainTeacher(world, options, seed).explain(example, 1).text);
    expect(say(5)).toEqual(say(5));
    expect(say(6)).not.toEqual(say(5));
  });

  it('are of a told teacher and of a data set that knows why; otherwise counts argue', async () => {
    const plain = await generateWorld({
      world: 'tradeoff',
      seed: 1,
      numL1: 1,
      itemsPerL3: 2,
      numUsers: 20,
      numHeldoutUsers: 2,
    });
    const all = { ...options, told: true };
    expect(embeddedTeacher(world, all, 1)).toBeInstanceOf(ChainTeacher);
    expect(embeddedTeacher(world, { ...all, told: false }, 1)).toBeInstanceOf(AttributesTeacher);
    expect(embeddedTeacher(plain, all, 1)).toBeInstanceOf(AttributesTeacher);
    expect(() => new ChainTeacher(plain, options, 1)).toThrow('does not know why people buy');
    expect(teacherWords(plain)).toEqual(['saw', 'as', 'need']);
    for (const word of ['takes', 'wants', 'treat', 'for', 'cobalt', 'charger'])
      expect(teacherWords(world)).toContain(word);
  });
});
