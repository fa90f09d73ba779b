/**
 * Tells open dashboards what changed. Keeps the newest events in a ring, so that a page that was cut off for a moment gets
 * what it missed; one that missed more is told to read everything again.
 */
import type { Ids, LiveEvent } from '@countersign/protocol';
import type { LiveStream } from '../ports.ts';

const KEPT = 1000;

export interface Numbered {
  /** Which run of the control plane, and which event of it. */
  readonly id: string;
  readonly event: LiveEvent;
}

export interface LiveHub extends LiveStream {
  /** Calls `listener` with each event from now on. Returns how to stop that. */
  subscribe(listener: (numbered: Numbered) => void): () => void;
  /** What came after the event with this id; `unknown` when it is of another run or was dropped from the ring. */
  since(id: string): readonly Numbered[] | 'unknown';
  /** The id of the newest event. */
  newest(): string;
}

export function liveHub({ ids }: { ids: Pick<Ids, 'id'> }): LiveHub {
  const run = ids.id('run');
  const ring: Numbered[] = [];
  const listeners = new Set<(numbered: Numbered) => void>();
  let count = 0;
  return {
    publish(event) {
      count += 1;
      const numbered = { id: `${run}.${count}`, event };
      ring.push(numbered);
      if (ring.length > KEPT) ring.shift();
      for (const listener of [...listeners]) listener(numbered);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    since(id) {
      const [ofRun, number] = id.split('.');
      const seen = Number(number);
      if (ofRun !== run || !Number.isInteger(seen) || seen > count || seen < count - ring.length) return 'unknown';
      return ring.slice(ring.length - (count - seen));
    },
    newest: () => `${run}.${count}`,
  };
}
