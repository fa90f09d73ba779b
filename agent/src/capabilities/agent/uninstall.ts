/**
 * Takes the agent off the server. A timer of the server does it a little later, so that the result still gets to the control plane;
 * after that nobody reaches this server from there. Source: install.sh --uninstall.
 */
import { unitProperties } from '../../host/unit.ts';
import type { Changer, ObserveContext } from '../capability.ts';
import { recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import { requireInstalled, scriptOf } from './installed.ts';

const REMOVAL = 'countersign-removal';
const AFTER_S = 30;
const CALL_MS = 30_000;

export const agentUninstall: Changer<'agent.uninstall'> = {
  predictable: true,
  async preview(_, context) {
    const installed = requireInstalled(context);
    return {
      preview: {
        argv: [argvOf(installed)],
        diff: null,
        effects: [
          `${AFTER_S} seconds after it, a timer of the server removes Countersign: programs, settings, policy, keys, journal and the user countersign.`,
          'From then on nobody reaches this server by way of Countersign, not even to take this back. To return, somebody logs in and installs it anew.',
          'The journal goes too: what this server could testify of the audit log is gone with it.',
          'In the list the server stays, as offline, until somebody takes it out of care.',
        ],
        undo: null,
      },
      witness: [{ subject: 'agent', property: 'version', value: installed }],
    };
  },
  async perform(_, __, context) {
    const installed = requireInstalled(context);
    const calls = await runCalls(context, [argvOf(installed)], { timeoutMs: CALL_MS });
    return resultOfCalls(calls, true, `the agent is removed in ${AFTER_S} seconds.`);
  },
  async recover(_, __, context) {
    const ended = await recoverCalls(context, 1);
    return ended === null ? null : recoveredResult(ended, 'the agent is about to be removed.');
  },
};

/** Whether a timer of the server is about to remove the agent. */
export async function removalIsSet({ exec }: Pick<ObserveContext, 'exec'>): Promise<boolean> {
  return (await unitProperties(exec, `${REMOVAL}.timer`, ['ActiveState'])).ActiveState === 'active';
}

function argvOf(installed: string): string[] {
  const timer = [`--unit=${REMOVAL}`, `--on-active=${AFTER_S}s`, '--timer-property=AccuracySec=1s'];
  return ['systemd-run', '--quiet', '--collect', ...timer, '--', ...scriptOf(installed, '--uninstall')];
}
