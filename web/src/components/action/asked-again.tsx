/** When the server had changed since the approval: what was different, and which action asks again. */
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { RotateCcw } from 'lucide-react';
import { Escaped } from '../../ui/escaped.tsx';
import { Notice } from '../../ui/notice.tsx';
import { ActionLink } from '../links.tsx';

export function AskedAgain({ action: { follows, followed_by: next } }: { action: ActionDetail }) {
  return (
    <>
      {next !== null && (
        <Notice tone="info" icon={RotateCcw} title="It was asked again, with the present state of the server.">
          <ActionLink id={next}>See the new request</ActionLink>
        </Notice>
      )}
      {follows !== null && (
        <Notice
          tone="warn"
          icon={RotateCcw}
          title="Asked again: the server is not as it was when this was approved, so it refused and did nothing."
        >
          {follows.differences.length > 0 && (
            <>
              <p>What changed since then:</p>
              <ul className="mt-1 list-disc space-y-1 pl-5 text-ink">
                {follows.differences.map((difference) => (
                  <li key={difference}>
                    <Escaped text={difference} mono={false} />
                  </li>
                ))}
              </ul>
            </>
          )}
          <p className="mt-1.5">
            Before it was <ActionLink id={follows.action} />. The plan below is new, and so is its fingerprint.
          </p>
        </Notice>
      )}
    </>
  );
}
