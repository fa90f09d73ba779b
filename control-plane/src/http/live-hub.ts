/**
 * Tells open dashboards what changed. Keeps the newest events in a ring, so that a page that was cut off for a moment gets
 * what it missed; one that missed more is told to read everything again. An event is put into bytes once, for all who read, and
 * not before somebody does.
 */
import type { Ids } from '@countersign/protocol';
import type { LiveStream } from '../ports.ts';

const KEPT = 1000;

export interface LiveHub extends LiveStream {
  /** Calls `listener` with the frame of each event from now on. Returns how to stop that. */
  subscribe(listener: (frame: Buffer) => void): () => void;
  /** The frames after the event with this id; `unknown` when it is of another run or was dropped from the ring. */
  since(id: string): readonly Buffer[] | 'unknown';
  /** The id of the newest event: which run of the control plane, and which event of it. */
  newest(): string;
}

export function liveHub({ ids }: { ids: Pick<Ids, 'id'> }): LiveHub {
  const run = ids.id('run');
  const ring: (() => Buffer)[] = [];
  const listeners = new Set<(frame: Buffer) => void>();
  let count = 0;
  return {
    publish(event) {
      count += 1;
      const number = count;
      let made: Buffer | undefined;
      const frame = () => {
        made ??= Buffer.from(`id: ${run}.${number}\ndata: ${JSON.stringify(event)}\n\n`);
        return made;
      };
      ring.push(frame);
      if (ring.length > KEPT) ring.shift();
      for (const listener of [...listeners]) listener(frame());
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    since(id) {
      const [ofRun, number] = id.split('.');
      const seen = Number(number);
      if (ofRun !== run || !Number.isInteger(seen) || seen > count || seen < count - ring.length) return 'unknown';
      return ring.slice(ring.length - (count - seen)).map((frame) => frame());
    },
    newest: () => `${run}.${count}`,
  };
}
