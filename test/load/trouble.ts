/** What agents do that do not behave. Each is enrolled and connects properly first; whatever happens to it then, it comes back. */
import { setTimeout as pause } from 'node:timers/promises';
import { FRAME_BYTES_MAX } from '@countersign/protocol/agent-wire/codec';
import { systemIds } from '@countersign/protocol/system-ids';
import type { Trouble } from './fleet-roles.ts';
import type { LoadAgent } from './load-agent.ts';

/** What one that floods leaves unread on its own side, bytes: it is the control plane that is to be tried, not our memory. */
const UNSENT_MAX = 256 * 1024;
const FRAMES_IN_A_ROW = 50;

/** Makes trouble while it is connected, until `signal` says that it is enough. */
export async function makeTrouble(kind: Trouble, agent: LoadAgent, signal: AbortSignal): Promise<void> {
  const { everyMs, once } = ways[kind];
  while (!signal.aborted) {
    if (agent.isConnected) once(agent);
    await pause(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

const ways: Readonly<Record<Trouble, { readonly everyMs: number; readonly once: (agent: LoadAgent) => void }>> = {
  // Nobody notices a closed connection who does not read: so it hangs up by itself at times.
  silent: {
    everyMs: 5000,
    once: ({ agent }) => {
      if (systemIds.random() < 0.2) agent.drop();
      else agent.hold();
    },
  },
  trickling: {
    everyMs: 1000,
    once: ({ agent }) => {
      agent.release();
      setTimeout(() => agent.hold(), 10);
    },
  },
  many_frames: {
    everyMs: 10,
    once: ({ agent }) => {
      for (let n = 0; n < FRAMES_IN_A_ROW && agent.unsent < UNSENT_MAX; n += 1) agent.heartbeat();
    },
  },
  large_frames: {
    everyMs: 500,
    once: ({ agent }) => agent.sendRaw('x'.repeat(FRAME_BYTES_MAX + 1)),
  },
  malformed_frames: {
    everyMs: 500,
    once: ({ agent }) => agent.sendRaw('{"type":"heartbeat","clock":"late"}'),
  },
  foreign_reports: {
    everyMs: 100,
    once: ({ agent }) => {
      if (agent.unacknowledged < FRAMES_IN_A_ROW)
        agent.report({ type: 'started', actionId: systemIds.id('act'), at: Date.now() });
    },
  },
};
