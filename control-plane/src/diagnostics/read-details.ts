/** Reads out of a plain description what a diagnostic can use: names, ports, paths, durations, quoted text. Pure. */
import { type Names, readNames } from './read-names.ts';
import { knownUnits, noUnitNames } from './unit-names.ts';

/** What a description mentions. Absent: it does not say. */
export interface Details extends Names {
  readonly unit?: string;
  readonly port?: number;
  /** A path that looks like a folder or a mount. */
  readonly folder?: string;
  /** A path that looks like a log file. */
  readonly file?: string;
  /** How far to look back, in the form of `durationSchema`. */
  readonly since?: string;
  /** Text in quotes, or what follows `grep`. */
  readonly quoted?: string;
}

/** `text` is as people wrote it; `now` (milliseconds since 1970) gives "since 2:10" a meaning, read as UTC. */
export function readDetails(text: string, now: number): Details {
  const unit = readUnit(text.toLowerCase());
  const port = readPort(text);
  const path = readPath(text);
  const since = readSince(text.toLowerCase(), now);
  const quoted = readQuoted(text);
  return {
    ...readNames(text.toLowerCase()),
    ...(unit === undefined ? {} : { unit }),
    ...(port === undefined ? {} : { port }),
    ...(path === undefined ? {} : looksLikeFile(path) ? { file: path } : { folder: path }),
    ...(since === undefined ? {} : { since }),
    ...(quoted === undefined ? {} : { quoted }),
  };
}

const NAME = '[a-z0-9_][a-z0-9_.@:-]{0,80}';
const WITH_TYPE = new RegExp(`(?<![\\w/.-])(${NAME}\\.(?:service|socket|timer|target|mount|slice|scope))\\b`);
const NAMED_AS_UNIT = [
  new RegExp(`\\bsystemctl \\w+ (${NAME})`),
  new RegExp(`\\bjournalctl\\b.* -u (${NAME})`),
  new RegExp(`(?<![\\w/.-])(${NAME}) (?:service|unit|daemon)\\b`),
  new RegExp(`\\b(?:service|unit|daemon) (${NAME})`),
  /(?<![\w/.-])([a-z][a-z0-9_.]*(?:-[a-z0-9_.]+)*-(?:server|fpm|worker|workers|agent|exporter|api|daemon|db|proxy|runner|bot))\b/,
];

function readUnit(text: string): string | undefined {
  const typed = WITH_TYPE.exec(text)?.[1];
  if (typed !== undefined) return typed;
  for (const pattern of NAMED_AS_UNIT) {
    for (const match of text.matchAll(new RegExp(pattern, 'g'))) {
      const name = match[1]?.replace(/[.:-]+$/, '') ?? '';
      if (name !== '' && !noUnitNames.has(name) && /[a-z]/.test(name))
        return (Object.hasOwn(knownUnits, name) ? knownUnits[name] : undefined) ?? name;
    }
  }
  for (const word of text.split(/[^a-z0-9_.@-]+/)) {
    const known = Object.hasOwn(knownUnits, word) ? knownUnits[word] : undefined;
    if (known !== undefined) return known;
  }
  return undefined;
}

const PORTS = [
  /\bports?\s*[:#]?\s*(\d{1,5})\b/i,
  /(?:localhost|\d+\.\d+\.\d+\.\d+|::1?\]?|\b[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*\.[a-z]{2,}):(\d{2,5})\b/i,
  /\b(?:listen(?:s|ing)?|reach\w*|bound|bind|checks?|app|up|served?)\b[^\d]{0,20}\bon\s+(\d{2,5})\b/i,
  /\bon\s+(\d{4,5})\b(?!\s*(?:%|gb|mb|cores?|servers?|hosts?|users?))/i,
];

function readPort(text: string): number | undefined {
  for (const pattern of PORTS) {
    const port = Number(pattern.exec(text)?.[1]);
    if (port >= 1 && port <= 65_535) return port;
  }
  return undefined;
}

function readPath(text: string): string | undefined {
  const match = /(?<![\w/.:])(\/(?:[\w.@+-]+(?:\/[\w.@+-]+)*)?\/?)(?=$|[\s"'`,;:)?!])/.exec(text)?.[1];
  if (match === undefined) return undefined;
  const path = match.length > 1 ? match.replace(/[./]+$/, '') : match;
  return path.split('/').some((part) => part === '..' || part === '.') ? undefined : path;
}

function looksLikeFile(path: string): boolean {
  return /\.(?:log|txt|err|out|json|conf|cfg|ya?ml|ini|env|gz)(?:\.\d+)?$|\/(?:syslog|messages|secure|maillog|dmesg|kern|auth)$/.test(
    path,
  );
}

const UNIT_OF_TIME: Readonly<Record<string, string>> = { s: 's', m: 'm', h: 'h', d: 'd', w: 'd' };
const HALF_DAY = /\bthis (?:morning|afternoon)\b|\bsince (?:lunch|noon|breakfast|this morning)\b|\btoday\b/;
const DAY = /\b(?:yesterday|last night|overnight|tonight|nightly|past day|last day|a day)\b/;

function readSince(text: string, now: number): string | undefined {
  const counted =
    /\b(?:last|past|for|since|about|in the last|within)\s+(?:the\s+)?(?:last\s+|past\s+)?(\d{1,4})\s*(s|m|h|d|w)(?:ec\w*|in\w*|(?:ou)?rs?|ays?|eeks?)?\b/.exec(
      text,
    ) ?? /\b(\d{1,4})\s*(s|m|h|d|w)(?:ec\w*|in\w*|(?:ou)?rs?|ays?|eeks?)?\s+ago\b/.exec(text);
  if (counted?.[1] !== undefined && counted[2] !== undefined) {
    const count = Number(counted[1]) * (counted[2] === 'w' ? 7 : 1);
    return count > 0 ? `${count}${UNIT_OF_TIME[counted[2]]}` : undefined;
  }
  if (/\b(?:an|one|the last|past|last) hour\b/.test(text)) return '1h';
  const clock = /\b(?:since|at|from|after|around|about)\s+(?:about\s+|around\s+)?(\d{1,2})(?::(\d{2})|\s*(am|pm))/.exec(
    text,
  );
  if (clock) return sinceTimeOfDay(clock, now);
  if (DAY.test(text)) return '24h';
  return HALF_DAY.test(text) ? '12h' : undefined;
}

const MINUTE = 60_000;
const DAY_MINUTES = 24 * 60;
/** People round, and clocks differ. */
const MARGIN_MINUTES = 15;

function sinceTimeOfDay(clock: RegExpExecArray, now: number): string | undefined {
  const hour = Number(clock[1]) % (clock[3] === undefined ? 24 : 12);
  const minutes = (clock[3] === 'pm' ? hour + 12 : hour) * 60 + Number(clock[2] ?? 0);
  const nowMinutes = Math.floor(now / MINUTE) % DAY_MINUTES;
  const ago = (nowMinutes - minutes + DAY_MINUTES) % DAY_MINUTES;
  return `${Math.min(ago + MARGIN_MINUTES, DAY_MINUTES)}m`;
}

function readQuoted(text: string): string | undefined {
  const quoted =
    /["“”`]([^"“”`\r\n]{3,100})["“”`]/.exec(text)?.[1] ?? /\bgrep\s+(?:for\s+)?([\w.-]{3,60})/i.exec(text)?.[1];
  return quoted === undefined || quoted.startsWith('/') ? undefined : quoted;
}
