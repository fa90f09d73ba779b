/** Which servers follow the lock, and how far each has come. */
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { CircleHelp, Clock, Lock, LockOpen, type LucideIcon, ShieldQuestion, Unlock } from 'lucide-react';
import { Badge } from '../../ui/badge.tsx';
import { Row, Rows } from '../../ui/rows.tsx';
import type { Tone } from '../../ui/tone.ts';
import { ServerLink } from '../links.tsx';

type ServerLock = OutputOf<'getLock'>['servers'][number];

const looks = {
  following: { tone: 'ok', icon: Lock, word: 'Follows' },
  behind: { tone: 'warn', icon: Clock, word: 'Behind' },
  other_lock: { tone: 'odd', icon: ShieldQuestion, word: 'Another lock' },
  unlocked: { tone: 'idle', icon: LockOpen, word: 'Not locked' },
  disabled: { tone: 'idle', icon: Unlock, word: 'Lock ended' },
  unknown: { tone: 'idle', icon: CircleHelp, word: 'Not known' },
} as const satisfies Record<ServerLock['state'], { tone: Tone; icon: LucideIcon; word: string }>;

export function LockStandingBadge({ state }: { state: ServerLock['state'] }) {
  const { tone, icon, word } = looks[state];
  return (
    <Badge tone={tone} icon={icon}>
      {word}
    </Badge>
  );
}

function aboutStanding({ state, number, online }: ServerLock, present: number | null): string {
  switch (state) {
    case 'following':
      return `has state ${number}`;
    case 'behind':
      return `has state ${number} of ${present}${online ? ': the changes are on their way' : ': it gets the changes when it is back'}`;
    case 'other_lock':
      return 'follows a lock that is not kept here: its owner pinned another one';
    case 'unlocked':
      return 'its owner pinned no lock: it trusts this control plane';
    case 'disabled':
      return 'its lock was ended with the recovery secret: it trusts this control plane';
    case 'unknown':
      return 'its agent has not told yet';
  }
}

export function LockServers({ servers, present }: { servers: readonly ServerLock[]; present: number | null }) {
  if (servers.length === 0) return <p className="text-dim">No servers yet.</p>;
  return (
    <Rows label="Servers and the lock">
      {servers.map((it) => (
        <Row
          key={it.server.id}
          title={<ServerLink server={it.server} />}
          marks={<LockStandingBadge state={it.state} />}
          about={aboutStanding(it, present)}
        />
      ))}
    </Rows>
  );
}
