/** The places, at the side of wide windows and behind the menu button of narrow ones. */
import { Link } from '@tanstack/react-router';
import { Keyboard } from 'lucide-react';
import { useMe } from '../api/session.ts';
import { placeGroups } from './nav.ts';
import { useWaiting } from './waiting.ts';

export function SideNav({ onGo, onHelp }: { onGo: () => void; onHelp: () => void }) {
  const { person } = useMe();
  const waiting = useWaiting();
  return (
    <nav aria-label="Places" className="flex flex-1 flex-col gap-4">
      {placeGroups.map(({ title, places }) => (
        <div key={title ?? 'main'}>
          {title && <p className="mb-1 px-2 text-xs font-medium text-faint">{title}</p>}
          <ul className="space-y-px">
            {places.map(({ to, label, icon: Icon, key }) => (
              <li key={to}>
                <Link
                  to={to}
                  onClick={onGo}
                  aria-keyshortcuts={`g ${key}`}
                  activeOptions={{ exact: to === '/' }}
                  className="group flex h-11 items-center gap-2.5 rounded-lg px-2 text-base text-dim hover:bg-sunken hover:text-ink data-[status=active]:bg-accent-soft data-[status=active]:font-medium data-[status=active]:text-accent lg:h-8 lg:text-sm"
                >
                  <Icon aria-hidden className="size-4" strokeWidth={1.75} />
                  {label}
                  {to === '/inbox' && waiting > 0 && (
                    <span className="ml-auto rounded-full bg-accent px-1.5 text-2xs font-semibold text-on-accent">
                      {waiting}
                      <span className="sr-only"> waiting</span>
                    </span>
                  )}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
      <div className="mt-auto flex items-center gap-2 border-t border-line pt-3">
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
    </nav>
  );
}
