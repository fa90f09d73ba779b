/** Words that look like keys although nothing says so: long, of many different characters. */
import { OTHER } from './quick-look.ts';

/**
 * A word that is long and random enough to be a key: base64-like with mixed classes. Hex digests, UUIDs, fingerprints
 * (`SHA256:…`), checksums of packages (`sha512-…`) and our public keys (`ed25519:…`, which people compare) are left alone.
 */
const RANDOM_WORD =
  /(?<![A-Za-z0-9+/_=-])(?<!\b(?:ed25519|SHA256):)(?!sha(?:256|384|512)-)[A-Za-z0-9+/_-]{32,}={0,2}(?![A-Za-z0-9+/_-])/y;
const RANDOM_LENGTH_MIN = 32;

/**
 * Puts something in the place of each random word. `codes`: those of the text (`codesOf`). A run that is long enough has a character at a
 * place that 32 divides.
 */
export function withoutRandomWords(text: string, codes: Uint8Array, instead: () => string): string {
  const { length } = text;
  const classAt = (at: number): number => CLASSES[codes[at] ?? OTHER] ?? 0;
  let [result, done] = ['', 0];
  for (let at = RANDOM_LENGTH_MIN - 1; at < length; at += RANDOM_LENGTH_MIN) {
    if (classAt(at) === 0) continue;
    let [start, seen, kind] = [at, 0, 0];
    for (; start > done; start -= 1) {
      kind = classAt(start - 1);
      if (kind === 0) break;
      seen |= 1 << kind;
    }
    for (; at < length; at += 1) {
      kind = classAt(at);
      if (kind === 0) break;
      seen |= 1 << kind;
    }
    if (at - start < RANDOM_LENGTH_MIN || (seen & ALL_CLASSES) !== ALL_CLASSES) continue;
    RANDOM_WORD.lastIndex = start;
    const [word] = RANDOM_WORD.exec(text) ?? [];
    if (word === undefined || !isRandom(word)) continue;
    result += text.slice(done, start) + instead();
    done = start + word.length;
  }
  return done === 0 ? text : result + text.slice(done);
}

const [SMALL, CAPITAL, DIGIT, SIGN] = [1, 2, 3, 4];
/** The class of each character of base64, either kind; 0 for all others. */
const CLASSES = Uint8Array.from({ length: OTHER + 1 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[a-z]/.test(character)) return SMALL;
  if (/[A-Z]/.test(character)) return CAPITAL;
  if (/[0-9]/.test(character)) return DIGIT;
  return /[+/_-]/.test(character) ? SIGN : 0;
});

const ALL_CLASSES = (1 << SMALL) | (1 << CAPITAL) | (1 << DIGIT);

const RANDOM_BITS_PER_CHARACTER = 4.2;
/** Of neighbouring characters in random base64, 64 % are of different classes; in paths and names far fewer. */
const CHANGES_PER_CHARACTER = 0.45;

const classOf = (word: string, at: number): number => CLASSES[word.charCodeAt(at)] ?? 0;

/** Whether a word in base64, with at most two `=` at its end, looks like one that was drawn. */
export function isRandom(word: string): boolean {
  let seen = 0;
  for (let at = 0; at < word.length; at += 1) seen |= 1 << classOf(word, at);
  if ((seen & ALL_CLASSES) !== ALL_CLASSES) return false;
  if (/^[0-9a-f-]+$/i.test(word)) return false; // digests, UUIDs
  if (entropyPerCharacter(word) < RANDOM_BITS_PER_CHARACTER) return false;
  return !word.includes('/') || changesPerCharacter(word) >= CHANGES_PER_CHARACTER; // paths
}

/** The `=` at the end is a sign too. */
const kindAt = (word: string, at: number): number => classOf(word, at) || SIGN;

function changesPerCharacter(word: string): number {
  let changes = 0;
  for (let at = 1; at < word.length; at += 1) if (kindAt(word, at) !== kindAt(word, at - 1)) changes += 1;
  return changes / (word.length - 1);
}

function entropyPerCharacter(word: string): number {
  const counts = new Uint32Array(128);
  for (let at = 0; at < word.length; at += 1) {
    const code = word.charCodeAt(at);
    counts[code] = (counts[code] ?? 0) + 1;
  }
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / word.length) * Math.log2(count / word.length);
  return bits;
}
