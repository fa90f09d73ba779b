/** The places of the dashboard: for the side bar, the phone's menu, the palette and the keys. */
import {
  Activity,
  BellRing,
  BookText,
  Bot,
  CircleUser,
  Gauge,
  Inbox,
  KeyRound,
  Lock,
  type LucideIcon,
  ScrollText,
  Send,
  Server,
  ShieldCheck,
  Users,
} from 'lucide-react';

export interface Place {
  readonly to:
    | '/'
    | '/inbox'
    | '/actions'
    | '/servers'
    | '/alerts'
    | '/playbooks'
    | '/policy'
    | '/lock'
    | '/audit'
    | '/connect'
    | '/telegram'
    | '/tokens'
    | '/people'
    | '/account';
  readonly label: string;
  readonly icon: LucideIcon;
  /** Second key after `g`. */
  readonly key: string;
  /** Other words that people look for. */
  readonly words?: string;
}

export interface PlaceGroup {
  readonly title: string | null;
  readonly places: readonly Place[];
}

export const placeGroups: readonly PlaceGroup[] = [
  {
    title: null,
    places: [
      { to: '/', label: 'Overview', icon: Gauge, key: 'o', words: 'home start checklist' },
      { to: '/inbox', label: 'Inbox', icon: Inbox, key: 'i', words: 'pending approvals approve' },
      { to: '/actions', label: 'Actions', icon: Activity, key: 'r', words: 'runs history' },
      { to: '/servers', label: 'Servers', icon: Server, key: 's', words: 'hosts machines agents' },
      { to: '/alerts', label: 'Alerts', icon: BellRing, key: 'l', words: 'webhooks alertmanager grafana' },
      { to: '/playbooks', label: 'Playbooks', icon: BookText, key: 'p' },
    ],
  },
  {
    title: 'Trust',
    places: [
      { to: '/policy', label: 'Policy', icon: ShieldCheck, key: 'y', words: 'rules amendments tester' },
      { to: '/lock', label: 'Lock', icon: Lock, key: 'x', words: 'keys holders signatures passkey locked' },
      { to: '/audit', label: 'Audit', icon: ScrollText, key: 'a', words: 'log verify export' },
    ],
  },
  {
    title: 'Set up',
    places: [
      { to: '/connect', label: 'Connect assistant', icon: Bot, key: 'c', words: 'mcp claude code cursor codex' },
      { to: '/telegram', label: 'Telegram', icon: Send, key: 't', words: 'pair phone bot' },
      { to: '/tokens', label: 'Tokens', icon: KeyRound, key: 'k' },
      { to: '/people', label: 'People', icon: Users, key: 'e', words: 'invite team roles' },
      { to: '/account', label: 'Account', icon: CircleUser, key: 'u', words: 'settings theme totp password passkeys' },
    ],
  },
];

export const places: readonly Place[] = placeGroups.flatMap(({ places: each }) => each);
