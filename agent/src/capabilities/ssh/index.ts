/** The code behind `protocol/src/capabilities/ssh.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { probeTcp } from '../network/local-probe.ts';
import { parseRange } from '../network/ranges.ts';
import { banOf } from './ban-table.ts';
import { sshBlockIp } from './block-ip.ts';
import { isHardened, sshHarden } from './harden.ts';
import { sshAuth } from './ssh-auth.ts';
import { readSshdSettings } from './sshd-settings.ts';

export const diagnostics = { ssh_auth: sshAuth } satisfies Partial<Observers>;
export const probes = {
  'ssh.block_state': async ({ address }, context) => {
    const range = parseRange(address);
    return { blocked: range !== null && (await banOf(context, range)) !== null };
  },
  'ssh.setting_state': async ({ setting }, context) => {
    const settings = await readSshdSettings(context);
    const inForce = settings !== null && isHardened(setting, settings);
    return { in_force: inForce, greets: (await probeTcp(context, Number(settings?.port ?? 22))).open };
  },
} satisfies Partial<Observers>;
export const changes = { 'ssh.block_ip': sshBlockIp, 'ssh.harden': sshHarden } satisfies Partial<Changers>;
