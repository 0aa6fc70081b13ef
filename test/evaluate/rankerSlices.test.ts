/** Slices of newcomers' requests in the world of devices, by what training has met. */
import { expect, it } from 'vitest';
import { generateCompatibility } from '../../src/data/compatibility/world';

it('tells of a newcomer’s request whether training met its device, and its device for such a need', async () => {
  const world = await generateCompatibility({ seed: 3, devices: 80, numUsers: 1200, numHeldoutUsers: 100 });
  const later = await world.newcomers!(300);
  expect(later.slices!.names).toEqual(['seen', 'composed', 'cold']);
  /** Device and need of a purchase that was no impulse. */
  const caused = ({ users, oracle, lore }: typeof world, user: number, position: number) => {
    const [device] = oracle!.evidence(user, position);
    if (device === undefined) return null;
    const leaf = lore!.needs[users[user].history[position]].key;
    // What is needed is a kind for a platform; two devices of one platform need the same.
    return { device, both: `${device} ${leaf}` };
  };
  const met = world.splits.train.flatMap(({ user, position }) => caused(world, user, position) ?? []);
  const devices = new Set(met.map(({ device }) => device));
  const both = new Set(met.map((each) => each.both));
  const found = { seen: 0, composed: 0, cold: 0 };
  for (const { user, position } of [...later.splits.train, ...later.splits.test]) {
    const slice = later.slices!.names[later.slices!.of({ user, position })] as keyof typeof found;
    const cause = caused(later, user, position);
    if (cause === null) continue;
    found[slice]++;
    expect(devices.has(cause.device), slice).toBe(slice !== 'cold');
    if (slice !== 'seen') expect(both.has(cause.both), slice).toBe(false);
  }
  for (const requests of Object.values(found)) expect(requests).toBeGreaterThan(20);
  // Between purchases nobody is asked.
  expect(later.slices!.of({ user: 0, position: 0 })).toBe(-1);
  // Slices are no part of the data: what it is known by is as it was.
  expect((await world.newcomers!(300)).sha256).toBe(later.sha256);
});
