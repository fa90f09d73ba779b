/** Programs and parsers that judge a new content. The argv is ours; nobody sends one. */
import { fault, type ParametersOf } from '@countersign/protocol';
import { howItEnded, saidBy } from '../../host/execution.ts';
import type { ObserveContext } from '../capability.ts';
import { NGINX_TEST_ARGV, parseComplaints } from '../nginx/nginx-test.ts';
import { treeProblem } from './config-edit/tree.ts';

export type Validator = ParametersOf<'file.write'>['validator'];

const VALIDATE_MS = 20_000;

/** What is started to judge files in their place; nothing for a validator that reads the text itself. */
export function validatorArgv(validator: Validator, path: string): string[] | null {
  switch (validator) {
    case 'nginx':
      return [...NGINX_TEST_ARGV];
    case 'sshd':
      return ['/usr/sbin/sshd', '-t'];
    case 'systemd':
      return ['systemd-analyze', 'verify', '--', path];
    default:
      return null;
  }
}

/**
 * Judges a text before it is written. Throws `validator_failed`. `shown`: the same as people see it; where it differs, the text
 * holds secrets, and no word of a parser that may quote them is passed on.
 */
export function validateText(validator: Validator, path: string, text: string, shown: string): void {
  if (validator !== 'json' && validator !== 'yaml') return;
  const problem = treeProblem(validator, text);
  const reason = problem === null || text === shown ? problem : 'with its secrets put in, it is not valid';
  if (reason !== null) throw fault('validator_failed', { path, validator: validator.toUpperCase(), reason });
}

/**
 * Judges the files as they lie now: why they are refused, or `null`. Throws `precondition_failed` when there is no such
 * validator on the server.
 */
export async function validateInPlace(
  context: ObserveContext,
  validator: Validator,
  path: string,
): Promise<string | null> {
  const argv = validatorArgv(validator, path);
  if (argv === null) return null;
  const done = await context.exec({ argv, timeoutMs: VALIDATE_MS, hostNetwork: true, signal: context.signal });
  const missing = done.notStarted === 'ENOENT' || (done.exitCode === 127 && /failed to execute/.test(done.stderr));
  if (missing)
    throw fault('precondition_failed', {
      reason: `${argv[0]} is not installed on the server, so it cannot judge the file`,
    });
  if (done.exitCode === 0) return null;
  const complaint = parseComplaints(done.stderr).find(({ level }) => level !== 'warn');
  if (complaint)
    return `${complaint.message}${complaint.file === null ? '' : ` in ${complaint.file}:${complaint.line}`}`;
  return saidBy(done).trim().split('\n')[0]?.slice(0, 300) || `it ${howItEnded(done)}`;
}
