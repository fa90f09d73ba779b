/** Puts a rendered card into a chat, and edits it there. */
import type { Api } from 'grammy';
import type { RenderedCard } from './render-card.ts';
import { textFile } from './send-text.ts';
import { troubleOf } from './trouble.ts';

/**
 * Sends a card, as a reply to the message that belongs to it: the document that holds what did not fit, or the card that it
 * follows. Returns the number of its message. A Bot API that does not know how a card is formatted gets it in plain text.
 */
export async function sendCard(
  api: Api,
  chatId: string,
  card: RenderedCard,
  replyTo: number | undefined,
): Promise<number> {
  const reply =
    replyTo === undefined
      ? {}
      : { reply_parameters: { message_id: replyTo, allow_sending_without_reply: true } as const };
  const send = (form: RenderedCard) =>
    api.sendMessage(chatId, form.text.text, { ...formOf(form), ...reply }).then(({ message_id }) => message_id);
  return send(card).catch((error: unknown) => send(plainIfRefused(card, error)));
}

/** Edits a card. An edit without buttons takes them away. */
export async function editCard(api: Api, chatId: string, messageId: number, card: RenderedCard): Promise<void> {
  const edit = (form: RenderedCard) => api.editMessageText(chatId, messageId, form.text.text, formOf(form));
  await edit(card).catch((error: unknown) => edit(plainIfRefused(card, error)));
}

/** Sends the whole of a card as a document and returns the number of its message. */
export async function sendDocument(
  api: Api,
  chatId: string,
  { name, text }: NonNullable<RenderedCard['document']>,
): Promise<number> {
  const { message_id } = await api.sendDocument(chatId, textFile(name, text()), { caption: 'The whole plan' });
  return message_id;
}

function formOf({ text, keyboard }: RenderedCard) {
  return {
    ...(text.entities.length > 0 ? { entities: text.entities } : {}),
    ...(keyboard === undefined ? {} : { reply_markup: keyboard }),
    link_preview_options: { is_disabled: true },
  };
}

/** The plain form, when the card was refused for its form; otherwise throws the refusal again. */
function plainIfRefused(card: RenderedCard, error: unknown): RenderedCard {
  const { kind, words } = troubleOf(error);
  if (kind === 'refused' && /parse|entit|button|keyboard|url|style/i.test(words)) return card.plain();
  throw error;
}
