/** What nobody may touch by way of Countersign, whatever the policy of the server says. */
export { PROTECTED_NAMESPACES } from '../capabilities/kubernetes/protected-namespaces.ts';

/**
 * Units that nobody may touch by way of Countersign, or it could saw off the branch that it and its owner sit on. So may none
 * that can lock everybody out (`protocol/src/lockout.ts`), unless its area is opened.
 */
export const PROTECTED_UNITS = [
  'systemd-*',
  'dbus*',
  'init.scope',
  '-.*',
  // What ends the machine or everything that runs on it. Source: systemd.special(7).
  ...['reboot', 'soft-reboot', 'poweroff', 'halt', 'kexec', 'shutdown', 'umount', 'final', 'exit', 'ctrl-alt-del'].map(
    (name) => `${name}.target`,
  ),
  ...['rescue', 'emergency', 'runlevel*', 'default', 'multi-user', 'graphical', 'basic', 'sysinit'].map(
    (name) => `${name}.target`,
  ),
  ...['sleep', 'suspend*', 'hibernate', 'hybrid-sleep', 'local-fs', 'network*', 'sockets'].map(
    (name) => `${name}.target`,
  ),
  'rescue.service',
  'emergency.service',
] as const;

/** Paths that are never read or written: what they hold are keys and password hashes, or our own rules. */
export const PROTECTED_PATHS = [
  '/etc/countersign',
  '/etc/shadow',
  '/etc/shadow-',
  '/etc/gshadow',
  '/etc/gshadow-',
  '/etc/sudoers',
  '/etc/sudoers.d',
  '/etc/ssh/ssh_host_rsa_key',
  '/etc/ssh/ssh_host_dsa_key',
  '/etc/ssh/ssh_host_ecdsa_key',
  '/etc/ssh/ssh_host_ed25519_key',
  '/etc/ssl/private',
  '/etc/letsencrypt/archive',
  '/etc/letsencrypt/keys',
  '/etc/letsencrypt/accounts',
  '/opt/countersign',
  '/var/lib/countersign',
] as const;

/** Containers and Compose projects of Countersign itself. The one that the agent runs in is refused by its id besides. */
export const PROTECTED_CONTAINERS = ['countersign*'] as const;
