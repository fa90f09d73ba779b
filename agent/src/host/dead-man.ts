/**
 * A timer of the machine that has the agent take an action back, even when runner and link are dead: a transient timer unit.
 * Source: systemd-run(1), systemd.timer(5).
 */
import { fault } from '@countersign/protocol';
import { CLEAN_ENVIRONMENT } from './clean-environment.ts';
import type { Execute } from './execution.ts';

export interface DeadMan {
  /**
   * Has the action taken back in `ms` whether or not this process lives. A timer that is there already stays. Rejects with
   * `cannot_arm` when the machine refuses.
   */
  arm(actionId: string, ms: number): Promise<void>;
  /** The action is over, or confirmed. Never rejects: a timer that goes off in vain finds nothing to do. */
  disarm(actionId: string): Promise<void>;
}

const ASK_MS = 20_000;
/** A runner that lives takes the action back itself; the timer comes a little later. */
const GRACE_MS = 2000;

/** The name of the timer, and of the service that it starts. */
export function revertUnitOf(actionId: string): string {
  return `countersign-revert-${actionId}`;
}

export interface DeadManOptions {
  readonly exec: Execute;
  /** The argv that takes one action back. */
  readonly argvOf: (actionId: string) => readonly string[];
  /** What it is given in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The action that this very process takes back: it must not end its own service. */
  readonly own: string | null;
}

/** By systemd. */
export function systemdDeadMan({ exec, argvOf, env, own }: DeadManOptions): DeadMan {
  return {
    async arm(actionId, ms) {
      const argv = [
        'systemd-run',
        '--quiet',
        '--no-ask-password',
        '--collect',
        `--unit=${revertUnitOf(actionId)}`,
        `--description=Countersign takes ${actionId} back unless a human confirms it`,
        `--on-active=${Math.ceil((Math.max(0, ms) + GRACE_MS) / 1000)}s`,
        '--timer-property=AccuracySec=1s',
        '--property=Type=exec',
        // The processes of the undo are units of their own and outlive it.
        '--property=KillMode=process',
        ...Object.entries({ ...CLEAN_ENVIRONMENT, ...env }).map(([name, value]) => `--setenv=${name}=${value}`),
        '--',
        ...argvOf(actionId).map((word) => word.replaceAll('$', '$$$$')),
      ];
      const done = await exec({ argv, timeoutMs: ASK_MS });
      if (done.exitCode === 0 || /already (loaded|exists)/i.test(done.stderr)) return;
      const said = done.notStarted ?? done.stderr.trim().split('\n')[0] ?? '';
      throw fault('cannot_arm', { reason: said === '' ? 'systemd-run failed' : said.slice(0, 200) });
    },
    async disarm(actionId) {
      const name = revertUnitOf(actionId);
      const units = actionId === own ? [`${name}.timer`] : [`${name}.timer`, `${name}.service`];
      await exec({ argv: ['systemctl', 'stop', '--no-ask-password', '--', ...units], timeoutMs: ASK_MS });
    },
  };
}

/** Without systemd: the runner's own timer while it lives, and whichever runner comes next. */
export const noDeadMan: DeadMan = { arm: async () => undefined, disarm: async () => undefined };
