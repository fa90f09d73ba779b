/** People who decide: the owner's Telegram account in the twin. */
import { eventually } from './eventually.ts';
import type { TelegramTwin } from './telegram-twin/start-telegram-twin.ts';
import type { World } from './world.ts';

/** The owner's Telegram account, paired through a deep link and confirmed on the dashboard. */
export interface TelegramApprover {
  readonly twin: TelegramTwin;
  readonly user: ReturnType<TelegramTwin['addUser']>;
  readonly chat: ReturnType<TelegramTwin['openPrivateChat']>;
  /** The card that holds this text, as it is now. */
  card(text: string): ReturnType<TelegramTwin['waitForMessage']>;
  /** Taps a button of the card; resolves with what the tap answered. */
  tap(messageId: number, button: string): ReturnType<TelegramTwin['tap']>;
}

/** Pairs a Telegram account with the owner. */
export async function pairTelegram(world: World): Promise<TelegramApprover> {
  const { twin } = world;
  if (!twin) throw new Error('this world has no Telegram');
  const user = twin.addUser({ firstName: 'Ada', lastName: 'Lovelace', username: 'ada' });
  const chat = twin.openPrivateChat(user);
  const { url } = await world.owner('startTelegramLink', { password: world.password });
  await twin.pressDeepLink(user, new URL(url).searchParams.get('start') ?? '');
  const waiting = await eventually('the account to wait for confirmation', async () => {
    const { link } = await world.owner('getTelegram', {});
    return link.state === 'confirm' && link.telegram ? link.telegram : undefined;
  });
  await world.owner('confirmTelegramLink', { telegram_id: waiting.id });
  return {
    twin,
    user,
    chat,
    card: (text) => twin.waitForMessage(chat, text, { timeoutMs: 60_000 }),
    tap: (messageId, button) => twin.tap(user, chat, messageId, button),
  };
}
