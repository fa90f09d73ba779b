/** What could be done about a complaint of `nginx -t`: a value that is plainly meant, or at least where to put one. */
import { basename, dirname } from 'node:path';
import { Fault, type Suggestion } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { readAllowed } from '../../host/files.ts';
import { namesIn, readTextOrNull } from '../../host/look.ts';
import { locateLine } from '../files/config-edit/nginx.ts';
import { parseNginx, unquoteWord } from '../files/config-edit/nginx-syntax.ts';
import type { NginxComplaint } from './nginx-test.ts';

const CONFIG_BYTES = 1024 * 1024;
const CONTEXT_LINES = 4;
/** Configuration of nginx is read for its own diagnosis, whatever the assistant may read. */
const NGINX_ROOTS = { roots: ['/etc/nginx', '/usr/share/nginx', '/usr/local/nginx'], denied: [] };

export interface Fix {
  /** Lines around the place, with their numbers. Not redacted yet. */
  readonly excerpt: string;
  readonly suggestion: Suggestion | null;
}

/** Nothing when the file cannot be read. */
export function fixFor(complaint: NginxComplaint): Fix | null {
  const { file, line, message } = complaint;
  if (file === null || line === null) return null;
  const text = readConfig(file);
  if (text === null) return null;
  return { excerpt: excerptOf(text, line), suggestion: suggestionFor(text, { file, line, message }) };
}

function suggestionFor(
  text: string,
  { file, line, message }: { file: string; line: number; message: string },
): Suggestion | null {
  const place = locate(text, line);
  if (place === null || place.directive.block !== null || !isAboutValue(message)) return null;
  const words = place.directive.args.map(({ raw }) => raw);
  const value = valueFor(message, words, { text, file });
  const parameters = {
    path: file,
    format: 'nginx',
    ...(place.section === '' ? {} : { section: place.section }),
    key: place.key,
    ...(value === null ? {} : { value }),
    expected_sha256: sha256(text),
    validator: 'nginx',
    unit: 'nginx.service',
  };
  const present = words.join(' ');
  const why =
    value === null
      ? `Give the right \`value\` for ${place.directive.name} on line ${line}; it is \`${present}\` now.`
      : `Line ${line} has \`${place.directive.name} ${present}\`, which looks like a slip for \`${value}\`.`;
  return { playbook: 'config.set_key', parameters, why: why.slice(0, 300) };
}

/** Complaints that another value of the same directive can mend. Others need the text of the file changed. */
function isAboutValue(message: string): boolean {
  return /^invalid (port|value|number|parameter|host|size|time|URL|address|log level)|invalid value|host not found|no port in|failed \(2: No such file|cannot load certificate|directive invalid value|value must be/i.test(
    message,
  );
}

/** The arguments that were plainly meant, or `null`. */
export function valueFor(
  message: string,
  words: readonly string[],
  around: { text: string; file: string },
): string | null {
  const replaced = (wrong: string, right: string | null) => {
    const index = words.findIndex((word) => unquoteWord(word).includes(wrong));
    if (right === null || index < 0) return null;
    return words.map((word, at) => (at === index ? word.replace(wrong, right) : word)).join(' ');
  };
  const port = /^invalid port in "([^"]+)"/.exec(message)?.[1];
  if (port !== undefined) return replaced(port, portIn(port));
  // `listen 80a` is taken for the name of a host.
  const named = /^host not found in "([^"]+)" of the "listen"/.exec(message)?.[1];
  if (named !== undefined && portIn(named) !== null) return replaced(named, portIn(named));
  const flag = /^invalid value "([^"]+)" in "[^"]+" directive, it must be "on" or "off"/.exec(message)?.[1];
  if (flag !== undefined) return replaced(flag, closest(flag, ['on', 'off']));
  const number = /^invalid number "([^"]+)"/.exec(message)?.[1];
  if (number !== undefined) return replaced(number, /^[1-9]\d*/.exec(number)?.[0] ?? null);
  const missing = /^open\(\) "([^"]+)" failed \(2:/.exec(message)?.[1];
  if (missing !== undefined) return replaceFile(words, missing);
  const host = /^host not found in (?:upstream|"[^"]*" of the) "([^":/]+)/.exec(message)?.[1];
  if (host !== undefined) return replaced(host, closest(host, knownHosts(around.text)));
  return null;
}

/** `8080x` → `8080`, `127.0.0.1:80a` → `127.0.0.1:80`. */
function portIn(address: string): string | null {
  const parsed = /^(.*:)?(\d{1,5})(\D.*)$/.exec(address);
  const port = Number(parsed?.[2]);
  return parsed && port >= 1 && port <= 65_535 ? `${parsed[1] ?? ''}${port}` : null;
}

/** A file of nearly the same name in the same folder. The directive may name it without its folder. */
function replaceFile(words: readonly string[], missing: string): string | null {
  const found = closest(basename(missing), namesIn(dirname(missing)) ?? []);
  const index = words.findIndex((word) => missing.endsWith(unquoteWord(word)));
  if (found === null || index < 0) return null;
  return words.map((word, at) => (at === index ? word.replace(basename(missing), found) : word)).join(' ');
}

/** Names that nginx can resolve: upstreams of the same file, and /etc/hosts. */
function knownHosts(text: string): string[] {
  const upstreams = [...text.matchAll(/^\s*upstream\s+([^\s{]+)/gm)].map(([, name = '']) => name);
  const hosts = readTextOrNull('/etc/hosts')
    ?.split('\n')
    .flatMap((line) => line.replace(/#.*/, '').trim().split(/\s+/).slice(1));
  return [...upstreams, ...(hosts ?? [])];
}

/** The one candidate at most two letters away; `null` when there is none or more than one. */
export function closest(word: string, candidates: readonly string[]): string | null {
  const most = Math.min(2, Math.max(1, Math.floor(word.length / 3)));
  const near = [...new Set(candidates)]
    .map((candidate) => ({ candidate, letters: distance(word, candidate) }))
    .filter(({ letters }) => letters > 0 && letters <= most)
    .sort((a, b) => a.letters - b.letters);
  const [first, second] = near;
  if (first === undefined || (second !== undefined && second.letters === first.letters)) return null;
  return first.candidate;
}

/** How many letters have to be changed, put in or left out (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1)
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}

function locate(text: string, line: number): ReturnType<typeof locateLine> {
  try {
    parseNginx(text);
    return locateLine(text, line);
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

function readConfig(file: string): string | null {
  try {
    return readAllowed(file, NGINX_ROOTS, CONFIG_BYTES).bytes.toString('utf8');
  } catch (error) {
    if (error instanceof Fault) return null;
    throw error;
  }
}

function excerptOf(text: string, line: number): string {
  const lines = text.split('\n');
  const from = Math.max(0, line - 1 - CONTEXT_LINES);
  return lines
    .slice(from, line + CONTEXT_LINES)
    .map(
      (content, index) =>
        `${from + index + 1 === line ? '>' : ' '} ${String(from + index + 1).padStart(4)}  ${content}`,
    )
    .join('\n');
}
