/**
 * Building blocks of what the bot writes. Text from outside always goes through `value`: in code form Telegram finds no
 * links, commands or mentions in it, so that nobody can be led to tap on something that a value only pretends to be.
 */
import { escapeDeceptive, shorten } from '@countersign/protocol';
import { redact } from '@countersign/protocol/redaction';
import { FormattedString, fmt } from '@grammyjs/parse-mode';

/** A line of a message: formatted, or plain words of ours. */
export type Line = FormattedString | string;

/** Text from outside on one line, safe to read and not to tap: what could deceive the eye is escaped, secrets are blacked out. */
export function value(text: string, max = 200): FormattedString {
  return FormattedString.code(plainValue(text, max));
}

/** The same without formatting, for documents. */
export function plainValue(text: string, max = 200): string {
  const shown = shorten(escapeDeceptive(redact(text).text), max);
  return shown === '' ? '(empty)' : shown;
}

/**
 * A sentence of ours with values from outside in it. In code form, too, where Telegram would find something to tap in it: an
 * address, a command, a mention or a tag.
 */
export function sentence(text: string, { max = 500, strong = false } = {}): FormattedString {
  const shown = plainValue(text, max);
  if (TAPPABLE.test(shown)) return FormattedString.code(shown);
  return strong ? FormattedString.bold(shown) : new FormattedString(shown);
}

// A dot before a letter can make an address, except before the types of systemd's units, which are no domains.
const TAPPABLE = /[@#/]|\.(?!(?:service|socket|timer|target|mount)\b)\p{L}|\d+\.\d+\.\d+\.\d+/u;

/** A title, strong. */
export function title(text: string): FormattedString {
  return sentence(text, { max: 300, strong: true });
}

export function bold(text: Line): FormattedString {
  return FormattedString.bold(text);
}

/** Lines one below the other. */
export function lines(all: readonly Line[]): FormattedString {
  return FormattedString.join([...all], '\n');
}

export { fmt };

/** A length of time in words that people use: `40 s`, `12 min`, `3 h`, `2 d`. */
export function inWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

/** The time of day of an ISO 8601 time: `02:13:07 UTC`. */
export function timeOfDay(iso: string): string {
  return `${iso.slice(11, 19)} UTC`;
}
