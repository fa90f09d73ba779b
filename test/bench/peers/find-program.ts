/** Programs that others made, to be measured beside ours: found on this machine, or named as missing. Never installed from here. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

interface PeerProgram {
  /** The Debian package that brings it. */
  readonly package: string;
  /** Arguments with which it prints its version; null where another program has the same one. */
  readonly version: readonly string[] | null;
}

export const peers = {
  ssh: { package: 'openssh-client', version: ['-V'] },
  sshd: { package: 'openssh-server', version: ['-V'] },
  'ssh-keygen': { package: 'openssh-client', version: null },
  ansible: { package: 'ansible-core', version: ['--version'] },
  monit: { package: 'monit', version: ['-V'] },
  puppet: { package: 'puppet-agent', version: ['--version'] },
} as const satisfies Record<string, PeerProgram>;
export type PeerName = keyof typeof peers;

/** Daemons live where an ordinary user's PATH does not look. */
const MORE_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The path of a program, or the package that would bring it. */
export function findPeer(name: PeerName): { readonly path: string } | { readonly missing: string } {
  for (const folder of [...(process.env.PATH ?? '').split(':'), ...MORE_FOLDERS]) {
    const path = join(folder, name);
    if (folder !== '' && isProgram(path)) return { path };
  }
  return { missing: peers[name].package };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
