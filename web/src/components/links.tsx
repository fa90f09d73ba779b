/** Links to the things that have a page. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { cx } from '../ui/cx.ts';

const quiet = 'rounded underline decoration-line-strong underline-offset-2 hover:decoration-current';

export function ServerLink({ server, className }: { server: { id: string; name: string }; className?: string }) {
  return (
    <Link to="/servers/$server" params={{ server: server.id }} className={cx(quiet, className)}>
      {server.name}
    </Link>
  );
}

export function ActionLink({ id, children, className }: { id: string; children?: ReactNode; className?: string }) {
  return (
    <Link to="/actions/$action" params={{ action: id }} className={cx(quiet, className)}>
      {children ?? <span className="font-mono text-xs">{id}</span>}
    </Link>
  );
}

export function PlaybookLink({ id }: { id: string }) {
  return (
    <Link to="/playbooks/$playbook" params={{ playbook: id }} className={cx(quiet, 'font-mono text-xs')}>
      {id}
    </Link>
  );
}
