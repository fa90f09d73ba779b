/** Says on every page that all changes are paused, by whom, and how they go on. */

import { stripControl } from '@countersign/protocol/text';
import { OctagonPause, Play } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { useMay } from '../api/session.ts';
import { Button } from '../ui/button.tsx';
import { Opening } from '../ui/opening.tsx';
import { When } from '../ui/time.tsx';
import { useWaiting } from './waiting.ts';

const ResumeDialog = lazy(() => import('./resume-dialog.tsx'));

const channelWords: Readonly<Record<string, string>> = {
  web: 'in the dashboard',
  telegram: 'in Telegram',
  cli: 'on the command line',
};

export function PauseBanner() {
  const { pause } = useWaiting();
  const owner = useMay('owner');
  const [resuming, setResuming] = useState(false);
  return (
    <div role="status">
      {pause && (
        <div className="flex flex-wrap items-center justify-center gap-x-4 gap-y-1.5 border-b border-crit/30 bg-crit-soft px-4 py-2 text-sm">
          <p className="flex min-w-0 items-start gap-2">
            <OctagonPause aria-hidden className="mt-0.5 size-4 shrink-0 text-crit" />
            <span className="min-w-0 [overflow-wrap:anywhere]">
              <strong className="font-semibold text-crit">All changes are paused</strong> by {pause.by.name}{' '}
              {channelWords[pause.channel] ?? pause.channel}, <When at={pause.since} />.
              {pause.reason && ` “${stripControl(pause.reason)}”`} Reading goes on.
              {!owner && ' An owner can resume.'}
            </span>
          </p>
          {owner && (
            <Button size="sm" icon={Play} onClick={() => setResuming(true)}>
              Resume
            </Button>
          )}
        </div>
      )}
      <Suspense fallback={<Opening />}>{resuming && <ResumeDialog onClose={() => setResuming(false)} />}</Suspense>
    </div>
  );
}
