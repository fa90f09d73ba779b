/** The code behind `protocol/src/capabilities/ssh.ts`. */
import type { Observers } from '../capability.ts';
import { sshAuth } from './ssh-auth.ts';

export const diagnostics = { ssh_auth: sshAuth } satisfies Partial<Observers>;
export const probes = {};
export const changes = {};
