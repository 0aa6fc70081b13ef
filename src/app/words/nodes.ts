/**
 * Translates what Preact is about to show: the text of each element, as one sentence with the elements that stand in it, and the
 * attributes that people read or hear. It stops at `translate="no"`, as browsers do, and at code. Preact takes off a fragment that is all
 * that a component returns, so text in one comes in pieces: such a component returns an element.
 */
import { computed, Signal } from '@preact/signals';
import { type ComponentChild, type ComponentChildren, Fragment, options, type VNode } from 'preact';
import { preferredLanguage, speak, translator } from './language';

/** What is used of Preact's inner names; @preact/signals builds on the same. */
interface Inner extends VNode<Record<string, unknown>> {
  /** The node above. */
  __?: Inner | null;
}
interface Hooks {
  /** Before a node is compared with what is shown; nodes above come first. */
  __b?(node: Inner): void;
  /** Before a component renders. */
  __r?(node: Inner): void;
}

const ATTRIBUTES = [
  'title',
  'aria-label',
  'aria-valuetext',
  'aria-description',
  'placeholder',
  'alt',
  'label',
];
const CODE = new Set<unknown>(['code', 'kbd', 'samp', 'pre', 'script', 'style']);
/** The first letter of the private use area stands for the first element of a sentence. */
const ELEMENTS = 0xe000;

const kept = new WeakSet<Inner>();
const texts = new WeakMap<Signal, Signal>();

function isKept({ type, props, __: above }: Inner): boolean {
  const told = typeof type === 'string' ? props.translate : undefined;
  if (told !== undefined) return told === false || told === 'no';
  return CODE.has(type) || (above != null && kept.has(above));
}

const isText = (child: ComponentChild) => typeof child === 'string' || typeof child === 'number';

/** Children with their words in the other language; the elements among them may have changed places. */
function translated(children: unknown, say: (text: string) => string): unknown {
  if (typeof children === 'string') return say(children);
  if (children instanceof Signal) return saidSignal(children, say);
  if (!Array.isArray(children) || !children.some(isText)) return children;
  const others: unknown[] = [];
  let text = '';
  for (const child of children) {
    if (isText(child)) text += child;
    else if (child != null && typeof child !== 'boolean') {
      text += String.fromCharCode(ELEMENTS + others.length);
      others.push(translated(child instanceof Signal ? child : null, say) ?? child);
    }
  }
  const told = say(text);
  if (told === text) return children;
  return told
    .split(/([\ue000-\uf8ff])/)
    .map((part, at) => (at % 2 === 1 ? others[part.charCodeAt(0) - ELEMENTS] : part));
}

/** A signal's text changes without Preact. */
function saidSignal(of: Signal, say: (text: string) => string): Signal {
  let own = texts.get(of);
  if (own === undefined) {
    own = computed(() => (typeof of.value === 'string' ? say(of.value) : of.value));
    texts.set(of, own);
  }
  return own;
}

/**
 * From now on what is shown is in the language that is chosen, and is shown anew when that changes.
 * @param show what shows the page: at once in English, else when the words are there, or cannot be had
 */
export async function inPreferredLanguage(show: () => void): Promise<void> {
  translateNodes();
  const wanted = preferredLanguage();
  if (wanted !== 'en') await speak(wanted).catch(() => {});
  show();
}

function translateNodes(): void {
  const hooks = options as Hooks;
  const { __b: before, __r: render } = hooks;
  hooks.__b = (node) => {
    const say = translator.peek();
    if (say !== null) translateNode(node, say);
    before?.(node);
  };
  hooks.__r = (node) => {
    render?.(node);
    // Signals listen by now, so that the component is told of another language.
    void translator.value;
  };
}

/** Puts the words of one node into another language, where nothing above it says otherwise. Nodes above must have come first. */
export function translateNode(node: Inner, say: (text: string) => string): void {
  if (isKept(node)) {
    kept.add(node);
    return;
  }
  const { type, props, __: above } = node;
  if (type === null || type === undefined) {
    // A component's own text; that of an element was translated with the element.
    const isOwn = typeof above?.type === 'function' && above.type !== Fragment;
    if (isOwn && typeof props === 'string') node.props = say(props) as never;
    return;
  }
  if (typeof type !== 'string' && type !== Fragment) return;
  if (props.children != null) props.children = translated(props.children, say) as ComponentChildren;
  if (type === Fragment) return;
  for (const name of ATTRIBUTES) {
    const value = props[name];
    if (typeof value === 'string') props[name] = say(value);
  }
}
