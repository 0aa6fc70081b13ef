/** What a report of another version of the app was made with, as far as this one knows. */
import { REWARDS, type RewardName } from '../../popo/rewards';
import type { RunConfig } from '../../run/config';
import { isPreset, presetVersion } from '../../run/diff';
import { presetConfig } from '../../run/presets';
import type { Report } from '../../run/report';

/** What of a report tells what it was made with. */
export interface ToldSettings {
  config: Report['config'];
  popo: Pick<Report['popo'], 'rewardNames'>;
}

/** The fields that the report has, and the preset's where it has none. */
export function configOfOlderReport({ config: told, popo }: ToldSettings): RunConfig {
  const filled = presetConfig({
    preset: isPreset(told.preset) ? told.preset : 'small',
    version: presetVersion(String(told.version)) ?? 1,
  });
  const fill = (into: object, from: object) => {
    for (const [key, value] of Object.entries(from)) {
      const known: unknown = Reflect.get(into, key);
      if (typeof known === 'object' && known !== null && !Array.isArray(known)) fill(known, Object(value));
      else Reflect.set(into, key, value);
    }
  };
  fill(filled, told);
  filled.popo.rewards = popo.rewardNames.filter((name) => isReward(name));
  return filled;
}

function isReward(name: string): name is RewardName {
  return (REWARDS as readonly string[]).includes(name);
}
