/** The calls of nft(8) and what they say. Rules are handed over on standard input, so that reading needs no file. */
import { fault } from '@countersign/protocol';
import { type Executed, howItEnded } from '../../host/execution.ts';
import { withTextFile } from '../../host/text-file.ts';
import type { ObserveContext } from '../capability.ts';
import { parseRules, type Rules } from './reachable-ports.ts';

/** Where a Debian keeps its rules, and its service loads them from. */
export const RULES_FILE = '/etc/nftables.conf';

const CALL_MS = 15_000;
/** More than this nobody has written by hand; a larger ruleset could not be put back for sure. */
const RULESET_BYTES_MAX = 4 * 1024 * 1024;

/** How new rules are judged before anything changes. */
export const CHECK_ARGV = ['nft', '--check', '--file', '-'] as const;
/** How a file of rules is loaded: all of it, or nothing. */
export const loadArgv = (path: string) => ['nft', '--file', path];

/**
 * The rules in force, as text that nft takes. `stable`: without counters and the elements of sets, which change by
 * themselves. Throws `precondition_failed` when nft is missing or does not tell.
 */
export async function presentRules(
  context: ObserveContext,
  options: { readonly stable?: boolean } = {},
): Promise<string> {
  const flags = options.stable === true ? ['--stateless', '--terse'] : [];
  return (await call(context, ['nft', ...flags, 'list', 'ruleset'])).stdout;
}

/** Why nft refuses a text of rules, or `null`. Nothing changes. */
export async function whyRefused(context: ObserveContext, text: string): Promise<string | null> {
  const done = await context.exec({ argv: CHECK_ARGV, input: text, ...CALL, signal: context.signal });
  if (done.exitCode === 0) return null;
  requireStarted(done);
  // Only the first line: it says where and why. The lines below it show the text itself.
  const said = done.stderr.trim().split('\n')[0] ?? '';
  return said.replace(/^\/dev\/stdin:/, 'line ').slice(0, 300) || `nft ${howItEnded(done)}`;
}

/** The rules in force, as data; `null` when they cannot be told. */
export async function presentRulesParsed(context: ObserveContext): Promise<Rules | null> {
  const done = await context.exec({ argv: ['nft', '--json', 'list', 'ruleset'], ...CALL, signal: context.signal });
  return done.exitCode === 0 && !done.truncated ? parseRules(done.stdout) : null;
}

/**
 * A text of rules as data, found out by loading it in a network namespace that exists for this call alone; `null` when that
 * cannot be done, as when a rule names an interface by its number.
 */
export async function rulesOf(context: ObserveContext, text: string): Promise<Rules | null> {
  // With --json, nft opens its standard input by name, which it cannot when that is a socket.
  const done = await withTextFile(text, (path) =>
    context.exec({
      argv: ['unshare', '--net', '--', 'nft', '--echo', '--json', '--file', path],
      timeoutMs: CALL_MS,
      maxBytes: RULESET_BYTES_MAX,
      signal: context.signal,
    }),
  );
  return done.exitCode === 0 && !done.truncated ? parseRules(done.stdout) : null;
}

/**
 * What keeps a text from being taken as the whole ruleset, or `null`. `include` would let nft read any file of the server
 * and print its lines in its complaints, and nobody would have seen what it holds. The word is refused wherever it stands,
 * comments too: strings of nft go over several lines, so only nft itself knows what is a comment.
 */
export function whyNotWhole(text: string): string | null {
  if (/\binclude\b/.test(text))
    return 'the word include stands in it; all rules have to be in the text that is approved, and no other file is read';
  const first =
    text
      .replace(/#.*$/gm, '')
      .split(/[;\n]/)
      .find((statement) => statement.trim() !== '') ?? '';
  return /^\s*flush\s+ruleset\s*$/.test(first)
    ? null
    : 'it has to begin with `flush ruleset`, since it stands for all rules of the server';
}

const CALL = { timeoutMs: CALL_MS, maxBytes: RULESET_BYTES_MAX, hostNetwork: true } as const;

async function call(context: ObserveContext, argv: readonly string[]): Promise<Executed> {
  const done = await context.exec({ argv, ...CALL, signal: context.signal });
  requireStarted(done);
  if (done.exitCode !== 0 || done.truncated)
    throw fault('precondition_failed', {
      reason: done.truncated
        ? 'the rules in force are too many to keep'
        : `nft ${howItEnded(done)}, so the rules in force are not known`,
    });
  return done;
}

function requireStarted(done: Executed): void {
  const missing = done.notStarted === 'ENOENT' || (done.exitCode === 127 && /failed to execute/.test(done.stderr));
  if (missing) throw fault('precondition_failed', { reason: 'nft is not installed on the server (package nftables)' });
}
