/** Every weighting rule there is. Their order is that of the config's messages and of the page. */
import { conditioned } from './conditioned';
import { constraint } from './constraint';
import { correlation } from './correlation';
import { fixed } from './fixed';
import { gdpo } from './gdpo';
import { mgda } from './mgda';
import { popo } from './popo';
import { popoLight } from './popoLight';
import type { Rule } from './rule';

export const RULES = [fixed, popo, popoLight, gdpo, mgda, correlation, constraint, conditioned] as const;

/** How the K rewards are weighed against each other at each step: a rule's name. */
export type Weighting = (typeof RULES)[number]['name'];

export const WEIGHTINGS: readonly Weighting[] = RULES.map(({ name }) => name);

export function ruleOf(weighting: Weighting): Rule<Weighting> {
  return RULES.find(({ name }) => name === weighting)!;
}
