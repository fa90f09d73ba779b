/** The buttons under a card. Pure. */
import { type ActionState, riskAtMost } from '@countersign/protocol';
import type { ActionDetail, Role } from '@countersign/protocol/operator-api/index';
import { InlineKeyboard } from 'grammy';
import { roleAtLeast } from '../../access/permissions.ts';
import type { TwoTapVerb } from './arming.ts';
import { callbackData } from './callback-data.ts';
import { plainValue } from './words.ts';

export interface KeyboardView {
  readonly publicUrl: string;
  /** What this person tapped once already. */
  readonly armed: TwoTapVerb | null;
  /** Who reads this copy. */
  readonly person: { readonly id: string; readonly role: Role };
  /** Whether the page of the action has to be opened, since a tap is not enough. */
  readonly mustOpen: boolean;
  /** Whether a button may open the dashboard. */
  readonly links: boolean;
}

type Offered = Pick<KeyboardView, 'person' | 'mustOpen'>;

const stoppable: readonly ActionState[] = ['approved', 'dispatched', 'running'];

/** Whether a first tap of this kind can lead anywhere now, for this person. */
export const offers: Readonly<Record<TwoTapVerb, (detail: ActionDetail, view: Offered) => boolean>> = {
  approve: ({ state, policy, approvals }, { person, mustOpen }) =>
    state === 'awaiting_approval' &&
    !mustOpen &&
    policy.from.includes(person.role) &&
    !approvals.some((approval) => approval.person.id === person.id && approval.verdict === 'approve'),
  confirm: ({ confirm_by, confirmed_by }, { person, mustOpen }) =>
    confirm_by !== null && confirmed_by.length === 0 && !mustOpen && roleAtLeast(person.role, 'approver'),
  stop: ({ state, stop_requested_at }, { person }) =>
    stoppable.includes(state) && stop_requested_at === null && roleAtLeast(person.role, 'approver'),
};

/** What can be done by a tap now, and the way to the dashboard. */
export function cardKeyboard(detail: ActionDetail, view: KeyboardView): InlineKeyboard | undefined {
  const keyboard = new InlineKeyboard();
  if (view.armed !== null && offers[view.armed](detail, view)) addSecondTap(keyboard, detail, view.armed);
  else addFirstTaps(keyboard, detail, view);
  addLinks(keyboard.row(), detail, view);
  const rows = keyboard.inline_keyboard.filter((row) => row.length > 0);
  return rows.length === 0 ? undefined : InlineKeyboard.from(rows);
}

function addFirstTaps(keyboard: InlineKeyboard, detail: ActionDetail, view: KeyboardView): void {
  if (detail.state === 'awaiting_approval') keyboard.text('Reject', callbackData('reject', detail)).danger();
  if (offers.approve(detail, view)) {
    const words = riskAtMost(detail.risk, 'medium') ? 'Approve' : 'Approve …';
    keyboard.text(words, callbackData('approve', detail)).success();
  }
  if (offers.stop(detail, view)) keyboard.text('Stop …', callbackData('stop', detail)).danger();
  if (offers.confirm(detail, view)) keyboard.text('Confirm …', callbackData('confirm', detail)).success();
}

function addSecondTap(keyboard: InlineKeyboard, detail: ActionDetail, verb: TwoTapVerb): void {
  const server = plainValue(detail.server.name, 40);
  const words = {
    approve: `Yes, run on ${server}`,
    confirm: `Yes, I can reach ${server}`,
    stop: `Yes, stop on ${server}`,
  };
  keyboard.text(words[verb], callbackData(`${verb}_sure`, detail)).danger();
  keyboard.text('Back', callbackData('back', detail));
}

function addLinks(keyboard: InlineKeyboard, detail: ActionDetail, { publicUrl, links, mustOpen }: KeyboardView): void {
  const url = links ? actionUrl(publicUrl, detail.id, mustOpen) : null;
  if (url === null) return;
  const words = detail.confirm_by === null ? 'Open to approve' : 'Open to confirm';
  keyboard.url(mustOpen ? words : 'Open in the dashboard', url);
  const before = detail.follows && actionUrl(publicUrl, detail.follows.action, false);
  if (before) keyboard.url('The one before', before);
}

/**
 * The page of an action as a button may open it, or null where Telegram takes no such address. To sign there, it has to be
 * the very address of the dashboard: a passkey is for a name, and does not work at the loopback address.
 */
export function actionUrl(publicUrl: string, actionId: string, toSign: boolean): string | null {
  const address = `${publicUrl}/actions/${actionId}`;
  return toSign && URL.parse(address)?.hostname === 'localhost' ? null : buttonUrl(address);
}

/**
 * An address that Telegram takes for a button, or null: it refuses names without a dot, also `localhost`, for which the
 * loopback address stands in.
 */
export function buttonUrl(address: string): string | null {
  const url = URL.parse(address);
  if (url === null) return null;
  if (url.hostname === 'localhost') url.hostname = '127.0.0.1';
  return url.hostname.includes('.') || url.hostname.startsWith('[') ? url.href : null;
}
