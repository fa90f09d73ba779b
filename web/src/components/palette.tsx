/** Type a few letters to go somewhere: places, servers, what waits, playbooks. */
import { Dialog as Base } from '@base-ui/react/dialog';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { BookText, CornerDownLeft, Hand, type LucideIcon, OctagonPause, Plus, Server } from 'lucide-react';
import { type KeyboardEvent, useId, useMemo, useState } from 'react';
import { query } from '../api/queries.ts';
import { cx } from '../ui/cx.ts';
import { places } from './nav.ts';

interface Entry {
  readonly id: string;
  readonly label: string;
  readonly kind: string;
  readonly icon: LucideIcon;
  readonly words: string;
  readonly go: () => void;
}

/** Whether all letters come in order, and how tightly: the smaller, the better; null when they do not. */
function rank(text: string, wanted: string): number | null {
  const [hay, needle] = [text.toLowerCase(), wanted.toLowerCase()];
  const whole = hay.indexOf(needle);
  if (whole >= 0) return whole === 0 ? 0 : hay[whole - 1] === ' ' ? 1 : 2;
  let at = -1;
  for (const letter of needle.replaceAll(' ', '')) {
    at = hay.indexOf(letter, at + 1);
    if (at < 0) return null;
  }
  return 10 + at;
}

interface PaletteProps {
  onClose: () => void;
  /** Opens the question whether to pause everything; null for who may not, or when it is paused already. */
  onPause: (() => void) | null;
}

export default function Palette({ onClose, onPause }: PaletteProps) {
  const [text, setText] = useState('');
  // By hand, and by its name: what is loaded late must not put another entry under the key that is about to be pressed.
  const [wanted, setWanted] = useState<string | null>(null);
  const id = useId();
  const entries = useEntries(onClose, onPause);
  const found = useMemo(
    () =>
      entries
        .map((entry) => ({ entry, order: rank(`${entry.label} ${entry.words}`, text.trim()) }))
        .filter((it): it is { entry: Entry; order: number } => it.order !== null)
        .toSorted((a, b) => a.order - b.order)
        .slice(0, 30)
        .map(({ entry }) => entry),
    [entries, text],
  );
  const at = Math.max(
    0,
    found.findIndex((entry) => entry.id === wanted),
  );
  const chosen = found[at];
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (by !== 0 && found.length > 0) {
      event.preventDefault();
      const next = (at + by + found.length) % found.length;
      setWanted(found[next]?.id ?? null);
      document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter') {
      event.preventDefault();
      chosen?.go();
    }
  };
  return (
    <Base.Root open onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-shade" />
        <Base.Popup className="fixed inset-x-3 top-3 z-50 flex max-h-[70dvh] flex-col overflow-hidden rounded-2xl bg-surface shadow-float sm:inset-x-auto sm:top-[14vh] sm:left-1/2 sm:w-[34rem] sm:-translate-x-1/2">
          <Base.Title className="sr-only">Go to</Base.Title>
          <input
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setWanted(null);
            }}
            onKeyDown={onKeyDown}
            role="combobox"
            aria-expanded="true"
            aria-controls={`${id}-list`}
            aria-activedescendant={chosen ? `${id}-${at}` : undefined}
            aria-label="Go to a place, server, action or playbook"
            placeholder="Go to a place, server, action or playbook…"
            className="h-12 shrink-0 border-b border-line bg-transparent px-4 text-[1rem] -outline-offset-2 placeholder:text-faint focus-visible:outline-none"
          />
          <div id={`${id}-list`} role="listbox" aria-label="Results" className="min-h-0 overflow-y-auto p-1.5">
            {found.map((entry, row) => (
              <div
                key={entry.id}
                id={`${id}-${row}`}
                role="option"
                tabIndex={-1}
                aria-selected={entry === chosen}
                onClick={entry.go}
                onKeyDown={onKeyDown}
                onPointerMove={() => setWanted(entry.id)}
                className={cx(
                  'flex min-h-10 cursor-pointer items-center gap-3 rounded-lg px-3 text-base',
                  entry === chosen ? 'bg-accent-soft text-accent' : 'text-ink',
                )}
              >
                <entry.icon aria-hidden className="size-4 shrink-0 opacity-75" strokeWidth={1.75} />
                <span className="min-w-0 flex-1 truncate">{entry.label}</span>
                <span className={cx('text-xs', entry === chosen ? 'text-accent' : 'text-faint')}>{entry.kind}</span>
                {entry === chosen && <CornerDownLeft aria-hidden className="size-3.5 shrink-0" />}
              </div>
            ))}
          </div>
          {found.length === 0 && (
            <p role="status" className="px-4 py-6 text-center text-dim">
              Nothing is called like that.
            </p>
          )}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

function useEntries(onClose: () => void, onPause: (() => void) | null): Entry[] {
  const navigate = useNavigate();
  const overview = useQuery(query('getOverview', {}));
  const servers = useQuery(query('listServers', { limit: 200 }));
  const playbooks = useQuery(query('listPlaybooks', {}));
  return useMemo(() => {
    const entry = (key: string, label: string, kind: string, icon: LucideIcon, words: string, go: () => unknown) => ({
      id: key,
      label,
      kind,
      icon,
      words,
      go: () => {
        onClose();
        void go();
      },
    });
    return [
      ...(overview.data?.pending ?? []).map((action) =>
        entry(action.id, action.title, 'waiting', Hand, 'approve', () =>
          navigate({ to: '/actions/$action', params: { action: action.id } }),
        ),
      ),
      ...places.map(({ to, label, icon, words }) =>
        entry(to, label, 'place', icon, words ?? '', () => navigate({ to })),
      ),
      ...(servers.data?.servers ?? []).map(({ id, name, labels }) =>
        entry(id, name, 'server', Server, Object.values(labels).join(' '), () =>
          navigate({ to: '/servers/$server', params: { server: id } }),
        ),
      ),
      ...(onPause
        ? [entry('pause', 'Pause everything', 'do', OctagonPause, 'panic stop halt emergency', onPause)]
        : []),
      entry('add', 'Add a server', 'do', Plus, 'new enrol install', () => navigate({ to: '/servers/add' })),
      ...(playbooks.data?.playbooks ?? []).map(({ id, title }) =>
        entry(id, title.replace(/\{\{(\w+)\}\}/g, '‹$1›'), 'playbook', BookText, id, () =>
          navigate({ to: '/playbooks/$playbook', params: { playbook: id } }),
        ),
      ),
    ];
  }, [overview.data, servers.data, playbooks.data, navigate, onClose, onPause]);
}
