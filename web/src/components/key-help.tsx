/** The keys of the dashboard. */
import { Dialog } from '../ui/dialog.tsx';
import { Kbd } from '../ui/kbd.tsx';
import { modKey } from '../ui/keys.ts';
import { places } from './nav.ts';

const keys: readonly (readonly [keys: readonly string[], what: string])[] = [
  [[modKey, 'K'], 'Go to or do something'],
  [['/'], 'Search in the list on the page'],
  [['j'], 'Next row'],
  [['k'], 'Row before'],
  [['Enter'], 'Open the row'],
  [['a'], 'Approve: asks first, never decides by itself'],
  [['r'], 'Reject: asks for the reason first'],
  [['?'], 'This list'],
];

export default function KeyHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog
      open
      onClose={onClose}
      title="Keyboard"
      textOnly
      description="Single keys can be turned off in your account."
    >
      <dl className="grid grid-cols-[1fr_auto] items-center gap-y-2 text-sm">
        {keys.map(([combo, what]) => (
          <Row key={what} combo={combo} what={what} />
        ))}
        <dt className="col-span-2 mt-3 text-xs font-medium text-faint">Go to</dt>
        {places.map(({ key, label }) => (
          <Row key={key} combo={['g', key]} what={label} />
        ))}
      </dl>
    </Dialog>
  );
}

function Row({ combo, what }: { combo: readonly string[]; what: string }) {
  return (
    <>
      <dt>{what}</dt>
      <dd className="flex justify-end gap-1">
        {combo.map((key) => (
          <Kbd key={key}>{key}</Kbd>
        ))}
      </dd>
    </>
  );
}
