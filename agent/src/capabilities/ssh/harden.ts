/**
 * Puts one setting of sshd into a file of ours that comes before others, so that it counts: sshd takes the first value that it
 * meets. Nothing happens unless an administrator logged in with a key that is still taken. Sources: sshd_config(5), sshd(8).
 */
import { capability, fault, type Json, type ParametersOf } from '@countersign/protocol';
import { z } from 'zod';
import { readTextOrNull } from '../../host/look.ts';
import { withTextFile } from '../../host/text-file.ts';
import { unitProperties } from '../../host/unit.ts';
import type { ChangeContext, Changer, ObserveContext } from '../capability.ts';
import {
  type FileChange,
  fileMemorySchema,
  performChange,
  previewChange,
  readTarget,
  rememberChange,
  undoChange,
} from '../files/write-file.ts';
import { sayDuration } from '../report.ts';
import { recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import { type KeyLogin, readKeyLogins } from './key-logins.ts';
import { readSshdSettings, type SshdSettings, whySshdRefuses } from './sshd-settings.ts';

type Parameters = ParametersOf<'ssh.harden'>;
type Setting = Parameters['setting'];

const CONFIG = '/etc/ssh/sshd_config';
const OPTIONS = { timeoutMs: capability('ssh.harden').timeoutMs };
const UNITS = ['ssh.service', 'sshd.service'];

interface Hardening {
  /** Keywords and values, as they are written. */
  readonly lines: Readonly<Record<string, string>>;
  /** What it means, one sentence. */
  readonly effect: string;
}

/** What each setting writes. Source: sshd_config(5). */
const HARDENINGS: Readonly<Record<Setting, Hardening>> = {
  no_passwords: {
    lines: { PasswordAuthentication: 'no', KbdInteractiveAuthentication: 'no' },
    effect: 'Nobody logs in with a password any more; keys go on.',
  },
  no_empty_passwords: {
    lines: { PermitEmptyPasswords: 'no' },
    effect: 'Nobody logs in with an empty password any more.',
  },
  root_by_key_only: {
    lines: { PermitRootLogin: 'prohibit-password' },
    effect: 'root logs in with a key only.',
  },
  no_root: {
    lines: { PermitRootLogin: 'no' },
    effect: 'root does not log in any more; administrators use sudo.',
  },
  few_tries: {
    lines: { MaxAuthTries: '3', LoginGraceTime: '30' },
    effect: 'A connection has 3 tries and 30 seconds to log in.',
  },
};

/** What sshd calls a value by another name. */
const SAME: Readonly<Record<string, string>> = { 'without-password': 'prohibit-password' };

const memorySchema = z.object({ file: fileMemorySchema, unit: z.string() });

export const sshHarden: Changer<'ssh.harden'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters, context) {
    const { setting } = parameters;
    const unit = await requireUnit(context);
    const login = await requireKeyLogin(setting, context);
    const change = changeOf(parameters, context);
    await requireAccepted(setting, context);
    const file = await previewChange(change, context);
    const ago = sayDuration(context.clock.now() - login.at);
    return {
      preview: {
        argv: [['sshd', '-t'], reloadArgv(unit)],
        diff: file.preview.diff,
        effects: [
          HARDENINGS[setting].effect,
          `${login.user} logged in with a key ${ago} ago, and that key still lets ${login.user} in. Have another way to the server at hand all the same, such as the console of its provider.`,
          'Connections that exist go on. Blocks of `Match` in the configuration can still say otherwise for some.',
          ...file.preview.effects,
        ].slice(0, 20),
        undo: 'The file is put back as it was, and sshd reads its configuration again.',
      },
      witness: [...file.witness, { subject: 'sshd', property: 'an administrator logs in with a key', value: true }],
    };
  },
  async remember(parameters, context) {
    const unit = await requireUnit(context);
    return { file: rememberChange(changeOf(parameters, context), context), unit } as unknown as Json;
  },
  async perform(parameters, memory, context) {
    const { file, unit } = memorySchema.parse(memory);
    await requireKeyLogin(parameters.setting, context);
    await performChange(changeOf(parameters, context), file, context);
    const refused = await whySshdRefuses(context);
    if (refused !== null) return { changed: true, exit_code: 1, summary: `sshd refuses its configuration: ${refused}` };
    return reload(context, unit, `sshd goes by ${file.path}.`);
  },
  async undo(_, memory, context) {
    const { file, unit } = memorySchema.parse(memory);
    const put = undoChange(file, context);
    if (put.exit_code === 1) return put;
    return reload(context, unit, put.summary);
  },
  async recover(_, memory, context) {
    const { unit } = memorySchema.parse(memory);
    const ended = await recoverCalls(context, 1);
    return ended === null ? null : recoveredResult(ended, `${unit} was to read its configuration again.`);
  },
};

/** What sshd says now of the keywords of a setting: whether each has the value that the setting wants. */
export function isHardened(setting: Setting, settings: SshdSettings): boolean {
  return Object.entries(HARDENINGS[setting].lines).every(([keyword, value]) => {
    const said = settings[keyword.toLowerCase()] ?? '';
    return (SAME[said] ?? said) === value;
  });
}

const refuse = (reason: string) => fault('precondition_failed', { reason });
const reloadArgv = (unit: string) => ['systemctl', 'reload', '--', unit];
const linesOf = (setting: Setting) =>
  Object.entries(HARDENINGS[setting].lines)
    .map(([keyword, value]) => `${keyword} ${value}\n`)
    .join('');

async function reload(context: ChangeContext, unit: string, said: string) {
  return resultOfCalls(await runCalls(context, [reloadArgv(unit)], OPTIONS), true, said);
}

function changeOf({ setting }: Parameters, context: ObserveContext): FileChange {
  const asked = `/etc/ssh/sshd_config.d/10-countersign-${setting.replaceAll('_', '-')}.conf`;
  const { path, stat, text } = readTarget(asked, context);
  const after = `# Set by Countersign (ssh.harden, ${setting}). The first value counts, so this file comes early.\n${linesOf(setting)}`;
  return { asked, path, stat, before: text, after, shown: after, validator: 'none' };
}

async function requireUnit(context: ObserveContext): Promise<string> {
  for (const unit of UNITS)
    if ((await unitProperties(context.exec, unit, ['ActiveState'])).ActiveState === 'active') return unit;
  throw refuse('neither ssh.service nor sshd.service runs on the server');
}

/** An administrator who got in with a key, and still would after the change. */
async function requireKeyLogin(setting: Setting, context: ObserveContext): Promise<KeyLogin> {
  const settings = await readSshdSettings(context);
  if (settings === null) throw refuse('sshd does not accept its present configuration');
  const logins = await readKeyLogins(context, settings);
  if (logins === null) throw refuse('the log of sshd cannot be read, so nobody can say who logs in with a key');
  const login = logins.find(({ user }) => setting !== 'no_root' || user !== 'root');
  if (login === undefined)
    throw refuse(
      `no administrator${setting === 'no_root' ? ' but root' : ''} logged in within 30 days with a key that still lets them in`,
    );
  if (settings.pubkeyauthentication !== 'yes') throw refuse('sshd takes no keys (PubkeyAuthentication)');
  return login;
}

/** sshd has to take the setting before all else that it reads, and has to read our folder at all. */
async function requireAccepted(setting: Setting, context: ObserveContext): Promise<void> {
  const config = readTextOrNull(CONFIG) ?? '';
  if (!/^\s*Include\s+.*\/etc\/ssh\/sshd_config\.d\/\*\.conf/im.test(config))
    throw refuse(`${CONFIG} does not include /etc/ssh/sshd_config.d/*.conf`);
  await withTextFile(`${linesOf(setting)}${config}`, async (path) => {
    const reason = await whySshdRefuses(context, path);
    if (reason !== null) throw refuse(`sshd would refuse it: ${reason.replaceAll(path, CONFIG)}`);
  });
}
