/** The agent as `install.sh` puts it on a server: versions beside each other, and a link to the present one. */
import { fault } from '@countersign/protocol';
import { readLink } from '../../host/links.ts';
import { OWN_FOLDER, versionOfFile } from '../../host/own-version.ts';
import { unitProperties } from '../../host/unit.ts';
import type { ObserveContext } from '../capability.ts';

const SETTINGS = '/etc/countersign/agent.yaml';
const LINK_UNIT = 'countersign-link.service';
const STATUS_MS = 10_000;

/** The version that the link `current` leads to; `null` where the agent was not installed by its script. */
export function installedVersion(): string | null {
  return versionOfFile(`${OWN_FOLDER}/${readLink(`${OWN_FOLDER}/current`) ?? ''}/`);
}

/** The version that this very process runs. */
export function ownVersion({ self }: Pick<ObserveContext, 'self'>): string | null {
  return versionOfFile(self[0] ?? '');
}

/** The version that the link runs; `null` when it does not run. Source: proc_pid_exe(5). */
export async function linkVersion(context: ObserveContext): Promise<string | null> {
  const { MainPID: pid } = await unitProperties(context.exec, LINK_UNIT, ['MainPID']);
  return pid === undefined || pid === '0' ? null : versionOfFile(readLink(`/proc/${pid}/exe`) ?? '');
}

/** Whether the link has proved itself to its control plane and hears from it. */
export async function linkConnected(context: ObserveContext): Promise<boolean> {
  const argv = [...context.self, 'status', '--config', SETTINGS];
  return (await context.exec({ argv, timeoutMs: STATUS_MS, signal: context.signal })).exitCode === 0;
}

/** Whether the agent of this process passes its own examination. Its words are for the log of the action. */
export function examine(context: ObserveContext) {
  const argv = [...context.self, 'doctor', '--config', SETTINGS];
  return context.exec({ argv, timeoutMs: 30_000, hostNetwork: true, signal: context.signal });
}

/** argv of the install script of a version, so that what goes back never depends on what is tried. */
export function scriptOf(version: string, ...words: readonly string[]): string[] {
  return [`${OWN_FOLDER}/versions/${version}/install.sh`, ...words];
}

/** The installed version. Throws `precondition_failed` where there is none, or where another one runs than is installed. */
export function requireInstalled(context: ObserveContext): string {
  const installed = installedVersion();
  if (installed === null) throw refuse('the agent was not installed by its script, so it cannot be changed from here');
  const own = ownVersion(context);
  if (own !== installed)
    throw refuse(
      `the runner still runs ${own ?? 'from another place'}, and ${installed} is installed: try again in a minute`,
    );
  return installed;
}

export const refuse = (reason: string) => fault('precondition_failed', { reason });
