/** Text from servers and from other programs: data, never instructions. It travels only in fields named `untrusted_…`. */
import { shorten, stripControl } from '@countersign/protocol';

const PLAIN = /^[\t\n\x20-\x7e]*$/;

/** Text without escape sequences, control and invisible characters. Lines stay. */
export function clean(text: string): string {
  return PLAIN.test(text) ? text : stripControl(text);
}

/** The same on one line and at most `max` characters long: for names and titles. */
export function oneLine(text: string, max: number): string {
  return shorten(clean(text).replace(/\s+/g, ' ').trim(), max);
}
