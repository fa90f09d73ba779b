/** What the server's own policy file allows. It is written on the server only, by its owner. */
import type { ServerDetail } from '@countersign/protocol/operator-api/index';
import { Tag } from '../ui/badge.tsx';
import { Facts } from '../ui/facts.tsx';

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
      <Facts
        rows={[
          ['Mode', policy.mode === 'act' ? 'act: changes are possible' : 'observe: reading only'],
          ['Highest risk', policy.maxRisk],
          ['Commands', policy.commands ? 'allowed, each with a decision' : 'off: playbooks only'],
          ['Commands that only read', policy.readingCommands ? 'allowed, where a rule says so at once' : 'off'],
          [
            "The owner's own commands",
            policy.ownCommands?.length ? policy.ownCommands.map(({ name }) => `local.${name}`).join(', ') : 'none',
          ],
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
