/** Text from outside, made safe to show: nothing in it can move a cursor, hide a letter or turn the writing direction. */

// C0 without tab and newline, DEL, C1.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
// ANSI escape sequences: CSI …, OSC … BEL/ST, and two-character escapes.
const ANSI = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
// Zero-width and invisible format characters, bidirectional embeddings, overrides and isolates, tags, soft hyphen, BOM.
const INVISIBLE =
  /[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udfff]/g;

/** What none of these can be in: most text, and one look at it is cheaper than five. */
const PLAIN = /^[\t\n -~]*$/;

/** Output of a server, for people and models: escape sequences and control characters are dropped, lines stay. */
export function stripControl(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.toWellFormed().replace(ANSI, '').replace(/\r\n?/g, '\n').replace(CONTROL, '').replace(INVISIBLE, '');
}

/** A value that somebody will read before deciding: what could deceive the eye is shown as `\u{…}` instead of dropped. */
export function escapeDeceptive(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, codePoint)
    .replace(INVISIBLE, codePoint);
}

/** Whether a value mixes scripts or holds characters that only look like ASCII letters, so that it should be shown escaped too. */
export function looksDeceptive(text: string): boolean {
  return (
    escapeDeceptive(text) !== text || (/[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(text) && /[A-Za-z]/.test(text))
  );
}

/** Cuts text to at most `max` characters and says how many were left out. */
export function shorten(text: string, max: number): string {
  if (text.length <= max) return text;
  const mark = ` … (${text.length - max} more characters)`;
  return text.slice(0, Math.max(0, max - mark.length)).toWellFormed() + mark;
}

/** argv as a person reads it: each word in quotes that holds more than plain characters, so that it reads as one word. */
export function sayArgv(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');
}

function codePoint(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
