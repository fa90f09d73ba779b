/** The pause of all changes: who made it, and its end. */

import { pauseNow } from '../actions/pause.store.ts';
import { type PauseDeps, pauseDispatch, pauseView } from '../actions/pause.ts';
import { resumeDispatch } from '../actions/resume.ts';
import type { Prove } from '../ports.ts';
import type { Handlers } from './handler.ts';

export type PauseOperationsDeps = PauseDeps & { readonly prove: Prove };

export function pauseOperations(
  deps: PauseOperationsDeps,
): Pick<Handlers, 'getPause' | 'pauseDispatch' | 'resumeDispatch'> {
  return {
    getPause: async () => {
      const pause = await pauseNow(deps.db);
      return { pause: pause && pauseView(pause) };
    },
    pauseDispatch: async (caller, { reason, stop_running }) => {
      const { pause, stopping } = await pauseDispatch(deps, caller, { reason, stopRunning: stop_running });
      return { pause: pauseView(pause), stopping };
    },
    resumeDispatch: async (caller, { proof }) => {
      await resumeDispatch(deps, caller, proof);
      return { done: true };
    },
  };
}
