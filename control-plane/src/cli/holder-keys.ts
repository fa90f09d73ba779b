/** The keys that a person names to a lock: `NAME=KEY`, with KEY as text, as a file, or as a passkey of their own. */
import type { LockKey, RelyingParty } from '@countersign/protocol';
import type { Call } from '@countersign/protocol/operator-api/index';
import { publicKeyIn } from './approver-keys/key-file.ts';
import { readKeyText } from './approver-keys/key-text.ts';
import { type CliContext, fileNamed } from './connection.ts';
import { UsageError } from './exit-codes.ts';

export const HOLDER_HELP = 'whose key it is, and the key: ed25519:…, a key file, ssh-ed25519 …, or passkey:ID of yours';

/** Reads `NAME=KEY`. Own passkeys are looked up at the control plane: look at what it says before you pin it. */
export async function holderKey(context: CliContext, call: Call, text: string): Promise<LockKey> {
  const at = text.indexOf('=');
  const [holder, named] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  if (at < 1 || holder === '' || named === '')
    throw new UsageError(`"${text}" names no holder and key.`, 'Write --holder NAME=KEY: Ada=ed25519:… or Ada=ada.key');
  return { holder, key: await keyNamed(context, call, named) };
}

async function keyNamed(context: CliContext, call: Call, named: string): Promise<string> {
  const key = readKeyText(named);
  if (key !== null) return key;
  const [, passkey] = /^passkey:(.+)$/.exec(named) ?? [];
  if (passkey === undefined) return publicKeyIn(fileNamed(context, named));
  const { passkeys } = await call('listPasskeys', {});
  const found = passkeys.find((it) => it.id === passkey || it.name === passkey);
  if (found === undefined) throw new UsageError(`You have no passkey ${passkey}.`, 'List yours: countersign passkeys');
  return found.key;
}

/** The site that passkeys belong to, as this control plane is reached. Throws {@link UsageError} where there is none. */
export async function presentParty(call: Call): Promise<RelyingParty> {
  const { party, impossible_because: why } = await call('listPasskeys', {});
  if (party === null)
    throw new UsageError(`Passkeys do not work here: ${why ?? 'no reason given'}.`, 'Use key files or an ssh-agent.');
  return party;
}

/** Reads `low=1,critical=2` over numbers that are there. */
export function readRequired<T extends Readonly<Record<string, number>>>(text: string, present: T): T {
  const wanted = text.split(',').map((pair): [string, number] => {
    const [, what = '', count = ''] = /^\s*([a-z]+)=(\d{1,2})\s*$/.exec(pair) ?? [];
    if (!Object.hasOwn(present, what))
      throw new UsageError(
        `"${pair}" asks for nothing that a lock knows.`,
        `Write for example critical=2,change=2, with any of ${Object.keys(present).join(', ')}.`,
      );
    return [what, Number(count)];
  });
  const given = { ...present, ...Object.fromEntries(wanted) };
  // Whoever may change the lock may open it, so a change takes as many as the strictest plan unless it is said.
  const said = wanted.some(([what]) => what === 'change');
  return said || !('change' in given) ? given : { ...given, change: Math.max(...Object.values(given)) };
}
