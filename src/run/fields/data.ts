/** What is trained on: an embedded world, or a data set of the visitor's. */
import { mappingProblem } from '../../data/mapping';
import { DEVICE_RANGE, MAX_L1 } from '../../data/worldLimits';
import { field } from './field';
import { checkedText, hash, oneOf, whole } from './kinds';

const WORLDS = ['tradeoff', 'hackable', 'compatibility'] as const;

interface Facts {
  data: { source: 'world' | 'import'; world: (typeof WORLDS)[number] };
}

const WORLD = {
  holds: ({ data }: Facts) => data.source === 'world',
  reason: 'Only an embedded world is made to measure.',
};
const COMPATIBILITY = {
  holds: (config: Facts) => WORLD.holds(config) && config.data.world === 'compatibility',
  reason: 'Only the world compatibility has devices.',
};
const DEPARTMENTS = {
  holds: (config: Facts) => WORLD.holds(config) && !COMPATIBILITY.holds(config),
  reason: 'Only the worlds tradeoff and hackable have departments.',
};
const IMPORT = {
  holds: ({ data }: Facts) => data.source === 'import',
  reason: 'Only an imported data set has a hash and columns.',
};

/** What is wrong with a mapping, as the end of a sentence. */
function wrongMapping(text: string): string | null {
  const problem = mappingProblem(text);
  return problem === null ? null : `is not understood: ${problem.replace(/\.$/, '')}`;
}

export const data = {
  source: field(oneOf(['world', 'import']), 'world', {
    help: '`world` is generated. `import` is a data set of the visitor’s, named by its hash.',
  }),
  world: field(oneOf(WORLDS), 'tradeoff', {
    version2: 'compatibility',
    help:
      'Which embedded world. In `tradeoff` meaning and taste conflict in part. In `hackable` popular items pay the ID reward whatever was ' +
      'needed. In `compatibility` a need joins two facts, and treats sell to some whatever they need.',
    appliesWhen: WORLD,
  }),
  num_l1: field(
    whole(1, MAX_L1),
    { tiny: 2, small: 4, base: 8, medium: 8, large: 8 },
    { help: 'Departments of the catalogue. Each has 16 categories of level 3.', appliesWhen: DEPARTMENTS },
  ),
  items_per_l3: field(
    whole(1, 64),
    { tiny: 3, small: 6, base: 8, medium: 16, large: 32 },
    { help: 'Items in each category of level 3.', unit: 'items', appliesWhen: DEPARTMENTS },
  ),
  devices: field(whole(...DEVICE_RANGE), 80, {
    help: 'Devices of the catalogue. For a fifth of them nothing is bought in training.',
    unit: 'devices',
    appliesWhen: COMPATIBILITY,
  }),
  num_users: field(
    whole(8, 200_000),
    { tiny: 1500, small: 6000, base: 10_000, medium: 20_000, large: 40_000 },
    {
      version2: { tiny: 2500, small: 8000, base: 10_000, medium: 20_000, large: 40_000 },
      help: 'Users to train on.',
      unit: 'users',
      appliesWhen: WORLD,
    },
  ),
  num_heldout_users: field(
    whole(1, 50_000),
    { tiny: 200, small: 1000, base: 1000, medium: 1000, large: 1000 },
    {
      version2: 1000,
      help: 'Held-out users, so many for validation and so many for test.',
      unit: 'users',
      appliesWhen: WORLD,
    },
  ),
  sha256: field(hash, '', {
    help: 'SHA-256 of the imported data set.',
    appliesWhen: IMPORT,
  }),
  map: field(checkedText(wrongMapping, 'a mapping such as user=customer_id,time=order_date, or empty'), '', {
    help: 'What was said about the columns of the imported files; empty where everything was guessed.',
    appliesWhen: IMPORT,
  }),
};
