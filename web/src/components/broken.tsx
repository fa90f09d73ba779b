/** A page that could not be shown. */
import type { ErrorComponentProps } from '@tanstack/react-router';
import { Button } from '../ui/button.tsx';
import { FaultNotice } from './fault-notice.tsx';

export function Broken({ error, reset }: ErrorComponentProps) {
  // After an update of the control plane an open tab asks for chunks that are gone: a reload gets the new ones.
  const outdated = /dynamically imported module|Importing a module script failed/.test(String(error));
  return (
    <div className="mx-auto max-w-lg space-y-4 px-4 py-16">
      <h1 className="text-xl font-semibold">{outdated ? 'Countersign was updated' : 'This page cannot be shown'}</h1>
      {!outdated && <FaultNotice error={error} />}
      <div className="flex gap-2">
        <Button kind="primary" onClick={() => location.reload()}>
          Reload
        </Button>
        {!outdated && <Button onClick={reset}>Try again</Button>}
      </div>
    </div>
  );
}
