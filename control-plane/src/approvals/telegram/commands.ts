/** What linked people can ask the bot. Commands read; what they change is the person's own link, and in a panic the pause. */
import type { ActionView, AlertView, AssistantCall, ServerView } from '@countersign/protocol/operator-api/index';
import type { FormattedString } from '@grammyjs/parse-mode';
import type { Pause } from '../../actions/pause.store.ts';
import type { LinkedPerson } from './link.store.ts';
import { pausedLines } from './panic.ts';
import { bold, fmt, inWords, type Line, lines, timeOfDay, title, value } from './words.ts';

/** As Telegram lists them. `unlink` asks back before it does anything. */
export const commandList = [
  { command: 'pending', description: 'What waits for a decision' },
  { command: 'status', description: 'How everything is' },
  { command: 'servers', description: 'The servers under care' },
  { command: 'panic', description: 'Pause all changes on all servers; asks back first' },
  { command: 'whoami', description: 'Who you are here' },
  { command: 'unlink', description: 'Unlink this Telegram account' },
  { command: 'help', description: 'What this bot can do' },
] as const;
export const strangersCommandList = [{ command: 'help', description: 'How to link this account' }] as const;

export const help = lines([
  bold('Countersign'),
  'Requests for changes arrive here as cards. Read the card, then approve or reject it.',
  'Where a tap is not enough, the card says why and opens the page of the request.',
  'While a change is under way its card has a Stop button; where a change could lock everybody out, the card asks you to confirm that the server can still be reached.',
  '',
  ...commandList.map(({ command, description }) => `/${command} – ${description}`),
]);

export const helpForStrangers = lines([
  bold('Countersign'),
  'This Telegram account is not linked to anybody who works here.',
  'To link it, sign in to the dashboard, open its Telegram page, and open the link that you get there.',
]);

const PAGES_MAX = 20;

/** The counts of what is going on, whether changes are paused, and the alerts that fire. */
export async function statusText(
  call: AssistantCall,
  pause: Pause | null,
  publicUrl: string,
): Promise<FormattedString> {
  const [servers, actions, alerts] = [await allServers(call), await openActions(call), await firingAlerts(call)];
  const inState = (state: ServerView['state']) => servers.filter((server) => server.state === state).length;
  const pending = actions.filter(({ state }) => state === 'awaiting_approval').length;
  return lines([
    bold('Status'),
    ...(pause === null ? [] : pausedLines(pause, publicUrl)),
    fmt`Servers: ${bold(String(inState('online')))} online, ${bold(String(inState('offline')))} offline, ${bold(String(inState('awaiting_agent')))} not installed yet`,
    fmt`Waiting for a decision: ${bold(String(pending))}${pending > 0 ? ' (/pending)' : ''}`,
    fmt`Under way: ${bold(String(actions.length - pending))}`,
    fmt`Alerts firing: ${bold(String(alerts.length))}`,
    ...alerts.slice(0, 10).map(alertLine),
  ]);
}

/** Each server with its newest figures. */
export async function serversText(call: AssistantCall): Promise<FormattedString> {
  const servers = await allServers(call);
  if (servers.length === 0) return lines(['There are no servers yet. Add one in the dashboard.']);
  return lines([bold(`Servers (${servers.length})`), ...servers.map(serverLine)]);
}

/** What waits for a decision, oldest first, with the fingerprint that its card shows. */
export function pendingText(pending: readonly ActionView[], now: number): FormattedString {
  if (pending.length === 0) return lines(['Nothing waits for a decision.']);
  return lines([
    bold(`Waiting for a decision (${pending.length})`),
    ...pending.flatMap((action) => ['', ...pendingLines(action, now)]),
  ]);
}

/** Actions that wait for a decision, oldest first. */
export async function pendingActions(call: AssistantCall): Promise<ActionView[]> {
  return (await openActions(call)).filter(({ state }) => state === 'awaiting_approval').reverse();
}

export function whoamiText(person: LinkedPerson, publicUrl: string): FormattedString {
  const may = person.role === 'viewer' ? 'You can read here, not decide.' : 'You can decide here.';
  return lines([
    fmt`You are ${value(person.name)}, ${person.role}. ${may}`,
    fmt`Telegram account: ${value(person.telegramName)}, number ${value(person.telegramId)}`,
    fmt`Dashboard: ${value(publicUrl)}`,
  ]);
}

function pendingLines(action: ActionView, now: number): Line[] {
  const { expires_at: expires, requested_by: by } = action;
  return [
    title(action.title),
    fmt`Server ${value(action.server.name)} · risk ${action.risk} · asked by ${value(by.person.name)}`,
    fmt`Fingerprint ${value(action.fingerprint)}${expires === null ? '' : ` · until ${timeOfDay(expires)} (${inWords(Date.parse(expires) - now)})`}`,
  ];
}

function serverLine(server: ServerView): FormattedString {
  const { sample } = server;
  const percent = (ratio: number) => `${Math.round(ratio * 100)} %`;
  const figures =
    sample === null
      ? ''
      : ` · load ${sample.load1_per_cpu.toFixed(2)} · memory ${percent(sample.memory_used_ratio)}${
          sample.fullest_mount === null ? '' : ` · disk ${percent(sample.fullest_mount.used_ratio)}`
        }`;
  const firing = server.firing_alerts > 0 ? ` · ${server.firing_alerts} firing` : '';
  const mark = { online: '🟢', offline: '🔴', awaiting_agent: '⚪', revoked: '⚫' }[server.state];
  return fmt`${mark} ${value(server.name)} ${server.state.replace('_', ' ')}${figures}${firing}`;
}

function alertLine({ severity, title, server }: AlertView): FormattedString {
  const on = server === null ? '' : fmt` on ${value(server.name)}`;
  return fmt`${severity === 'critical' ? '🔴' : '🟠'} ${value(title)}${on}`;
}

function allServers(call: AssistantCall): Promise<ServerView[]> {
  return pages(async (cursor) => {
    const { servers, next_cursor } = await call('listServers', { limit: 200, ...cursor });
    return { items: servers, next_cursor };
  });
}

function openActions(call: AssistantCall): Promise<ActionView[]> {
  return pages(async (cursor) => {
    const { actions, next_cursor } = await call('listActions', { open: 'true', limit: 100, ...cursor });
    return { items: actions, next_cursor };
  });
}

function firingAlerts(call: AssistantCall): Promise<AlertView[]> {
  return pages(async (cursor) => {
    const { alerts, next_cursor } = await call('listAlerts', { state: 'firing', limit: 100, ...cursor });
    return { items: alerts, next_cursor };
  });
}

async function pages<T>(
  read: (cursor: { cursor?: string }) => Promise<{ items: readonly T[]; next_cursor: string | null }>,
): Promise<T[]> {
  const all: T[] = [];
  let cursor: { cursor?: string } = {};
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { items, next_cursor } = await read(cursor);
    all.push(...items);
    if (next_cursor === null) break;
    cursor = { cursor: next_cursor };
  }
  return all;
}
