/** Writes down whose taps and commands were refused, and why; only so often per account, so that nobody can fill the log. */
import { appendEntry, type Who } from '../../audit/ledger.ts';
import type { Core } from '../../ports.ts';
import { write } from '../../storage/write.ts';
import type { Tapped } from './callback-data.ts';
import type { TelegramAccount } from './claim-link.ts';

export interface RefusalDeps extends Pick<Core, 'db' | 'clock'> {
  /** Whether a refusal of this account may be written down once more. */
  readonly mayNote: (telegramId: string) => boolean;
}

/** A tap on a card. */
export async function noteRefusedTap(
  deps: RefusalDeps,
  { id: telegram_id }: TelegramAccount,
  tapped: Tapped | null,
  message: string,
  who: Who,
): Promise<void> {
  if (!deps.mayNote(telegram_id)) return;
  const verdict = (['approve', 'reject'] as const).find((word) => tapped?.verb.startsWith(word)) ?? null;
  await write(deps.db, (trx) =>
    appendEntry(trx, {
      event: 'approval.refused',
      at: deps.clock.now(),
      who,
      actionId: tapped?.actionId,
      details: { channel: 'telegram', strength: 'tap', verdict, error: 'forbidden', message, telegram_id },
    }),
  );
}

/** A command, or a button that does what a command does. */
export async function noteRefusedCommand(
  deps: RefusalDeps,
  account: TelegramAccount,
  command: string,
  why: string,
  who: Who,
): Promise<void> {
  if (!deps.mayNote(account.id)) return;
  await write(deps.db, (trx) =>
    appendEntry(trx, {
      event: 'telegram.refused',
      at: deps.clock.now(),
      who,
      details: { why, command: `/${command.slice(0, 32)}`, telegram_id: account.id, telegram_name: account.name },
    }),
  );
}
