/**
 * Secrets in text are blacked out on the server before anything leaves it, and again on arrival. Known formats, values of
 * names that sound secret, and long random words. Better one word too many than one too few.
 */

/** What text becomes, and how many places were blacked out. */
export interface Redacted {
  readonly text: string;
  readonly count: number;
}

const MARK = '[redacted]';

// Every pattern must take linear time on any text, since text comes from strangers: no repetition without a bound may begin
// at every place of a long run, and none may be repeated itself. Most text holds no secret at all, and 1 MB of it is looked through on
// both sides: a pattern begins with a letter or sign that is rare, looks back from there, or has a part of it asked for first.

const TELEGRAM_TOKEN = /\b\d{8,10}:[A-Za-z0-9_-]{35}\b/g;
/** Times are digits and colons too, so this part is asked for first. */
const TELEGRAM_PART = /(?<=\d{8}):[A-Za-z0-9_-]{35}/;

/** Formats that are secret wherever they stand. The first group, where there is one, is kept. */
const FORMATS: readonly RegExp[] = [
  /-----BEGIN (?:[A-Z0-9 ]+ )?PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END (?:[A-Z0-9 ]+ )?PRIVATE KEY(?: BLOCK)?-----|$)/g,
  /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b/g,
  /\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,}\b/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}\b/g,
  /\bglpat-[A-Za-z0-9_-]{16,}/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g,
  /\bhttps:\/\/hooks\.slack\.com\/services\/[A-Za-z0-9/_-]+/g,
  /\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}\b/g,
  /\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}/g,
  /\bAIza[A-Za-z0-9_-]{35}/g,
  /\bya29\.[A-Za-z0-9_-]{20,}/g,
  /\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}/g,
  /\bnpm_[A-Za-z0-9]{30,}\b/g,
  /\bdop_v1_[a-f0-9]{40,}\b/g,
  /\bhvs\.[A-Za-z0-9_-]{20,}/g,
  TELEGRAM_TOKEN,
  /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, // JSON web token
  /\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,45}(?![A-Za-z0-9_-])/g, // Discord bot token
  /\bAGE-SECRET-KEY-1[A-Z0-9]{50,}/g,
  /\bcs[a-z]_[A-Za-z0-9_-]{40,}/g, // our own tokens
  /\$(?:1|2[aby]?|5|6|7|y|gy|argon2id?|scrypt)\$[^\s:'"]{8,}/g, // password hashes (crypt(5))
];

/** `scheme://user:password@host`: only the password goes. */
const URL_PASSWORD = /(?<=\b[a-z][a-z0-9+.-]{0,20})(:\/\/[^\s/:@]{0,200}:)([^\s/@]{1,1000})(?=@)/gi;
/** `Authorization: Bearer …`, cookies and the like. */
const HEADER =
  /\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token)(["']?\s{0,9}[:=]\s{0,9}["']?)(?!\[redacted\])([^\r\n"']+)/gi;
/** `Bearer …` and `Basic …` wherever they stand. */
const SCHEME = /\b((?:bearer|basic)\s{1,9})(?!\[redacted\])(?=[^\s]{0,500}[0-9+/=])([A-Za-z0-9+/._~-]{12,}={0,2})/gi;
/** `NAME=value`, `name: value`, `"name": "value"`, the same inside JSON inside JSON, for names that sound secret. */
const NAMED =
  /((?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|secret[_-]?key|encryption[_-]?key|signing[_-]?key|credentials?|auth|dsn|salt)(?:[_.-][A-Za-z0-9]{1,40}){0,6})(\\{0,16}["']?\s{0,9}(?:=>|[:=])\s{0,9}|\s{1,9}(?==?\s{0,9}["']))(?!\[redacted\])("(?:[^"\\\r\n]|\\[^\r\n])*"|'(?:[^'\\\r\n]|\\[^\r\n]|'\\''|'')*'|\\{1,16}"[^"\r\n]*"|[^\s,;&"']+(?:[,;&](?![\w.-]{1,60}[=:])[^\s,;&"']+)*)/gi;
/** `name: value` for names that end in `key`, where the value looks like one. */
const KEYED = /([_-]key\\{0,16}["']?\s{0,9}(?:=>|[:=])\s{0,9}\\{0,16}["']?)([A-Za-z0-9+/_-]{20,}={0,2})/gi;
const ELEMENT =
  /(<[\w:.-]{0,60}(?:pass(?:word|wd|phrase)?|pwd|secret|token|key|credentials?)[\w:.-]{0,60}>)(?!\[redacted\])([^<]{1,8192})(?=<\/)/gi;
const OPTION =
  /((?<![A-Za-z0-9-])--?(?:[a-z0-9]{1,40}-){0,6}(?:password|passwd|pass|secret|token|api-?key|private-?key)[ =])(?!\[redacted\])("[^"]*"|'[^']*'|\S+)/gi;

/** `curl -u name:password`; but not `docker run -u 1000:1000` or `--user app:app`. */
const USER_OPTION =
  /((?<![^\s"'=])(?:-[uU]|--user|--proxy-user)[ =]?["']?([^\s:"'=]{1,100}):)(?!\[redacted\])(?!\2(?![^\s"']))(?!\d+(?![^\s"']))([^\s"']{1,500})/g;

/** Values that sound secret by name but tell nothing. */
const HARMLESS =
  /^["']?(?:true|false|yes|no|on|off|none|null|nil|undefined|required|optional|invalid|missing|expired|failed|failure|ok|0|1|sha256|md5|bearer|basic|\*+|<[^>]*>|\$\{?\w+\}?|\{\{secret:[a-z0-9_-]+\}\}|[{[(]+|%[a-z])["']?$/i;
/** Values that other rules of a name let go by: a folder (`PWD=/root`), a status (`dsn=2.0.0`), a word after `auth:`. */
const HARMLESS_FOR: readonly { readonly name: RegExp; readonly value: RegExp }[] = [
  { name: /^pwd$/i, value: /^\/[\w./-]*$/ },
  { name: /^dsn$/i, value: /^[245]\.\d{1,3}\.\d{1,3}$/ },
  { name: /^auth$/i, value: /^[a-z]{1,12}$/ },
];

/**
 * A word that is long and random enough to be a key: base64-like with mixed classes. Hex digests, UUIDs, fingerprints
 * (`SHA256:…`), checksums of packages (`sha512-…`) and our public keys (`ed25519:…`, which people compare) are left alone.
 */
const RANDOM_WORD =
  /(?<![A-Za-z0-9+/_=-])(?<!\b(?:ed25519|SHA256):)(?!sha(?:256|384|512)-)[A-Za-z0-9+/_-]{32,}={0,2}(?![A-Za-z0-9+/_-])/y;
const RANDOM_LENGTH_MIN = 32;

/** A short word without signs: too short for any format, and nothing in it could be a name before its value. Most of what is redacted is such. */
const SHORT_WORD = /^\w{0,16}$/;

/**
 * Blacks out secrets in text.
 * `exact`: values known to be secret on this server (from environment files that the owner names); at least 6 characters each.
 */
export function redact(text: string, exact: readonly string[] = []): Redacted {
  let count = 0;
  if (exact.length === 0 && SHORT_WORD.test(text)) return { text, count };
  const black = (kept: string) => {
    count += 1;
    return `${kept}${MARK}`;
  };
  let result = text;
  for (const writing of writingsOf(exact)) result = result.replaceAll(writing, () => black(''));
  for (const format of FORMATS)
    if (format !== TELEGRAM_TOKEN || TELEGRAM_PART.test(result)) result = result.replace(format, () => black(''));
  result = result.replace(URL_PASSWORD, (_, before: string) => black(before));
  result = result.replace(HEADER, (_, name: string, between: string) => black(name + between));
  result = result.replace(SCHEME, (_, scheme: string) => black(scheme));
  result = result.replace(ELEMENT, (all, tag: string, value: string) => (HARMLESS.test(value) ? all : black(tag)));
  result = result.replace(OPTION, (_, option: string) => black(option));
  result = result.replace(USER_OPTION, (_, option: string) => black(option));
  result = result.replace(NAMED, (all, name: string, between: string, value: string) =>
    isHarmless(name, value) ? all : black(name + between),
  );
  result = result.replace(KEYED, (all, name: string, value: string) => (isRandom(value) ? black(name) : all));
  result = withoutRandomWords(result, () => black(''));
  return { text: result, count };
}

/** Puts something in the place of each random word. A run that is long enough has a character at a place that 32 divides. */
function withoutRandomWords(text: string, instead: () => string): string {
  let [result, done] = ['', 0];
  for (let at = RANDOM_LENGTH_MIN - 1; at < text.length; at += RANDOM_LENGTH_MIN) {
    if (classAt(text, at) === 0) continue;
    let [start, seen, kind] = [at, 0, 0];
    for (; start > done; start -= 1) {
      kind = classAt(text, start - 1);
      if (kind === 0) break;
      seen |= 1 << kind;
    }
    for (; at < text.length; at += 1) {
      kind = classAt(text, at);
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
const CLASSES = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[a-z]/.test(character)) return SMALL;
  if (/[A-Z]/.test(character)) return CAPITAL;
  if (/[0-9]/.test(character)) return DIGIT;
  return /[+/_-]/.test(character) ? SIGN : 0;
});

const ALL_CLASSES = (1 << SMALL) | (1 << CAPITAL) | (1 << DIGIT);

const classAt = (text: string, at: number): number => CLASSES[text.charCodeAt(at)] ?? 0;

/** Redacts every string inside a value, keeping its shape. */
export function redactValue<T>(value: T, exact: readonly string[] = []): { readonly value: T; readonly count: number } {
  let count = 0;
  const walk = (part: unknown): unknown => {
    if (typeof part === 'string') {
      const redacted = redact(part, exact);
      count += redacted.count;
      return redacted.text;
    }
    if (Array.isArray(part)) return part.map(walk);
    if (part !== null && typeof part === 'object')
      return Object.fromEntries(Object.entries(part).map(([name, member]) => [name, walk(member)]));
    return part;
  };
  return { value: walk(value) as T, count };
}

function isHarmless(name: string, value: string): boolean {
  return HARMLESS.test(value) || HARMLESS_FOR.some((it) => it.name.test(name) && it.value.test(value));
}

const EXACT_LENGTH_MIN = 6;
const writings = new WeakMap<readonly string[], { readonly count: number; readonly found: readonly string[] }>();

/** Known values as they turn up: as they are, line by line, escaped in JSON, in a URL, and inside base64. Longest first. */
function writingsOf(exact: readonly string[]): readonly string[] {
  const known = writings.get(exact);
  if (known?.count === exact.length) return known.found;
  const all = exact.flatMap((value) => {
    if (value.length < EXACT_LENGTH_MIN) return [];
    const lines = value.split('\n').filter((line) => !/^(?:-----.*-----)?\s*$/.test(line));
    const parts = lines.length > 1 ? [value, ...lines.filter((line) => line.length >= EXACT_LENGTH_MIN)] : [value];
    return [
      ...parts,
      ...parts.flatMap((part) => [inJson(part), inJson(inJson(part)), encodeURIComponent(part.toWellFormed())]),
      ...inBase64(value),
    ];
  });
  const found = [...new Set(all)].sort((a, b) => b.length - a.length);
  writings.set(exact, { count: exact.length, found });
  return found;
}

const inJson = (text: string) => JSON.stringify(text).slice(1, -1);
const BASE64_LENGTH_MIN = 8;

/** The part of its base64 that is the same whatever stands before and after it, at each of three offsets. RFC 4648. */
function inBase64(text: string): string[] {
  const bytes = new TextEncoder().encode(text);
  return [0, 1, 2].flatMap((offset) => {
    const padded = new Uint8Array(offset + bytes.length);
    padded.set(bytes, offset);
    const whole = Math.floor(padded.length / 3) * 3;
    const first = offset === 0 ? 0 : 3;
    const base64 = btoa(String.fromCharCode(...padded.subarray(first, whole)));
    return base64.length < BASE64_LENGTH_MIN ? [] : [base64, base64.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

const RANDOM_BITS_PER_CHARACTER = 4.2;
/** Of neighbouring characters in random base64, 64 % are of different classes; in paths and names far fewer. */
const CHANGES_PER_CHARACTER = 0.45;

/** Of a word in base64, with at most two `=` at its end. */
function isRandom(word: string): boolean {
  let seen = 0;
  for (let at = 0; at < word.length; at += 1) seen |= 1 << classAt(word, at);
  if ((seen & ALL_CLASSES) !== ALL_CLASSES) return false;
  if (/^[0-9a-f-]+$/i.test(word)) return false; // digests, UUIDs
  if (entropyPerCharacter(word) < RANDOM_BITS_PER_CHARACTER) return false;
  return !word.includes('/') || changesPerCharacter(word) >= CHANGES_PER_CHARACTER; // paths
}

/** The `=` at the end is a sign too. */
const kindAt = (word: string, at: number): number => classAt(word, at) || SIGN;

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
