/** The policy in force: read from a file, and read again when the file changes. */
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fault } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { appendEntry, whoIs } from '../audit/ledger.ts';
import { writeWhole } from '../config/secrets.ts';
import { failPoint } from '../fail-points.ts';
import type { Core } from '../ports.ts';
import { write } from '../storage/write.ts';
import { defaultPolicy } from './default-policy.ts';
import { describeProblem, parsePolicy } from './parse.ts';
import type { Policy } from './policy.ts';

export interface PolicyInForce {
  readonly policy: Policy;
  /** The text of the policy in force. */
  readonly yaml: string;
  /** SHA-256 of that text: the version of the policy, kept with every action. */
  readonly sha256: string;
  /** Where it comes from, for people: a path or `built in`. */
  readonly source: string;
  /** What is wrong with the file as it is now. The policy in force is then an older one, or denies every change. */
  readonly problems: readonly string[];
}

/** Where use cases get the policy. Not inside `write`: a changed file is recorded in a transaction of its own. */
export interface PolicyBook {
  current(): Promise<PolicyInForce>;
}

/** The same, for who may also replace the file. */
export interface PolicyFile extends PolicyBook {
  /**
   * Puts other rules in force, by writing the file whole. `before` is the SHA-256 of the rules that they replace. Rejects with
   * `outdated` when others are in force by now, `invalid_input` when the text is no policy: then nothing changes.
   */
  replace(text: string, before: string): Promise<PolicyInForce>;
}

/** In force when the file was never readable: nobody knows what its rules would have denied. */
const denyEverything: Policy = {
  format: 'countersign-policy/1',
  rules: [
    { name: 'policy-unreadable', when: {}, deny: { reason: 'The policy file cannot be read; see the policy page.' } },
  ],
};

/**
 * Opens the policy at `path`. Without a file the built-in one is in force. A file with problems leaves the last good policy in
 * force, or, when there was none, one that denies every change. Each change of policy is recorded in the audit log.
 */
export async function openPolicy(
  deps: Pick<Core, 'db' | 'clock' | 'log'>,
  { path }: { readonly path: string },
): Promise<PolicyFile> {
  let seen: string | undefined;
  let inForce: PolicyInForce | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const look = async (): Promise<PolicyInForce> => {
    const now = versionOf(path);
    if (inForce && now === seen) return inForce;
    const next = now === 'none' ? builtIn() : await readPolicy(path, inForce);
    if (next.sha256 !== inForce?.sha256 || next.problems.length > 0) await record(deps, next);
    [seen, inForce] = [now, next];
    return next;
  };
  const inTurn = (work: () => Promise<PolicyInForce>) => {
    const mine = turn.then(work, work);
    turn = mine;
    return mine;
  };
  const replace = async (text: string, before: string) => {
    if ((await look()).sha256 !== before) throw policyMoved();
    mustBePolicy(text);
    failPoint('policy.file.before_write');
    await writeWhole(path, text.trimEnd()); // which ends it with a line feed
    failPoint('policy.file.after_write');
    return look();
  };
  await inTurn(look);
  return { current: () => inTurn(look), replace: (text, before) => inTurn(() => replace(asFile(text), before)) };
}

/** A policy as its file holds it: with one line feed at the end. */
export function asFile(text: string): string {
  return `${text.trimEnd()}\n`;
}

/** The policy that a text holds. Throws `invalid_input` with every problem. */
export function mustBePolicy(text: string): Policy {
  const parsed = parsePolicy(text);
  if ('policy' in parsed) return parsed.policy;
  throw fault('invalid_input', { problems: parsed.problems.map(describeProblem).join('; ') });
}

/** Somebody was faster. */
export function policyMoved() {
  return fault('outdated', { what: 'other rules are in force by now than those that yours replace' });
}

/** Changes whenever the file does: `none` while there is no file. Asked at once, since the way to a thread and back takes longer. */
function versionOf(path: string): string {
  try {
    const { mtimeNs, ctimeNs, size, ino } = statSync(path, { bigint: true });
    return [mtimeNs, ctimeNs, size, ino].join(' ');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'none';
    throw error;
  }
}

function builtIn(): PolicyInForce {
  const parsed = parsePolicy(defaultPolicy);
  if (!('policy' in parsed)) throw new Error(`the built-in policy: ${parsed.problems.map(describeProblem).join('; ')}`);
  return {
    policy: parsed.policy,
    yaml: defaultPolicy,
    sha256: sha256(defaultPolicy),
    source: 'built in',
    problems: [],
  };
}

async function readPolicy(path: string, before: PolicyInForce | undefined): Promise<PolicyInForce> {
  const { text, failure } = await readFile(path, 'utf8').then(
    (text) => ({ text, failure: undefined }),
    (error: Error) => ({ text: '', failure: error.message }),
  );
  const parsed = failure === undefined ? parsePolicy(text) : { problems: [{ line: 1, column: 1, message: failure }] };
  if ('policy' in parsed)
    return { policy: parsed.policy, yaml: text, sha256: sha256(text), source: path, problems: [] };
  const problems = parsed.problems.map(describeProblem);
  return before
    ? { ...before, problems }
    : { policy: denyEverything, yaml: text, sha256: sha256(text), source: path, problems };
}

async function record({ db, clock, log }: Pick<Core, 'db' | 'clock' | 'log'>, next: PolicyInForce): Promise<void> {
  const { sha256, source, problems, policy } = next;
  const [at, who] = [clock.now(), whoIs('system')];
  if (problems.length > 0) {
    log.error('policy.rejected', { source, problems });
    await write(db, (trx) =>
      appendEntry(trx, { event: 'policy.rejected', at, who, details: { sha256, problems: [...problems] } }),
    );
    return;
  }
  log.info('policy.loaded', { source, sha256, rules: policy.rules.length });
  await write(db, 'policy.load', (trx) =>
    appendEntry(trx, { event: 'policy.loaded', at, who, details: { sha256, source, rules: policy.rules.length } }),
  );
}
