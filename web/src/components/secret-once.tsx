/** A secret that is shown once, with what to do with it. */
import { KeyRound } from 'lucide-react';
import type { ReactNode } from 'react';
import { Command } from '../ui/copy.tsx';
import { Notice } from '../ui/notice.tsx';

export function SecretOnce({ secret, label, children }: { secret: string; label: string; children?: ReactNode }) {
  return (
    <div className="space-y-3">
      <Notice tone="warn" icon={KeyRound} title="Copy it now: it is not shown again.">
        Only its hash is kept here.
      </Notice>
      <Command text={secret} label={label} />
      {children}
    </div>
  );
}
