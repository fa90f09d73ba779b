/** Links to places: in the side bar and, few of them, under the thumb. */
import { Link } from '@tanstack/react-router';
import { cx } from '../ui/cx.ts';
import type { Place } from './nav.ts';
import { useWaiting } from './waiting.ts';

const looks = {
  side: {
    list: 'space-y-px',
    item: '',
    link: 'h-11 items-center gap-2.5 rounded-lg px-2 text-base hover:bg-sunken hover:text-ink data-[status=active]:bg-accent-soft data-[status=active]:font-medium data-[status=active]:text-accent lg:h-8 lg:text-sm',
    icon: 'size-4',
    count: 'ml-auto px-1.5',
  },
  bar: {
    list: 'mx-auto flex max-w-md',
    item: 'flex-1',
    link: 'relative h-14 flex-col items-center justify-center gap-0.5 text-2xs -outline-offset-2 data-[status=active]:font-semibold data-[status=active]:text-accent',
    icon: 'size-5',
    count: 'absolute top-1.5 left-1/2 ml-1 min-w-4 px-1 text-center leading-4',
  },
} as const;

interface PlaceLinksProps {
  places: readonly Place[];
  look: keyof typeof looks;
  onGo: () => void;
}

export function PlaceLinks({ places, look, onGo }: PlaceLinksProps) {
  const waiting = useWaiting();
  const classes = looks[look];
  return (
    <ul className={classes.list}>
      {places.map(({ to, label, icon: Icon, key }) => {
        const count = to === '/inbox' ? waiting.actions : to === '/policy' ? waiting.amendments : 0;
        return (
          <li key={to} className={classes.item}>
            <Link
              to={to}
              onClick={onGo}
              aria-keyshortcuts={look === 'side' ? `g ${key}` : undefined}
              activeOptions={{ exact: to === '/' }}
              className={cx('flex text-dim', classes.link)}
            >
              <Icon aria-hidden className={classes.icon} strokeWidth={1.75} />
              {label}
              {count > 0 && (
                <span className={cx('rounded-full bg-accent text-2xs font-semibold text-on-accent', classes.count)}>
                  {count}
                  <span className="sr-only"> waiting</span>
                </span>
              )}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
