/** The buttons under a card. Pure. */
import { riskAtMost } from '@countersign/protocol';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { InlineKeyboard } from 'grammy';
import { callbackData } from './callback-data.ts';
import { plainValue } from './words.ts';

export interface KeyboardView {
  readonly publicUrl: string;
  readonly armed: boolean;
  readonly personId: string;
  /** Whether a tap is strong enough to approve. */
  readonly tapCounts: boolean;
  /** Whether a button may open the dashboard. */
  readonly links: boolean;
}

/** While nobody decided: the verdicts. Afterwards, and where a tap is not enough: the way to the dashboard. */
export function cardKeyboard(detail: ActionDetail, view: KeyboardView): InlineKeyboard | undefined {
  const keyboard = new InlineKeyboard();
  if (detail.state === 'awaiting_approval') addVerdicts(keyboard, detail, view);
  const url = view.links ? buttonUrl(`${view.publicUrl}/actions/${detail.id}`) : null;
  if (url !== null) keyboard.row().url(view.tapCounts ? 'Open in the dashboard' : 'Approve in the dashboard', url);
  const rows = keyboard.inline_keyboard.filter((row) => row.length > 0);
  return rows.length === 0 ? undefined : InlineKeyboard.from(rows);
}

function addVerdicts(keyboard: InlineKeyboard, detail: ActionDetail, view: KeyboardView): void {
  if (view.tapCounts && view.armed) {
    const server = plainValue(detail.server.name, 40);
    keyboard.text(`Yes, run on ${server}`, callbackData('confirm', detail)).danger();
    keyboard.text('Back', callbackData('back', detail));
    return;
  }
  keyboard.text('Reject', callbackData('reject', detail)).danger();
  const approvedBefore = detail.approvals.some(
    ({ person, verdict }) => person.id === view.personId && verdict === 'approve',
  );
  if (!view.tapCounts || approvedBefore) return;
  const words = riskAtMost(detail.risk, 'medium') ? 'Approve' : 'Approve …';
  keyboard.text(words, callbackData('approve', detail)).success();
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
