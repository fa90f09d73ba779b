/** Private keys that stand in text over many lines: the lines between their markers show nothing to know them by. */
const KEY_BEGIN = /-----BEGIN (?:[A-Z0-9 ]+ )?PRIVATE KEY/;
const KEY_END = /-----END (?:[A-Z0-9 ]+ )?PRIVATE KEY/;

/** Goes through lines in their order and tells which lie inside a key. */
export class KeyLines {
  #inside: boolean;

  /** `inside`: whether the text begins in the middle of a key. */
  constructor(inside = false) {
    this.#inside = inside;
  }

  hides(line: string): boolean {
    const begins = KEY_BEGIN.test(line);
    const ends = KEY_END.test(line);
    const hidden = this.#inside && !begins && !ends;
    if (begins) this.#inside = true;
    if (ends) this.#inside = false;
    return hidden;
  }
}

/** Lines of a text that may have been cut at its beginning, those inside a private key blacked out. */
export function withoutKeyLines(lines: readonly string[]): string[] {
  const end = lines.findIndex((line) => KEY_END.test(line));
  const cutInside = end >= 0 && !lines.slice(0, end + 1).some((line) => KEY_BEGIN.test(line));
  const keys = new KeyLines(cutInside);
  return lines.map((line) => (keys.hides(line) ? '[redacted]' : line));
}
