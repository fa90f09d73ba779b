/**
 * Which changes can lock everybody out of a server: what carries logins, the firewall, the network, and the agent itself.
 * Such a plan must carry `confirm`: the server takes it back by itself unless a human confirms that it can still be reached.
 * Pure. The control plane sets `confirm` by it, the runner asks it again and believes nobody.
 */
import { capability } from './capabilities/index.ts';
import type { PlanDraft, PlanStep, Preview } from './plan.ts';

/** Areas that the owner of a server can open in its own policy, under `lockout`. */
export const lockoutAreas = ['ssh', 'firewall', 'network'] as const;
export type LockoutArea = (typeof lockoutAreas)[number];

/** Why a plan could lock everybody out. `agent`: our own way in, which no policy opens. */
export interface Lockout {
  readonly area: LockoutArea | 'agent';
  /** In words, with the unit or file: `it changes /etc/ssh/sshd_config, which decides who can log in`. */
  readonly because: string;
}

interface Area {
  /** What it decides, after `which`. */
  readonly decides: string;
  /** Unit names with their type; `*` stands for any characters. */
  readonly units: readonly string[];
  /** Files, and folders with all that is below them. */
  readonly paths: readonly string[];
}

const AREAS: Readonly<Record<LockoutArea | 'agent', Area>> = {
  agent: {
    decides: 'is how Countersign itself reaches the server',
    units: ['countersign-*'],
    paths: ['/etc/countersign', '/opt/countersign', '/var/lib/countersign'],
  },
  ssh: {
    decides: 'decides who can log in',
    units: ['ssh.*', 'sshd.*', 'ssh@*', 'sshd@*', 'dropbear.*'],
    paths: ['/etc/ssh', '/etc/hosts.allow', '/etc/hosts.deny', '/etc/pam.d', '/etc/security', '/etc/default/ssh'],
  },
  firewall: {
    decides: 'decides which connections come through',
    units: ['nftables.*', 'iptables.*', 'ip6tables.*', 'netfilter-persistent.*', 'ufw.*', 'firewalld.*'],
    paths: [
      '/etc/nftables.conf',
      '/etc/nftables.d',
      '/etc/nftables',
      '/etc/iptables',
      '/etc/ufw',
      '/etc/default/ufw',
      '/etc/firewalld',
    ],
  },
  network: {
    decides: 'decides how the server is connected',
    units: [
      'networking.*',
      'dhcpcd.*',
      'netplan-*',
      'cloudflared.*',
      'zerotier-one.*',
      'systemd-networkd.*',
      'NetworkManager.*',
      'NetworkManager-*',
      'ifup@*',
      'wg-quick@*',
      'wpa_supplicant.*',
      'tailscaled.*',
      'openvpn*',
    ],
    paths: ['/etc/network', '/etc/netplan', '/etc/systemd/network', '/etc/NetworkManager', '/etc/wireguard'],
  },
};

const ORDER = ['agent', ...lockoutAreas] as const;

/** Where a new login is looked up, in whoever's home it lies. */
const LOGIN_KEYS = /\/\.ssh\/authorized_keys2?$/;

/** Files of everybody's login that no area opens for writing. Sources: passwd(5), group(5), nologin(5), shells(5), nsswitch.conf(5). */
const LOGIN_FILES = /^\/etc\/(passwd|group|nologin|shells|nsswitch\.conf|login\.defs)$/;

/** Folders of systemd that units, their drop-ins and their links lie in. Source: systemd.unit(5). */
const UNIT_FOLDER =
  /^\/(?:etc|run|lib|usr\/lib|usr\/local\/lib)\/systemd\/(?:system|system\.control|system\.attached)\/(.+)$/;

/** Also a bare type, which stands for all units of it. */
const UNIT_NAME = /(^|\.)(service|socket|timer|target|mount|path|slice|scope|swap|automount|device)$/;

/** How long a human has to confirm unless told otherwise, milliseconds. */
export const CONFIRM_WITHIN_MS = 300_000;

/** What touching a unit can lock up, or `null`. The name has its type. */
export function lockoutOfUnit(unit: string): Lockout | null {
  const area = ORDER.find((each) => AREAS[each].units.some((pattern) => matches(pattern, unit)));
  return area === undefined ? null : { area, because: `it touches ${unit}, which ${AREAS[area].decides}` };
}

/** What changing a file can lock up, or `null`. Absolute and normalised. */
export function lockoutOfPath(path: string): Lockout | null {
  const area = ORDER.find((each) => AREAS[each].paths.some((root) => path === root || path.startsWith(`${root}/`)));
  if (area !== undefined) return { area, because: `it changes ${path}, which ${AREAS[area].decides}` };
  if (LOGIN_KEYS.test(path) || LOGIN_FILES.test(path))
    return { area: 'ssh', because: `it changes ${path}, which ${AREAS.ssh.decides}` };
  return lockoutOfUnitFile(path);
}

/** What changing the file, a drop-in or a link of a unit can lock up: as much as touching the unit. */
function lockoutOfUnitFile(path: string): Lockout | null {
  const parts = UNIT_FOLDER.exec(path)?.[1]?.split('/') ?? [];
  const units = parts.map((part) => part.replace(/\.(d|wants|requires)$/, '')).filter((name) => UNIT_NAME.test(name));
  // A drop-in for all services, such as service.d/a.conf, is one for the agent as well.
  const found = units.map((name) => lockoutOfUnit(name.includes('.') ? name : `countersign-any.${name}`));
  const area = found.find((each) => each !== null)?.area;
  return area === undefined ? null : { area, because: `it changes ${path}, which ${AREAS[area].decides}` };
}

/**
 * What one step can lock up, or `null`: by its parameters as the server will understand them (`ssh` is `ssh.service`). A
 * command cannot be looked through: what it does is for its approver to see.
 */
export function lockoutOfStep(step: Pick<PlanStep, 'capability' | 'parameters'>): Lockout | null {
  if (step.capability === 'firewall.apply')
    return {
      area: 'firewall',
      because: 'it replaces the rules of the firewall, which decide which connections come through',
    };
  if (step.capability === 'ssh.harden')
    return { area: 'ssh', because: 'it changes the settings of sshd, which decide who can log in' };
  const parsed = capability(step.capability).parameters.safeParse(step.parameters);
  const { unit, path } = (parsed.data ?? step.parameters) as Record<string, unknown>;
  if (typeof unit === 'string') return lockoutOfUnit(unit);
  return typeof path === 'string' ? lockoutOfPath(path) : null;
}

/** What a plan's steps can lock up, each area once, by what they name. */
export function lockoutsOf(plan: Pick<PlanDraft, 'steps' | 'undo'>): Lockout[] {
  return eachOnce([...plan.steps, ...plan.undo].map(lockoutOfStep));
}

/**
 * The same by what the server found at preview, behind links and alias names: `file /etc/ssh/sshd_config`,
 * `unit ssh.service` among the subjects of its facts.
 */
export function lockoutsFound({ witness }: Pick<Preview, 'witness'>): Lockout[] {
  return eachOnce(
    witness.map(({ subject }) => {
      const at = subject.indexOf(' ');
      const [kind, name] = [subject.slice(0, at), subject.slice(at + 1)];
      if (kind === 'unit') return lockoutOfUnit(name);
      return kind === 'file' ? lockoutOfPath(name) : null;
    }),
  );
}

/** The `confirm` of a plan with these steps: set when they could lock everybody out. */
export function confirmFor(plan: Pick<PlanDraft, 'steps' | 'undo'>): PlanDraft['confirm'] {
  const [first] = lockoutsOf(plan);
  return first === undefined ? null : { within_ms: CONFIRM_WITHIN_MS, because: first.because.slice(0, 300) };
}

/** The folders and files that an opened area makes writable. */
export function pathsOfArea(area: LockoutArea): readonly string[] {
  return AREAS[area].paths;
}

function eachOnce(found: readonly (Lockout | null)[]): Lockout[] {
  const areas = new Map<string, Lockout>();
  for (const lockout of found) if (lockout !== null && !areas.has(lockout.area)) areas.set(lockout.area, lockout);
  return [...areas.values()];
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
