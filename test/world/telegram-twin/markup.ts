/** Keyboards under messages. */
import { checkLink } from './check-link.ts';
import {
  isObject,
  type JsonObject,
  optionalArray,
  optionalFlag,
  optionalText,
  requiredObject,
  requiredText,
} from './json-fields.ts';
import type { Parameters } from './parameters.ts';
import { badRequest, within } from './telegram-error.ts';

export interface InlineButton {
  readonly text: string;
  readonly style?: 'danger' | 'success' | 'primary';
  readonly callback_data?: string;
  readonly url?: string;
  readonly web_app?: { readonly url: string };
  readonly copy_text?: { readonly text: string };
  readonly switch_inline_query?: string;
  readonly switch_inline_query_current_chat?: string;
}

export type InlineKeyboard = readonly (readonly InlineButton[])[];

const MAX_DATA_BYTES = 64;
const MAX_COPY_CHARACTERS = 256;
const MAX_BUTTONS = 100;
const FLAGS = ['remove_keyboard', 'force_reply', 'selective', 'resize_keyboard', 'one_time_keyboard', 'is_persistent'];

/**
 * The inline keyboard in `reply_markup`, or undefined when there is none. Keyboards of the other kinds are checked and
 * dropped when a message is sent, and refused when one is edited, as Telegram does.
 */
export function readInlineKeyboard(parameters: Parameters, editing: boolean): InlineKeyboard | undefined {
  const markup = parameters.json('reply_markup', "Can't parse reply keyboard markup JSON object");
  if (markup === undefined) return undefined;
  if (!isObject(markup)) throw badRequest('Object expected as reply markup');
  const other = optionalArray(markup, 'keyboard') ?? [];
  const rows = (optionalArray(markup, 'inline_keyboard') ?? []).map(readRow).filter((row) => row.length > 0);
  const flags = FLAGS.filter((flag) => optionalFlag(markup, flag));
  if (rows.length === 0 && editing && (other.length > 0 || flags.length > 0))
    throw badRequest('Inline keyboard expected');
  if (rows.flat().length > MAX_BUTTONS) throw badRequest('reply markup is too long');
  return rows.length === 0 ? undefined : rows;
}

/** What only the server behind the Bot API checks, after chat and text. */
export function checkKeyboard(keyboard: InlineKeyboard | undefined): void {
  for (const button of (keyboard ?? []).flat()) {
    if (Buffer.byteLength(button.callback_data ?? '') > MAX_DATA_BYTES) throw badRequest('BUTTON_DATA_INVALID');
    if (button.copy_text === undefined) continue;
    const length = [...button.copy_text.text].length;
    if (length < 1 || length > MAX_COPY_CHARACTERS) throw badRequest('BUTTON_COPY_TEXT_INVALID');
  }
}

function readRow(row: unknown): InlineButton[] {
  if (!Array.isArray(row)) {
    throw badRequest('Field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays');
  }
  return row.map((button) => checkAddresses(within("Can't parse inline keyboard button: ", () => readButton(button))));
}

function readButton(button: unknown): InlineButton {
  if (!isObject(button)) throw badRequest('InlineKeyboardButton must be an Object');
  const text = requiredText(button, 'text');
  const style = readStyle(optionalText(button, 'style') ?? '');
  return { text, ...(style === undefined ? {} : { style }), ...readPurpose(button) };
}

function readStyle(given: string): InlineButton['style'] {
  const style = given.toLowerCase();
  if (style === '' || style === 'default') return undefined;
  if (style === 'danger' || style === 'success' || style === 'primary') return style;
  throw badRequest('invalid button style specified');
}

function readPurpose(button: JsonObject): Omit<InlineButton, 'text' | 'style'> {
  const url = optionalText(button, 'url');
  if (url) return { url };
  const data = optionalText(button, 'callback_data');
  if (data) return { callback_data: data };
  if ('callback_game' in button || 'pay' in button) throw badRequest('BUTTON_TYPE_INVALID');
  for (const name of ['switch_inline_query', 'switch_inline_query_current_chat'] as const) {
    if (name in button) return { [name]: requiredText(button, name) };
  }
  if ('web_app' in button) return { web_app: { url: requiredText(requiredObject(button, 'web_app'), 'url') } };
  if ('copy_text' in button) return { copy_text: { text: requiredText(requiredObject(button, 'copy_text'), 'text') } };
  throw badRequest('Text buttons are unallowed in the inline keyboard');
}

function checkAddresses(button: InlineButton): InlineButton {
  if (button.url !== undefined) {
    return { ...button, url: link(button.url, `Inline keyboard button URL '${button.url}' is invalid: `) };
  }
  if (button.web_app !== undefined) {
    const prefix = `Inline keyboard button Web App URL '${button.web_app.url}' is invalid: `;
    if (!/^https:\/\//i.test(button.web_app.url)) throw badRequest(`${prefix}Only HTTPS links are allowed`);
    return { ...button, web_app: { url: link(button.web_app.url, prefix) } };
  }
  return button;
}

function link(url: string, prefix: string): string {
  try {
    return checkLink(url);
  } catch (error) {
    throw badRequest(prefix + (error as Error).message);
  }
}
