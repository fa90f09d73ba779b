/** The clone from which releases of an app are made. git runs as the owner of the clone, starts no hooks and asks nobody. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fault } from '@countersign/protocol';
import { asOwnerOf } from '../../host/as-owner.ts';
import { isOursAlone } from '../../host/only-root.ts';
import type { ObserveContext } from '../capability.ts';

const ASK_MS = 8000;
const COMMIT = /^[0-9a-f]{40}$/;

/** What git must not do: ask for a password, or for whether it knows a host. */
export const GIT_ENVIRONMENT = { GIT_TERMINAL_PROMPT: '0', GIT_SSH_COMMAND: 'ssh -oBatchMode=yes' } as const;

/** A branch or tag of `origin` that is allowed, and where it stands. */
export interface Tip {
  /** `refs/heads/main` */
  readonly ref: string;
  readonly commit: string;
}

/** Throws `file_not_found`, and `precondition_failed` for a clone of root's own that others can have name programs. */
export function gitArgv(clone: string, words: readonly string[]): string[] {
  const git = ['git', '-c', 'core.hooksPath=/dev/null', '-C', clone, ...words];
  const argv = asOwnerOf(clone, git);
  if (argv.length === git.length) requireOurs(clone);
  return argv;
}

/** git starts what its configuration names (`core.sshCommand`, filters, helpers): as root only what root alone wrote there. */
function requireOurs(clone: string): void {
  const folder = existsSync(join(clone, '.git')) ? join(clone, '.git') : clone;
  const open = [clone, folder, join(folder, 'config')].find((path) => !isOursAlone(path));
  if (open !== undefined)
    throw refused(`git would run as root, and others than root can write to ${open}, which may name programs to start`);
}

/**
 * The commit that a branch, tag or commit names at `origin` now, and the ref to fetch it by. Throws `precondition_failed` when the
 * owner did not allow it or `origin` does not have it.
 */
export async function resolveRef(
  ref: string,
  clone: string,
  allowed: (name: string) => boolean,
  context: ObserveContext,
): Promise<Tip> {
  const tips = (await remoteTips(clone, context)).filter((tip) => allowed(shortName(tip.ref)));
  if (!COMMIT.test(ref)) {
    if (!allowed(ref)) throw refused(`the policy of the server does not allow ${ref}: see refs of the app`);
    // As git itself does where both have the name: a tag before a branch. Source: gitrevisions(7).
    const named = ['refs/tags/', 'refs/heads/'].map((prefix) => tips.find((tip) => tip.ref === prefix + ref));
    const found = named.find((tip) => tip !== undefined);
    if (found === undefined) throw refused(`origin has no branch or tag ${ref}`);
    return found;
  }
  for (const tip of tips)
    if (tip.commit === ref || (await isAncestor(ref, tip.commit, clone, context))) return { ref: tip.ref, commit: ref };
  throw refused(
    `commit ${ref.slice(0, 12)} is on no branch or tag that the policy of the server allows, as far as the clone knows`,
  );
}

/** Branches and tags of `origin`; annotated tags by the commit that they stand for. Source: git-ls-remote(1). */
export function parseTips(text: string): Tip[] {
  const tips = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [commit = '', ref = ''] = line.split('\t');
    if (COMMIT.test(commit) && /^refs\/(heads|tags)\//.test(ref)) tips.set(ref.replace(/\^\{\}$/, ''), commit);
  }
  return [...tips].map(([ref, commit]) => ({ ref, commit }));
}

async function remoteTips(clone: string, context: ObserveContext): Promise<Tip[]> {
  const done = await ask(clone, ['ls-remote', '--heads', '--tags', '--', 'origin'], context);
  if (done.notStarted !== null) throw refused('git is not installed');
  if (done.exitCode !== 0) throw refused(`the origin of ${clone} does not answer`);
  return parseTips(done.stdout);
}

async function isAncestor(commit: string, tip: string, clone: string, context: ObserveContext): Promise<boolean> {
  return (await ask(clone, ['merge-base', '--is-ancestor', commit, tip], context)).exitCode === 0;
}

function ask(clone: string, words: readonly string[], context: ObserveContext) {
  const { signal } = context;
  return context.exec({
    argv: gitArgv(clone, words),
    timeoutMs: ASK_MS,
    maxBytes: 4 * 1024 * 1024,
    env: GIT_ENVIRONMENT,
    hostNetwork: true,
    signal,
  });
}

const shortName = (ref: string) => ref.replace(/^refs\/(heads|tags)\//, '');
const refused = (reason: string) => fault('precondition_failed', { reason });
