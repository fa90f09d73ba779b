/** The places, at the side of wide windows and behind the menu button of narrow ones. */
import { Link } from '@tanstack/react-router';
import { Keyboard, OctagonPause } from 'lucide-react';
import { useMay, useMe } from '../api/session.ts';
import { Button } from '../ui/button.tsx';
import { placeGroups } from './nav.ts';
import { PlaceLinks } from './place-links.tsx';
import { useWaiting } from './waiting.ts';

interface SideNavProps {
  onGo: () => void;
  onHelp: () => void;
  onPause: () => void;
}

export function SideNav({ onGo, onHelp, onPause }: SideNavProps) {
  const { person } = useMe();
  const mayPause = useMay('approver');
  const { pause } = useWaiting();
  return (
    <nav aria-label="Places" className="flex flex-1 flex-col gap-4">
      {placeGroups.map(({ title, places }) => (
        <div key={title ?? 'main'}>
          {title && <p className="mb-1 px-2 text-xs font-medium text-faint">{title}</p>}
          <PlaceLinks places={places} look="side" onGo={onGo} />
        </div>
      ))}
      <div className="mt-auto space-y-3">
        {mayPause && pause === null && (
          <Button kind="danger" icon={OctagonPause} className="w-full" onClick={onPause}>
            Pause everything
          </Button>
        )}
        <div className="flex items-center gap-2 border-t border-line pt-3">
          <Link to="/account" onClick={onGo} className="min-w-0 flex-1 rounded-lg px-2 py-1 hover:bg-sunken">
            <span className="block truncate text-sm font-medium">{person.name}</span>
            <span className="block truncate text-xs text-dim">{person.role}</span>
          </Link>
          <button
            type="button"
            aria-label="Keyboard shortcuts"
            title="Keyboard shortcuts (?)"
            onClick={onHelp}
            className="hidden size-8 items-center justify-center rounded-lg text-dim hover:bg-sunken hover:text-ink lg:flex"
          >
            <Keyboard aria-hidden className="size-4" />
          </button>
        </div>
      </div>
    </nav>
  );
}
