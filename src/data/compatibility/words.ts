/** Words of the world `compatibility`. Each is one word, so that a small tokenizer holds it whole; nouns of gear are invented. */
import { Random } from '../../numeric/random';

export const PLATFORMS = ['aero', 'cobalt', 'delta', 'ember', 'lunar', 'onyx', 'quartz', 'sierra'] as const;
export const KINDS = ['strap', 'charger', 'case', 'film', 'mount', 'cable', 'sleeve', 'dock'] as const;
export const OCCASIONS = ['exam', 'wedding', 'hike', 'flight', 'festival', 'moving'] as const;
/** [treat] name and Category L2. */
export const TREATS = [
  ['chocolate', 'Sweets'],
  ['toffee', 'Sweets'],
  ['candle', 'Scents'],
  ['perfume', 'Scents'],
  ['puzzle', 'Pastimes'],
  ['magazine', 'Pastimes'],
] as const;
/** [thing] name and Category L2. */
export const EVERYDAY = [
  ['milk', 'Pantry'],
  ['bread', 'Pantry'],
  ['rice', 'Pantry'],
  ['coffee', 'Pantry'],
  ['soap', 'Bathroom'],
  ['towel', 'Bathroom'],
  ['sponge', 'Cleaning'],
  ['bucket', 'Cleaning'],
] as const;
export const SORTS = ['Phones', 'Tablets', 'Watches', 'Cameras'] as const;
export const GEAR_BRANDS = ['Nordal', 'Velmo', 'Tarkin', 'Osira', 'Brenlo', 'Kaldun'] as const;
export const BRANDS_PER_LEAF = 3;

export const DEVICES = (
  'lark kestrel heron wren finch robin raven swift martin plover curlew egret osprey falcon merlin harrier ' +
  'linnet siskin dunlin godwit avocet bittern crane stork ibis gannet fulmar petrel puffin razorbill tern gull ' +
  'skua teal wigeon pochard garganey smew eider scoter shrike jay rook jackdaw magpie starling thrush redwing ' +
  'fieldfare ousel nightjar hoopoe roller bunting pipit wagtail dipper warbler whitethroat chiffchaff goldcrest ' +
  'nuthatch creeper oriole waxwing crossbill twite redpoll serin brambling corncrake coot moorhen grebe diver ' +
  'quail pheasant partridge grouse capercaillie'
).split(' ');

const STARTS = ['ba', 'ke', 'lo', 'mi', 'nu', 'ra', 'so', 'ti'];
const ENDS = ['pon', 'dax', 'fel', 'gim', 'rov', 'zut', 'len', 'mar'];

/** [platforms · kinds] a noun for each platform and kind, dealt out by the seed, so that no part of a noun tells either. */
export function drawNouns(seed: number): string[] {
  const all = STARTS.flatMap((start) => ENDS.map((end) => start + end));
  return new Random(seed, 'compatibility/nouns').shuffle(all);
}

export function capital(word: string): string {
  return word[0].toUpperCase() + word.slice(1);
}
