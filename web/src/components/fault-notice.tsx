/** An error where it happened: what is wrong and the next step, in the catalogue's words. */
import { wordsOf } from '../api/client.ts';
import { Button } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';

interface FaultNoticeProps {
  error: unknown;
  onRetry?: (() => void) | undefined;
}

export function FaultNotice({ error, onRetry }: FaultNoticeProps) {
  if (error === null || error === undefined) return null;
  const { message, next } = wordsOf(error);
  return (
    <Notice
      tone="crit"
      role="alert"
      title={message}
      aside={
        onRetry && (
          <Button size="sm" onClick={onRetry}>
            Try again
          </Button>
        )
      }
    >
      {next}
    </Notice>
  );
}
