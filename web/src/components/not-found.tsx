/** An address that leads nowhere. */
import { Link } from '@tanstack/react-router';
import { Compass } from 'lucide-react';
import { buttonClass } from '../ui/button.tsx';
import { Empty } from '../ui/empty.tsx';
import { useTabTitle } from '../ui/page-head.tsx';

export function NotFound() {
  useTabTitle('Not found');
  return (
    <main className="mx-auto max-w-lg px-4 py-16">
      <h1 className="sr-only">Not found</h1>
      <Empty
        icon={Compass}
        title="There is no page at this address."
        action={
          <Link to="/" className={buttonClass('primary')}>
            Go to the overview
          </Link>
        }
      >
        The link may be old, or cut off.
      </Empty>
    </main>
  );
}
