/** The first words with Telegram: who we are, that we poll, and which commands a chat is offered. */
import type { Api } from 'grammy';
import { commandList, strangersCommandList } from './commands.ts';
import { linkedPeopleWith } from './link.store.ts';
import { apiSignal } from './poll.ts';
import type { Telegram } from './telegram-deps.ts';
import { troubleOf } from './trouble.ts';

/** Asks who the bot is, ends a webhook that somebody set (it would take the updates away), and offers /help to everybody. */
export async function greet(
  { health, calls, api }: Telegram,
  pollApi: Api,
  signal: AbortSignal,
): Promise<{ id: number; username: string }> {
  const { id, username } = await pollApi.getMe(apiSignal(signal));
  health.introduced(username);
  await pollApi.deleteWebhook({}, apiSignal(signal)).catch((error: unknown) => {
    // Other makers of the Bot API may not know webhooks; a poll shows whether there is one.
    if (troubleOf(error).kind === 'down') throw error;
  });
  calls.let('commands for everybody', api.setMyCommands(strangersCommandList));
  return { id, username };
}

/** Offers a chat the commands of linked people, or takes the offer back. */
export function offerCommands({ calls, api }: Telegram, chatId: string, linked: boolean): void {
  const scope = { type: 'chat', chat_id: Number(chatId) } as const;
  const call = linked ? api.setMyCommands(commandList, { scope }) : api.deleteMyCommands({ scope });
  calls.let('commands of a chat', call);
}

/** Offers everybody who is linked the commands as they are now; they may have been linked by a program that knew fewer. */
export async function offerToLinked({ db, api }: Telegram): Promise<void> {
  for (const { telegramId } of await linkedPeopleWith(db, ['viewer', 'approver', 'owner']))
    await api.setMyCommands(commandList, { scope: { type: 'chat', chat_id: Number(telegramId) } });
}
