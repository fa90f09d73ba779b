import type { Suggestion } from '@countersign/protocol';
import type { ObserveContext } from '../capability.ts';
import { readKeyLogins } from './key-logins.ts';
import type { SshdSettings } from './sshd-settings.ts';

/** Offers to do without passwords, where somebody who may mend things logs in with a key. */
export async function hardenSuggestions(context: ObserveContext, settings: SshdSettings): Promise<Suggestion[]> {
  const [login] = (await readKeyLogins(context, settings)) ?? [];
  return login === undefined
    ? []
    : [
        {
          playbook: 'ssh.harden',
          parameters: { setting: 'no_passwords' },
          why: `${login.user} logs in with a key, so passwords are not needed.`,
        },
      ];
}
