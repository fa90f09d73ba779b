/**
 * What only root can read, by the names under which a server's owner opens it for reading in `privileged_reads`. A closed list:
 * nothing here is a key or a password file, those stay closed by `host/secret-files.ts` whatever is opened, and what is read is
 * redacted as all files are. Opening one never lets anybody write there.
 */
export const privilegedReads = {
  /** Who may become whom. Source: sudoers(5). */
  sudoers: ['/etc/sudoers', '/etc/sudoers.d'],
  /** Jobs of users. Sources: crontab(5), at(1). */
  cron: ['/var/spool/cron'],
  /** Whose keys open an account: public keys, no secrets. Source: sshd(8). */
  authorized_keys: ['/root/.ssh/authorized_keys'],
  /** Settings of root's own programs. */
  root_config: ['/root/.config', '/root/.bashrc', '/root/.profile', '/root/.bash_aliases'],
  /** What programs told root by mail. */
  mail: ['/var/mail', '/var/spool/mail'],
  /** How the machine starts. Sources: grub(8), dracut(8). */
  boot: ['/boot/grub', '/boot/loader', '/boot/efi/loader'],
  /** What the kernel audited. Source: auditd(8). */
  audit: ['/var/log/audit'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type PrivilegedRead = keyof typeof privilegedReads;
export const privilegedReadNames = Object.keys(privilegedReads) as [PrivilegedRead, ...PrivilegedRead[]];

/** The folders and files that names open. */
export function pathsOfReads(names: readonly PrivilegedRead[]): string[] {
  return names.flatMap((name) => [...privilegedReads[name]]);
}
