/** The frame of every page for signed-in people: places, live state, keys. */
import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import { Command, Menu, OctagonPause, X } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { useLiveStream } from '../api/live.ts';
import { useMay } from '../api/session.ts';
import { IconButton } from '../ui/button.tsx';
import { modKey, useKeys } from '../ui/keys.ts';
import { Mark } from '../ui/mark.tsx';
import { useMedia } from '../ui/media.ts';
import { Opening } from '../ui/opening.tsx';
import { useTabCount } from '../ui/page-head.tsx';
import { LiveBanner } from './live-banner.tsx';
import { places } from './nav.ts';
import { PauseBanner } from './pause-banner.tsx';
import { PhoneBar } from './phone-bar.tsx';
import { SideNav } from './side-nav.tsx';
import { useWaiting } from './waiting.ts';

const Palette = lazy(() => import('./palette.tsx'));
const KeyHelp = lazy(() => import('./key-help.tsx'));
const PauseDialog = lazy(() => import('./pause-dialog.tsx'));

export function Shell() {
  const navigate = useNavigate();
  const [over, setOver] = useState<'palette' | 'help' | 'menu' | 'pause' | null>(null);
  useLiveStream();
  const mayPause = useMay('approver');
  const narrow = useMedia('(width < 640px)');
  const waiting = useWaiting();
  useTabCount(waiting.actions);
  useKeys({
    'mod+k': () => setOver('palette'),
    '/': () => document.querySelector<HTMLElement>('[data-search]')?.focus() ?? setOver('palette'),
    '?': () => setOver('help'),
    ...Object.fromEntries(places.map(({ key, to }) => [`g ${key}`, () => void navigate({ to })])),
  });
  const close = () => setOver(null);
  return (
    <div className="lg:grid lg:min-h-dvh lg:grid-cols-[14rem_minmax(0,1fr)]">
      <a
        href="#main"
        className="sr-only z-50 rounded-lg bg-accent px-4 py-2 font-medium text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>
      <header className="flex h-12 items-center justify-between border-b border-line bg-surface px-4 lg:hidden">
        <Link to="/" className="flex items-center gap-2 font-semibold tracking-tight">
          <Mark /> Countersign
        </Link>
        <div className="-mr-2 flex">
          {mayPause && waiting.pause === null && (
            <IconButton
              icon={OctagonPause}
              label="Pause everything"
              className="text-crit!"
              onClick={() => setOver('pause')}
            />
          )}
          <IconButton icon={Command} label="Go to or do something" onClick={() => setOver('palette')} />
          <IconButton
            icon={over === 'menu' ? X : Menu}
            label={over === 'menu' ? 'Close the menu' : 'Menu'}
            aria-expanded={over === 'menu'}
            onClick={() => setOver(over === 'menu' ? null : 'menu')}
          />
        </div>
      </header>
      <aside
        className={
          over === 'menu'
            ? 'fixed inset-x-0 top-12 bottom-0 z-30 overflow-y-auto bg-surface p-3 pb-24 lg:static'
            : 'hidden border-r border-line bg-surface lg:block'
        }
      >
        <div className="lg:sticky lg:top-0 lg:flex lg:h-dvh lg:flex-col lg:overflow-y-auto lg:p-3">
          <Link to="/" className="mb-3 hidden items-center gap-2 px-2 py-1.5 font-semibold tracking-tight lg:flex">
            <Mark /> Countersign
          </Link>
          <button
            type="button"
            onClick={() => setOver('palette')}
            className="mb-3 hidden h-8 items-center justify-between rounded-lg border border-line px-2.5 text-sm text-dim hover:border-line-strong hover:text-ink lg:flex"
          >
            Go to… <kbd className="font-sans text-2xs text-faint">{modKey} K</kbd>
          </button>
          <SideNav onGo={close} onHelp={() => setOver('help')} onPause={() => setOver('pause')} />
        </div>
      </aside>
      <div className="min-w-0">
        {/* On a phone it would take too much of the window to stay in it. */}
        {narrow && <PauseBanner />}
        <div className="sticky top-0 z-20">
          {!narrow && <PauseBanner />}
          <LiveBanner />
        </div>
        <main
          id="main"
          tabIndex={-1}
          className="mx-auto w-full max-w-6xl px-4 pt-5 pb-28 outline-none sm:px-8 lg:pt-8 lg:pb-16"
        >
          <Outlet />
        </main>
      </div>
      <PhoneBar onGo={close} />
      <Suspense fallback={<Opening />}>
        {over === 'palette' && (
          <Palette onClose={close} onPause={mayPause && waiting.pause === null ? () => setOver('pause') : null} />
        )}
        {over === 'pause' && <PauseDialog onClose={close} />}
        {over === 'help' && <KeyHelp onClose={close} />}
      </Suspense>
    </div>
  );
}
