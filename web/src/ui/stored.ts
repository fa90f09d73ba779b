/** Small choices that stay in this browser. Without storage they last as long as the page. */
import { useSyncExternalStore } from 'react';

const held = new Map<string, string>();
const watchers = new Set<() => void>();

function read(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return held.get(name) ?? null;
  }
}

function write(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    if (value === null) held.delete(name);
    else held.set(name, value);
  }
  for (const watcher of watchers) watcher();
}

/** A stored choice and the way to change it; null takes it back. */
export function useStored(name: string): readonly [string | null, (value: string | null) => void] {
  const value = useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      addEventListener('storage', watcher);
      return () => {
        watchers.delete(watcher);
        removeEventListener('storage', watcher);
      };
    },
    () => read(name),
  );
  return [value, (next) => write(name, next)];
}

/** A stored choice, read once. */
export const stored = read;
