/**
 * Secrets in text are blacked out on the server before anything leaves it, and again on arrival. Known formats, values of
 * names that sound secret, and long random words. Better one word too many than one too few.
 */
import { codesOf, lookAt, type Words, wordsOf } from './quick-look.ts';
import { isRandom, withoutRandomWords } from './random-words.ts';

/** What text becomes, and how many places were blacked out. */
export interface Redacted {
  readonly text: string;
  readonly count: number;
}

const MARK = '[redacted]';

// Every pattern must take linear time on any text, since text comes from strangers: no repetition without a bound may begin
// at every place of a long run, and none may be repeated itself. Most text holds no secret at all, and 1 MB of it is looked through on
// both sides: a pattern begins with a letter or sign that is rare, looks back from there, or has a part of it asked for first. With it stand
// the words without one of which it matches nothing, so that a quick look at the text spares most patterns.

/** A pattern, and the words without one of which it cannot match; none when it has no words. */
interface Format {
  readonly words: Words;
  readonly pattern: RegExp;
}
const format = (pattern: RegExp, ...words: readonly string[]): Format => ({ pattern, words: wordsOf(...words) });

const TELEGRAM_TOKEN = format(
  /\b\d{8,10}:[A-Za-z0-9_-]{35}\b/g,
  ...Array.from({ length: 100 }, (_, digits) => `${digits}:`.padStart(3, '0')),
);
/** Times are digits and colons too, so this part is asked for first. */
const TELEGRAM_PART = /:(?<=\d{8}:)[A-Za-z0-9_-]{35}/;

/** Formats that are secret wherever they stand. */
const FORMATS: readonly Format[] = [
  format(
    /-----BEGIN (?:[A-Z0-9 ]+ )?PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END (?:[A-Z0-9 ]+ )?PRIVATE KEY(?: BLOCK)?-----|$)/g,
    'PRIVATE KEY',
  ),
  format(/\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b/g, 'AKIA', 'ASIA', 'ABIA', 'ACCA'),
  format(/\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,}\b/g, 'ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'),
  format(/\bgithub_pat_[A-Za-z0-9_]{20,}\b/g, 'github_pat_'),
  format(/\bglpat-[A-Za-z0-9_-]{16,}/g, 'glpat-'),
  format(/\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g, 'xox'),
  format(/\bhttps:\/\/hooks\.slack\.com\/services\/[A-Za-z0-9/_-]+/g, 'hooks.slack.com'),
  format(/\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}\b/g, 'k_live_', 'k_test_'),
  format(/\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}/g, 'sk-'),
  format(/\bAIza[A-Za-z0-9_-]{35}/g, 'AIza'),
  format(/\bya29\.[A-Za-z0-9_-]{20,}/g, 'ya29.'),
  format(/\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}/g, 'SG.'),
  format(/\bnpm_[A-Za-z0-9]{30,}\b/g, 'npm_'),
  format(/\bdop_v1_[a-f0-9]{40,}\b/g, 'dop_v1_'),
  format(/\bhvs\.[A-Za-z0-9_-]{20,}/g, 'hvs.'),
  TELEGRAM_TOKEN,
  format(/(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, 'eyJ'), // JSON web token
  format(/\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,45}(?![A-Za-z0-9_-])/g), // Discord bot token
  format(/\bAGE-SECRET-KEY-1[A-Z0-9]{50,}/g, 'AGE-SECRET-KEY-1'),
  format(/\bcs[a-z]_[A-Za-z0-9_-]{40,}/g, ...[...'abcdefghijklmnopqrstuvwxyz'].map((kind) => `cs${kind}_`)), // our own tokens
  format(
    /\$(?:1|2[aby]?|5|6|7|y|gy|argon2id?|scrypt)\$[^\s:'"]{8,}/g, // password hashes (crypt(5))
    ...['$1$', '$2$', '$2a$', '$2b$', '$2y$', '$5$', '$6$', '$7$', '$y$', '$gy$', '$argon2', '$scrypt$'],
  ),
];

/** `scheme://user:password@host`: only the password goes. */
const URL_PASSWORD = format(/(?<=\b[a-z][a-z0-9+.-]{0,20})(:\/\/[^\s/:@]{0,200}:)([^\s/@]{1,1000})(?=@)/gi, '://');
/** `Authorization: Bearer …`, cookies and the like. */
const HEADER = format(
  /\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token)(["']?\s{0,9}[:=]\s{0,9}["']?)(?!\[redacted\])([^\r\n"']+)/gi,
  'authorization',
  'cookie',
  'x-api-key',
  'x-auth-token',
);
/** `Bearer …` and `Basic …` wherever they stand. */
const SCHEME = format(
  /\b((?:bearer|basic)\s{1,9})(?!\[redacted\])(?=[^\s]{0,500}[0-9+/=])([A-Za-z0-9+/._~-]{12,}={0,2})/gi,
  'bearer',
  'basic',
);
/** `NAME=value`, `name: value`, `"name": "value"`, the same inside JSON inside JSON, for names that sound secret. */
const NAMED = format(
  /((?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|secret[_-]?key|encryption[_-]?key|signing[_-]?key|credentials?|auth|dsn|salt)(?:[_.-][A-Za-z0-9]{1,40}){0,6})(\\{0,16}["']?\s{0,9}(?:=>|[:=])\s{0,9}|\s{1,9}(?==?\s{0,9}["']))(?!\[redacted\])("(?:[^"\\\r\n]|\\[^\r\n])*"|'(?:[^'\\\r\n]|\\[^\r\n]|'\\''|'')*'|\\{1,16}"[^"\r\n]*"|[^\s,;&"']+(?:[,;&](?![\w.-]{1,60}[=:])[^\s,;&"']+)*)/gi,
  'pass',
  'pwd',
  'secret',
  'token',
  'key',
  'credential',
  'auth',
  'dsn',
  'salt',
);
/** `name: value` for names that end in `key`, where the value looks like one. */
const KEYED = format(
  /([_-]key\\{0,16}["']?\s{0,9}(?:=>|[:=])\s{0,9}\\{0,16}["']?)([A-Za-z0-9+/_-]{20,}={0,2})/gi,
  '_key',
  '-key',
);
const ELEMENT = format(
  /(<[\w:.-]{0,60}(?:pass(?:word|wd|phrase)?|pwd|secret|token|key|credentials?)[\w:.-]{0,60}>)(?!\[redacted\])([^<]{1,8192})(?=<\/)/gi,
  '</',
);
const OPTION = format(
  /((?<![A-Za-z0-9-])--?(?:[a-z0-9]{1,40}-){0,6}(?:password|passwd|pass|secret|token|api-?key|private-?key)[ =])(?!\[redacted\])("[^"]*"|'[^']*'|\S+)/gi,
  '-pass',
  '-secret',
  '-token',
  '-api',
  '-private',
);

/** `curl -u name:password`; but not `docker run -u 1000:1000` or `--user app:app`. */
const USER_OPTION = format(
  /((?<![^\s"'=])(?:-[uU]|--user|--proxy-user)[ =]?["']?([^\s:"'=]{1,100}):)(?!\[redacted\])(?!\2(?![^\s"']))(?!\d+(?![^\s"']))([^\s"']{1,500})/g,
  '-u',
);

/** Values that sound secret by name but tell nothing. */
const HARMLESS =
  /^["']?(?:true|false|yes|no|on|off|none|null|nil|undefined|required|optional|invalid|missing|expired|failed|failure|ok|0|1|sha256|md5|bearer|basic|\*+|<[^>]*>|\$\{?\w+\}?|\{\{secret:[a-z0-9_-]+\}\}|[{[(]+|%[a-z])["']?$/i;
/** Values that other rules of a name let go by: a folder (`PWD=/root`), a status (`dsn=2.0.0`), a word after `auth:`. */
const HARMLESS_FOR: readonly { readonly name: RegExp; readonly value: RegExp }[] = [
  { name: /^pwd$/i, value: /^\/[\w./-]*$/ },
  { name: /^dsn$/i, value: /^[245]\.\d{1,3}\.\d{1,3}$/ },
  { name: /^auth$/i, value: /^[a-z]{1,12}$/ },
];

/** A short word without signs: too short for any format, and nothing in it could be a name before its value. Or a digest, which is left alone. Most of what is redacted is such. */
const SHORT_WORD = /^(?:\w{0,16}|[0-9a-f]+)$/;

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
  const looked = result;
  const codes = codesOf(looked);
  const mayHold = lookAt(codes, looked.length);
  const replace = ({ pattern, words }: Format, by: (...found: string[]) => string) => {
    if (mayHold(words)) result = result.replace(pattern, by);
  };
  for (const it of FORMATS) if (it !== TELEGRAM_TOKEN || TELEGRAM_PART.test(result)) replace(it, () => black(''));
  replace(URL_PASSWORD, (_, before = '') => black(before));
  replace(HEADER, (_, name = '', between = '') => black(name + between));
  replace(SCHEME, (_, scheme = '') => black(scheme));
  replace(ELEMENT, (all = '', tag = '', value = '') => (HARMLESS.test(value) ? all : black(tag)));
  replace(OPTION, (_, option = '') => black(option));
  replace(USER_OPTION, (_, option = '') => black(option));
  replace(NAMED, (all = '', name = '', between = '', value = '') =>
    isHarmless(name, value) ? all : black(name + between),
  );
  replace(KEYED, (all = '', name = '', value = '') => (isRandom(value) ? black(name) : all));
  result = withoutRandomWords(result, result === looked ? codes : codesOf(result), () => black(''));
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
