/** The code behind `protocol/src/capabilities/ssh.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { parseRange } from '../network/ranges.ts';
import { banOf } from './ban-table.ts';
import { sshBlockIp } from './block-ip.ts';
import { sshAuth } from './ssh-auth.ts';

export const diagnostics = { ssh_auth: sshAuth } satisfies Partial<Observers>;
export const probes = {
  'ssh.block_state': async ({ address }, context) => {
    const range = parseRange(address);
    return { blocked: range !== null && (await banOf(context, range)) !== null };
  },
} satisfies Partial<Observers>;
export const changes = { 'ssh.block_ip': sshBlockIp } satisfies Partial<Changers>;
