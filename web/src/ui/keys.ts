/**
 * Keys for the whole page: `j`, `?`, `mod+k`, or two in a row such as `g s`. Nothing happens while somebody types, while a
 * dialog is open, or when the person has turned single keys off (WCAG 2.1.4).
 */
import { type RefObject, useEffect, useRef } from 'react';
import { stored } from './stored.ts';

export type Bindings = Readonly<Record<string, () => void>>;

const PREFIX_MS = 1200;
const stack: { current: Bindings }[] = [];
let prefixAt = 0;

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

function comboOf(event: KeyboardEvent): string | null {
  if (event.altKey || event.isComposing) return null;
  if (event.metaKey || event.ctrlKey) return event.shiftKey ? null : `mod+${event.key.toLowerCase()}`;
  if (prefixAt > 0 && event.timeStamp - prefixAt < PREFIX_MS) return `g ${event.key}`;
  return event.key;
}

function onKeyDown(event: KeyboardEvent) {
  const combo = comboOf(event);
  if (combo === null || event.defaultPrevented) return;
  const modified = combo.startsWith('mod+');
  if (!modified && (typing(event.target) || stored('single-keys') === 'off')) return;
  if (!modified && document.querySelector('[role="dialog"],[role="alertdialog"]')) return;
  prefixAt = combo === 'g' ? event.timeStamp : 0;
  for (const { current } of stack.toReversed()) {
    const then = current[combo];
    if (!then) continue;
    event.preventDefault();
    then();
    return;
  }
}

/** Binds keys while the component is there. What was bound last wins. */
export function useKeys(bindings: Bindings): void {
  const held = useRef(bindings);
  held.current = bindings;
  useEffect(() => {
    if (stack.length === 0) addEventListener('keydown', onKeyDown);
    stack.push(held);
    return () => {
      stack.splice(stack.indexOf(held), 1);
      if (stack.length === 0) removeEventListener('keydown', onKeyDown);
    };
  }, []);
}

/** `j` and `k` move the focus between the rows of a list: the elements with `data-row`. */
export function useListKeys(list: RefObject<HTMLElement | null>): void {
  const move = (by: 1 | -1) => {
    const rows = [...(list.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [])];
    const at = rows.indexOf(document.activeElement as HTMLElement);
    const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))];
    next?.focus();
    next?.scrollIntoView({ block: 'nearest' });
  };
  useKeys({ j: () => move(1), k: () => move(-1) });
}

/** How `mod` is called on this machine. */
export const modKey = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘' : 'Ctrl';
