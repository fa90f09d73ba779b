/**
 * What a hostile control plane can do to a server that is not locked, and what it cannot: the truth behind “this server trusts
 * the control plane”.
 */
import type { SignedGrant } from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import { makeSigningKey, signValue } from '@countersign/protocol/signing';
import type { HostileControlPlane } from '../../world/hostile-control-plane.ts';
import { approvalOf, askedAnew, draftOf, marking, planOf } from './spoils.ts';

export interface UnlockedAttempt {
  readonly name: string;
  readonly grant: SignedGrant;
  /** `runs`, or how it is refused. */
  readonly code: string;
  readonly reason?: RegExp;
  /** File that is there once it ran. */
  readonly effect?: string;
}

/** For a server whose own policy asks for one approval by passkey on the dashboard. */
export async function unlockedAttempts(plane: HostileControlPlane): Promise<UnlockedAttempt[]> {
  const mark = async (name: string) => planOf(plane, [marking(name)]);
  const claimed = (digest: string) => [approvalOf(digest)];
  const runs = async (name: string, of: string, given: { validForMs?: number } = {}): Promise<UnlockedAttempt> => {
    const plan = askedAnew(await mark(of), given.validForMs);
    const effect = `/var/tmp/hostile-mark-${of}`;
    return { name, grant: plane.grant(plan, claimed(digestOf(plan))), code: 'runs', effect };
  };
  const again = await runs('a command with an approval that nobody gave', 'unlocked');
  return [
    again,
    await runs('a plan that is good for a year', 'year', { validForMs: 365 * 86_400_000 }),
    ...(await refusedAllTheSame(plane)),
    { name: 'the same grant again', grant: again.grant, code: 'retold' },
  ];
}

/** What does not rest on who approved holds without a lock too. */
async function refusedAllTheSame(plane: HostileControlPlane): Promise<UnlockedAttempt[]> {
  const plan = await planOf(plane, [marking('never')]);
  const good = (given: Partial<typeof plan> = {}) => {
    const anew = askedAnew({ ...plan, ...given });
    return plane.grant(anew, [approvalOf(digestOf(anew))]);
  };
  const unsigned = askedAnew(plan);
  const other = makeSigningKey();
  const { grant } = good();
  const step = (capability: 'unit.stop' | 'file.write', parameters: object) => ({
    steps: draftOf(plane, [{ capability, parameters: parameters as never }]).steps,
  });
  const write = (path: string) => step('file.write', { path, content: 'x', expected_sha256: null, validator: 'none' });
  return [
    { name: 'no approval at all', grant: plane.grant(unsigned, []), code: 'approvals_insufficient' },
    {
      name: 'an approval weaker than its policy asks for',
      grant: plane.grant(unsigned, [approvalOf(digestOf(unsigned), { channel: 'telegram', strength: 'tap' })]),
      code: 'approvals_insufficient',
    },
    {
      name: 'another key than the one pinned at install',
      grant: { grant, key: other.publicKey, signature: signValue('grant', grant, other.seed) },
      code: 'grant_invalid',
    },
    {
      name: 'a preview made up',
      grant: good({ preview: { ...plan.preview, predictable: true } }),
      code: 'state_drifted',
    },
    {
      name: 'the agent itself stopped',
      grant: good(step('unit.stop', { unit: 'countersign-runner' })),
      code: 'server_policy_denies',
    },
    { name: 'its own policy written', grant: good(write('/etc/countersign/policy.yaml')), code: 'path_denied' },
    { name: 'the password file written', grant: good(write('/etc/shadow')), code: 'path_denied' },
    {
      name: 'a login key written, and nobody asked to confirm it',
      grant: good(write('/root/.ssh/authorized_keys')),
      code: 'grant_invalid',
      reason: /no human is asked to confirm/,
    },
  ];
}
