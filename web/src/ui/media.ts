/** What the window is like, as a value that follows it. */
import { useSyncExternalStore } from 'react';

export function useMedia(media: string): boolean {
  return useSyncExternalStore(
    (watcher) => {
      const list = matchMedia(media);
      list.addEventListener('change', watcher);
      return () => list.removeEventListener('change', watcher);
    },
    () => matchMedia(media).matches,
  );
}
