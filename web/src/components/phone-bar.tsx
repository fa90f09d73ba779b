/** The places that one needs at night, under the thumb. */
import { placeGroups } from './nav.ts';
import { PlaceLinks } from './place-links.tsx';

const main = (placeGroups[0]?.places ?? []).filter(({ to }) => to !== '/playbooks');

export function PhoneBar({ onGo }: { onGo: () => void }) {
  return (
    <nav
      aria-label="Main places"
      className="fixed inset-x-0 bottom-0 z-30 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] lg:hidden"
    >
      <PlaceLinks places={main} look="bar" onGo={onGo} />
    </nav>
  );
}
