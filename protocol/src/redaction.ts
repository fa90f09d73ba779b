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
// at every place of a long run, and none may be repeated itself.

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
  /\b\d{8,10}:[A-Za-z0-9_-]{35}\b/g, // Telegram bot token
  /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, // JSON web token
  /\bAGE-SECRET-KEY-1[A-Z0-9]{50,}/g,
  /\bcs[a-z]_[A-Za-z0-9_-]{40,}/g, // our own tokens
  /\$(?:1|2[aby]?|5|6|7|y|gy|argon2id?|scrypt)\$[^\s:'"]{8,}/g, // password hashes (crypt(5))
];

/** `scheme://user:password@host`: only the password goes. */
const URL_PASSWORD = /\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@]{0,200}:)([^\s/@]{1,1000})(?=@)/gi;
/** `Authorization: Bearer …`, cookies and the like. */
const HEADER =
  /\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token)(["']?\s{0,9}[:=]\s{0,9}["']?)(?!\[redacted\])([^\r\n"']+)/gi;
/** `NAME=value`, `name: value`, `"name": "value"`, `--name value` for names that sound secret. */
const NAMED =
  /((?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key|encryption[_-]?key|credentials?|auth|dsn|salt)(?:[_.-][A-Za-z0-9]{1,40}){0,6})(["']?\s{0,9}(?:=>|[:=])\s{0,9}|\s{1,9}(?==?\s{0,9}["']))(?!\[redacted\])("[^"\r\n]*"|'[^'\r\n]*'|[^\s,;&"']+)/gi;
const OPTION =
  /((?<![A-Za-z0-9-])--?(?:[a-z0-9]{1,40}-){0,6}(?:password|passwd|pass|secret|token|api-?key|private-?key)[ =])(?!\[redacted\])("[^"]*"|'[^']*'|\S+)/gi;

/** Values that sound secret by name but tell nothing. */
const HARMLESS =
  /^["']?(?:true|false|yes|no|on|off|none|null|nil|undefined|required|optional|invalid|missing|expired|failed|failure|ok|0|1|sha256|md5|bearer|basic|\*+|<[^>]*>|\$\{?\w+\}?|%[a-z])["']?$/i;

/**
 * A word that is long and random enough to be a key: base64-like with mixed classes. Hex digests, UUIDs and our public keys
 * (`ed25519:…`, which people compare) are left alone.
 */
const RANDOM_WORD = /(?<![A-Za-z0-9+/_=-])(?<!\bed25519:)[A-Za-z0-9+/_-]{32,}={0,2}(?![A-Za-z0-9+/_-])/g;

/**
 * Blacks out secrets in text.
 * `exact`: values known to be secret on this server (from environment files that the owner names); at least 6 characters each.
 */
export function redact(text: string, exact: readonly string[] = []): Redacted {
  let count = 0;
  const black = (kept: string) => {
    count += 1;
    return `${kept}${MARK}`;
  };
  let result = text;
  for (const value of exact) if (value.length >= 6) result = result.replaceAll(value, () => black(''));
  for (const format of FORMATS) result = result.replace(format, () => black(''));
  result = result.replace(URL_PASSWORD, (_, before: string) => black(before));
  result = result.replace(HEADER, (_, name: string, between: string) => black(name + between));
  result = result.replace(OPTION, (_, option: string) => black(option));
  result = result.replace(NAMED, (all, name: string, between: string, value: string) =>
    HARMLESS.test(value) ? all : black(name + between),
  );
  result = result.replace(RANDOM_WORD, (word) => (isRandom(word) ? black('') : word));
  return { text: result, count };
}

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

const RANDOM_BITS_PER_CHARACTER = 4.2;

function isRandom(word: string): boolean {
  if (/^[0-9a-f-]+$/i.test(word) || word.includes('/')) return false; // digests, UUIDs, paths
  const classes = [/[a-z]/, /[A-Z]/, /[0-9]/].filter((kind) => kind.test(word)).length;
  return classes === 3 && entropyPerCharacter(word) >= RANDOM_BITS_PER_CHARACTER;
}

function entropyPerCharacter(word: string): number {
  const counts = new Map<string, number>();
  for (const character of word) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / word.length) * Math.log2(count / word.length);
  return bits;
}
