/** Operations on the Telegram bot and on a person's own link to it. */
import { fault, isoTime } from '@countersign/protocol';
import type { AccessCore } from '../access/access.ts';
import { confirmPassword } from '../access/confirm.ts';
import { linkState } from '../approvals/telegram/link-state.ts';
import type { OpenTelegram } from '../approvals/telegram/open-telegram.ts';
import { removeLink } from '../approvals/telegram/remove-link.ts';
import type { Core } from '../ports.ts';
import type { Handlers } from './handler.ts';

type TelegramHandlers = Pick<
  Handlers,
  'getTelegram' | 'startTelegramLink' | 'confirmTelegramLink' | 'removeTelegramLink'
>;

export interface TelegramOperationsDeps extends AccessCore, Pick<Core, 'live'> {
  /** Null when no bot is set up. */
  readonly telegram: Pick<OpenTelegram, 'state' | 'startLink' | 'confirmLink' | 'removeLink'> | null;
}

const done = { done: true } as const;

export function telegramOperations(deps: TelegramOperationsDeps): TelegramHandlers {
  const { telegram } = deps;
  return {
    getTelegram: async (caller) => ({
      bot: telegram?.state() ?? null,
      link: await linkState(deps, caller.person.id),
    }),
    startTelegramLink: async (caller, { password }) => {
      if (!telegram) throw fault('telegram_off');
      await confirmPassword(deps, caller, password);
      const { url, code, expiresAt } = await telegram.startLink(caller);
      return { url, code, expires_at: isoTime(expiresAt) };
    },
    confirmTelegramLink: async (caller, { telegram_id }) => {
      if (!telegram) throw fault('telegram_off');
      await telegram.confirmLink(caller, telegram_id);
      return done;
    },
    removeTelegramLink: async (caller) => {
      // Also without a bot: who unlinks must not have to wait for Telegram.
      await (telegram ? telegram.removeLink(caller) : removeLink(deps, caller));
      return done;
    },
  };
}
