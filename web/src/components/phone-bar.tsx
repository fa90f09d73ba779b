/** The four places that one needs at night, under the thumb. */
import { Link } from '@tanstack/react-router';
import { placeGroups } from './nav.ts';
import { useWaiting } from './waiting.ts';

const main = (placeGroups[0]?.places ?? []).filter(({ to }) => to !== '/playbooks');

export function PhoneBar({ onGo }: { onGo: () => void }) {
  const waiting = useWaiting();
  return (
    <nav
      aria-label="Main places"
      className="fixed inset-x-0 bottom-0 z-30 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] lg:hidden"
    >
      <ul className="mx-auto flex max-w-md">
        {main.map(({ to, label, icon: Icon }) => (
          <li key={to} className="flex-1">
            <Link
              to={to}
              onClick={onGo}
              activeOptions={{ exact: to === '/' }}
              className="relative flex h-14 flex-col items-center justify-center gap-0.5 text-2xs text-dim -outline-offset-2 data-[status=active]:font-semibold data-[status=active]:text-accent"
            >
              <Icon aria-hidden className="size-5" strokeWidth={1.75} />
              {label}
              {to === '/inbox' && waiting > 0 && (
                <span className="absolute top-1.5 left-1/2 ml-1 min-w-4 rounded-full bg-accent px-1 text-center text-2xs font-semibold leading-4 text-on-accent">
                  {waiting}
                  <span className="sr-only"> waiting</span>
                </span>
              )}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
