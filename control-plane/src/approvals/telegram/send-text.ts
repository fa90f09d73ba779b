/** Sends a text into a private chat; what is too long for reading on a phone goes as a document. */
import type { FormattedString } from '@grammyjs/parse-mode';
import { type Api, type InlineKeyboard, InputFile } from 'grammy';

/** Telegram takes 4,096 characters; beyond this nobody reads on a phone. */
export const TEXT_MAX = 3_000;
const CAPTION_MAX = 900;

export interface TextOptions {
  /** The message that is answered; sent on its own when that one is gone. */
  readonly replyTo?: number | undefined;
  readonly keyboard?: InlineKeyboard | undefined;
  /** Name of the document, without an ending, when it has to be one. */
  readonly name?: string;
}

export async function sendText(
  api: Api,
  chatId: string,
  text: FormattedString,
  { replyTo, keyboard, name = 'message' }: TextOptions = {},
): Promise<void> {
  const reply = {
    ...(replyTo === undefined
      ? {}
      : { reply_parameters: { message_id: replyTo, allow_sending_without_reply: true } as const }),
    ...(keyboard === undefined ? {} : { reply_markup: keyboard }),
  };
  if (text.text.length <= TEXT_MAX) {
    await api.sendMessage(chatId, text.text, {
      entities: text.entities,
      link_preview_options: { is_disabled: true },
      ...reply,
    });
    return;
  }
  const caption = text.slice(0, text.text.lastIndexOf('\n', CAPTION_MAX));
  await api.sendDocument(chatId, textFile(name, text.text), {
    caption: caption.text,
    caption_entities: caption.entities,
    ...reply,
  });
}

/** A text as a document that a phone opens. */
export function textFile(name: string, text: string): InputFile {
  return new InputFile(Buffer.from(text, 'utf8'), `${name}.txt`);
}
