/** States in one form everywhere: an icon, a word, a colour. Each table is complete by its type. */
import type { ActionState } from '@countersign/protocol/action-lifecycle';
import type { Severity } from '@countersign/protocol/findings';
import type { Channel, Strength } from '@countersign/protocol/grant';
import type { AlertView, ServerView } from '@countersign/protocol/operator-api/index';
import type { Risk } from '@countersign/protocol/risk';
import {
  Ban,
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleDot,
  CircleHelp,
  CircleMinus,
  CircleStop,
  CircleX,
  Clock,
  Eye,
  Hand,
  HourglassIcon,
  Info,
  LoaderCircle,
  Lock,
  type LucideIcon,
  OctagonAlert,
  PenLine,
  Send,
  ShieldAlert,
  ShieldX,
  Signal,
  ThumbsUp,
  TriangleAlert,
  Undo2,
  Unplug,
} from 'lucide-react';
import { Badge } from '../ui/badge.tsx';
import type { Tone } from '../ui/tone.ts';

interface Look {
  readonly tone: Tone;
  readonly icon: LucideIcon;
  readonly word: string;
}

export const actionLooks = {
  awaiting_approval: { tone: 'warn', icon: Hand, word: 'Awaiting approval' },
  approved: { tone: 'accent', icon: ThumbsUp, word: 'Approved' },
  denied: { tone: 'crit', icon: ShieldX, word: 'Denied by policy' },
  rejected: { tone: 'idle', icon: Ban, word: 'Rejected' },
  withdrawn: { tone: 'idle', icon: Undo2, word: 'Withdrawn' },
  expired: { tone: 'idle', icon: Clock, word: 'Expired' },
  dispatched: { tone: 'info', icon: Send, word: 'Sent to server' },
  running: { tone: 'info', icon: CircleDot, word: 'Running' },
  refused: { tone: 'crit', icon: ShieldAlert, word: 'Refused by server' },
  unknown: { tone: 'odd', icon: CircleHelp, word: 'Outcome unknown' },
  succeeded: { tone: 'ok', icon: CircleCheck, word: 'Succeeded' },
  failed: { tone: 'crit', icon: CircleX, word: 'Failed' },
  stopped: { tone: 'idle', icon: CircleStop, word: 'Stopped' },
} as const satisfies Record<ActionState, Look>;

export function ActionStateBadge({ state }: { state: ActionState }) {
  const { tone, icon, word } = actionLooks[state];
  return (
    <Badge tone={tone} icon={icon} live={state === 'running' || state === 'dispatched'}>
      {word}
    </Badge>
  );
}

const riskLooks = {
  low: { tone: 'idle', icon: CircleMinus, word: 'Low risk' },
  medium: { tone: 'idle', icon: CircleAlert, word: 'Medium risk' },
  high: { tone: 'warn', icon: TriangleAlert, word: 'High risk' },
  critical: { tone: 'crit', icon: OctagonAlert, word: 'Critical risk' },
} as const satisfies Record<Risk, Look>;

export function RiskBadge({ risk }: { risk: Risk }) {
  const { tone, icon, word } = riskLooks[risk];
  return (
    <Badge tone={tone} icon={icon}>
      {word}
    </Badge>
  );
}

const serverLooks = {
  awaiting_agent: { tone: 'warn', icon: CircleDashed, word: 'Awaiting agent' },
  online: { tone: 'ok', icon: Signal, word: 'Online' },
  offline: { tone: 'crit', icon: Unplug, word: 'Offline' },
  revoked: { tone: 'idle', icon: Ban, word: 'Removed' },
} as const satisfies Record<ServerView['state'], Look>;

export function ServerStateBadge({ state }: { state: ServerView['state'] }) {
  const { tone, icon, word } = serverLooks[state];
  return (
    <Badge tone={tone} icon={icon}>
      {word}
    </Badge>
  );
}

/** What the server's own policy allows, in one word. */
export function ModeBadge({ mode, locked }: { mode: ServerView['mode']; locked: boolean }) {
  if (mode === null) return null;
  if (mode === 'observe') return <Badge icon={Eye}>Reads only</Badge>;
  return locked ? (
    <Badge tone="ok" icon={Lock}>
      Acts, locked
    </Badge>
  ) : (
    <Badge icon={PenLine}>Acts</Badge>
  );
}

const severityLooks = {
  critical: { tone: 'crit', icon: OctagonAlert, word: 'Critical' },
  warning: { tone: 'warn', icon: TriangleAlert, word: 'Warning' },
  info: { tone: 'info', icon: Info, word: 'Info' },
  ok: { tone: 'ok', icon: CircleCheck, word: 'Fine' },
} as const satisfies Record<Severity, Look>;

export function SeverityBadge({ severity }: { severity: Severity }) {
  const { tone, icon, word } = severityLooks[severity];
  return (
    <Badge tone={tone} icon={icon}>
      {word}
    </Badge>
  );
}

const alertLooks = {
  firing: { tone: 'crit', icon: CircleAlert, word: 'Firing' },
  resolved: { tone: 'idle', icon: CircleCheck, word: 'Resolved' },
} as const satisfies Record<AlertView['state'], Look>;

export function AlertStateBadge({ state }: { state: AlertView['state'] }) {
  const { tone, icon, word } = alertLooks[state];
  return (
    <Badge tone={tone} icon={icon}>
      {word}
    </Badge>
  );
}

const stepLooks = {
  done: { tone: 'ok', icon: CircleCheck, word: 'Done' },
  failed: { tone: 'crit', icon: CircleX, word: 'Failed' },
  stopped: { tone: 'idle', icon: CircleStop, word: 'Stopped' },
  skipped: { tone: 'idle', icon: CircleMinus, word: 'Skipped' },
  running: { tone: 'info', icon: LoaderCircle, word: 'Running' },
  waiting: { tone: 'idle', icon: HourglassIcon, word: 'To come' },
} as const satisfies Record<'done' | 'failed' | 'stopped' | 'skipped' | 'running' | 'waiting', Look>;

export type StepState = keyof typeof stepLooks;

export function StepBadge({ state }: { state: StepState }) {
  const { tone, icon, word } = stepLooks[state];
  return (
    <Badge tone={tone} icon={icon} live={state === 'running'}>
      {word}
    </Badge>
  );
}

/** Where somebody decided, in words: `in Telegram`. */
export const channelWords = {
  telegram: 'in Telegram',
  web: 'in the dashboard',
  ide: 'in the IDE',
  cli: 'on the command line',
} as const satisfies Record<Channel, string>;

/** How sure we are that it was a person, in words. */
export const strengthWords = {
  form: 'a form in the assistant',
  tap: 'a tap',
  session: 'a signed-in session',
  code: 'a code of the authenticator app',
  passkey: 'a passkey',
} as const satisfies Record<Strength, string>;

export const sourceWords = { playbook: 'Playbook', command: 'Command', file: 'File change' } as const;
