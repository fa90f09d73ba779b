/** A Telegram account as we keep and show it: the number is who it is, the name is only what it calls itself. */
import { escapeDeceptive, shorten } from '@countersign/protocol';
import type { User } from 'grammy/types';
import type { TelegramAccount } from './claim-link.ts';

const NAME_MAX = 100;

/** The account of an update's sender, its name safe to read. */
export function accountOf(user: User): TelegramAccount {
  const called = [user.first_name, user.last_name].filter(Boolean).join(' ');
  const name = user.username === undefined ? called : `${called} (@${user.username})`;
  return { id: String(user.id), name: shorten(escapeDeceptive(name), NAME_MAX) };
}
