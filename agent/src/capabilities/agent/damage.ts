/** What differs from what the install script leaves: units, owners, modes, what is enabled and runs, and missing programs. */
import { readTextOrNull, statOrNull } from '../../host/look.ts';
import { OWN_FOLDER } from '../../host/own-version.ts';
import { unitProperties } from '../../host/unit.ts';
import type { ObserveContext } from '../capability.ts';

/** The units of a package. */
export const UNITS = ['countersign-link.service', 'countersign-runner.socket', 'countersign-runner.service'] as const;
/** Of these, what is enabled and runs all the time. */
export const STANDING_UNITS = ['countersign-link.service', 'countersign-runner.socket'] as const;
/** Where the install script puts units. */
export const unitPath = (unit: string) => `/etc/systemd/system/${unit}`;

/** Owner and mode of what is ours. policy.yaml is the owner's. */
export const PLACES: readonly { readonly path: string; readonly owner: string; readonly mode: number }[] = [
  { path: OWN_FOLDER, owner: 'root:root', mode: 0o755 },
  { path: `${OWN_FOLDER}/versions`, owner: 'root:root', mode: 0o755 },
  { path: '/etc/countersign', owner: 'root:root', mode: 0o755 },
  { path: '/etc/countersign/agent.yaml', owner: 'root:countersign', mode: 0o640 },
  { path: '/var/lib/countersign', owner: 'root:root', mode: 0o755 },
  { path: '/var/lib/countersign/link', owner: 'countersign:countersign', mode: 0o700 },
  { path: '/var/lib/countersign/runner', owner: 'root:root', mode: 0o700 },
  ...UNITS.map((unit) => ({ path: unitPath(unit), owner: 'root:root', mode: 0o644 })),
];

/** Without these nothing of it starts, or nothing can be mended. */
const PROGRAMS = ['bin/node', 'bin/countersign-agent', 'install.sh', ...UNITS.map((unit) => `units/${unit}`)];

export interface Damage {
  /** One sentence without its end: `/etc/countersign/agent.yaml has mode 666, not 640`. */
  readonly said: string;
  /** Whether `agent.repair` mends it. What came with the package only comes with a package. */
  readonly mended: boolean;
}

/** All that differs from an installation of this version; empty when nothing does. */
export async function readDamage(installed: string, context: ObserveContext): Promise<Damage[]> {
  const found: Damage[] = [];
  for (const program of PROGRAMS) {
    const path = `${OWN_FOLDER}/versions/${installed}/${program}`;
    if (statOrNull(path) === null) found.push({ said: `${path} is missing`, mended: false });
  }
  for (const unit of UNITS) {
    const [present, packaged] = [unitPath(unit), `${OWN_FOLDER}/versions/${installed}/units/${unit}`].map(
      readTextOrNull,
    );
    if (present === null) found.push({ said: `${unitPath(unit)} is missing`, mended: true });
    else if (present !== packaged && packaged !== null)
      found.push({ said: `${unitPath(unit)} is not as in the package`, mended: true });
  }
  for (const { path, owner, mode } of PLACES) {
    const now = standingOf(path);
    if (now === null) continue;
    if (now.owner !== owner) found.push({ said: `${path} belongs to ${now.owner}, not to ${owner}`, mended: true });
    if (now.mode !== mode)
      found.push({ said: `${path} has mode ${now.mode.toString(8)}, not ${mode.toString(8)}`, mended: true });
  }
  for (const unit of STANDING_UNITS) {
    const { UnitFileState: enabled, ActiveState: active } = await stateOf(unit, context);
    if (enabled !== 'enabled') found.push({ said: `${unit} is ${enabled || 'not enabled'}`, mended: true });
    if (active !== 'active') found.push({ said: `${unit} does not run`, mended: true });
  }
  return found;
}

/** Whether a unit is enabled and runs, in the words of systemd. */
export function stateOf(unit: string, { exec }: Pick<ObserveContext, 'exec'>) {
  return unitProperties(exec, unit, ['UnitFileState', 'ActiveState']);
}

/** Owner (`user:group`) and mode of a path; `null` when it is not there. */
export function standingOf(path: string): { readonly owner: string; readonly mode: number } | null {
  const stat = statOrNull(path);
  if (stat === null) return null;
  const owner = `${nameOf('/etc/passwd', stat.uid)}:${nameOf('/etc/group', stat.gid)}`;
  return { owner, mode: stat.mode & 0o7777 };
}

/** The name of an id in passwd(5) or group(5), or the id where it has none. */
function nameOf(file: string, id: number): string {
  const lines = (readTextOrNull(file) ?? '').split('\n').map((line) => line.split(':'));
  return lines.find(([, , number]) => number === String(id))?.[0] ?? String(id);
}
