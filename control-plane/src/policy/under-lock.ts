/** What a policy's verdict becomes on a locked server. Pure. */
import type { LockState, Risk } from '@countersign/protocol';
import { askByDefault } from './evaluate.ts';
import type { PolicyVerdict } from './policy.ts';

/**
 * A locked server counts nothing but signatures: what policy would allow without asking is asked for, and the page and the
 * command line, where people can sign, are among the channels. `lock` is null for a server that is not locked.
 */
export function underLock(verdict: PolicyVerdict, lock: LockState | null, risk: Risk): PolicyVerdict {
  if (lock === null || verdict.verdict === 'deny') return verdict;
  const approvals = lock.signatures[risk];
  const signed = `the server is locked and counts ${approvals === 1 ? 'only a signature' : `only ${approvals} signatures`} by approvers that it knows`;
  if (verdict.verdict === 'allow')
    return {
      verdict: 'ask',
      rule: verdict.rule,
      why: `${verdict.why} But ${signed}, so it is asked for.`,
      ask: { ...askByDefault(risk), approvals, strength: 'session' },
    };
  const { ask } = verdict;
  return {
    ...verdict,
    why: `${verdict.why} Besides, ${signed}.`,
    ask: {
      ...ask,
      approvals: Math.max(ask.approvals, approvals),
      channels: [...new Set([...ask.channels, 'web', 'cli'] as const)],
    },
  };
}
