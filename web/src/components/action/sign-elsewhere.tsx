/** For who cannot sign on this page: why, and the line that signs with a key file or an ssh-agent. */
import { Link } from '@tanstack/react-router';
import { CopyIcon } from '../../ui/copy.tsx';
import type { Signing } from './signing.ts';

interface SignElsewhereProps {
  why: string;
  command: string;
  signing: Signing;
}

export function SignElsewhere({ why, command, signing: { lock } }: SignElsewhereProps) {
  return (
    <div className="mt-2 text-sm text-dim">
      <p>
        {lock === null ? 'The policy asks for a passkey, but' : 'This server is locked and counts only signatures, but'}{' '}
        {why}{' '}
        {lock === null ? (
          <Link to="/account" className="underline underline-offset-2">
            Add one in your account
          </Link>
        ) : (
          'With a key file or an ssh-agent, sign on the command line:'
        )}
      </p>
      {lock !== null && (
        <p className="mt-1 flex items-center gap-1">
          <code className="min-w-0 font-mono text-xs text-ink [overflow-wrap:anywhere]">{command}</code>
          <CopyIcon text={command} label="Copy the command" />
        </p>
      )}
    </div>
  );
}
