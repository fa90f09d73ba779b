/** What the server's own policy file allows. It is written on the server only, by its owner. */
import type { ServerDetail } from '@countersign/protocol/operator-api/index';
import { Lock, LockOpen } from 'lucide-react';
import { Tag } from '../ui/badge.tsx';
import { Facts } from '../ui/facts.tsx';
import { Notice } from '../ui/notice.tsx';

export function ServerPolicy({ server: { policy } }: { server: ServerDetail }) {
  if (!policy) return <p className="text-sm text-dim">Not known yet.</p>;
  const paths = (roots: readonly string[]) =>
    roots.length === 0 ? (
      'none'
    ) : (
      <span className="flex flex-wrap gap-1">
        {roots.map((root) => (
          <Tag key={root} mono>
            {root}
          </Tag>
        ))}
      </span>
    );
  return (
    <div className="space-y-4">
      {policy.lock && !policy.lock.disabled ? (
        <Notice tone="ok" icon={Lock} title="Locked">
          The server itself checks the signatures of {policy.lock.keys.length}{' '}
          {policy.lock.keys.length === 1 ? 'approver' : 'approvers'}. Not even this control plane can run anything
          without them.
        </Notice>
      ) : (
        <Notice icon={LockOpen} title="Not locked: it trusts this control plane">
          Whoever controls this control plane can approve for it, within what is listed here.
        </Notice>
      )}
      <Facts
        rows={[
          ['Mode', policy.mode === 'act' ? 'act: changes are possible' : 'observe: reading only'],
          ['Highest risk', policy.maxRisk],
          ['Commands', policy.commands ? 'allowed, each with a decision' : 'off: playbooks only'],
          ['May read', paths(policy.readRoots)],
          ['May write', paths(policy.writeRoots)],
        ]}
      />
      <p className="text-sm text-dim">
        Its owner changes this in <code className="font-mono text-xs">/etc/countersign/policy.yaml</code> on the server;
        nobody can from here.
      </p>
    </div>
  );
}
