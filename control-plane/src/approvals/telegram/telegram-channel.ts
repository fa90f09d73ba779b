/** Telegram as a way to ask people: one card per linked person who may decide, and every copy follows the action. */
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import type { ApprovalChannel } from '../../ports.ts';
import { isAsked } from './bring-up-to-date.ts';
import { copiesOf, unsettledActions, waitingActions } from './card.store.ts';
import { type Deliveries, type Urgency, urgency } from './deliveries.ts';
import { type LinkedPerson, linkedPeopleWith } from './link.store.ts';
import type { Telegram } from './telegram-deps.ts';

export interface ChannelDeps extends Pick<Telegram, 'db' | 'clock' | 'detailOf' | 'health'> {
  readonly deliveries: Deliveries;
  readonly closedChats: ReadonlySet<string>;
}

export interface TelegramChannel extends ApprovalChannel {
  /** Looks for everything that is not shown as it should be: after an outage, a restart, a new link. */
  sweep(): Promise<void>;
}

/** How long after an action was asked for the sweep still looks after its end, milliseconds. */
const LOOKED_AFTER_MS = 2 * 86_400_000;

export function telegramChannel(deps: ChannelDeps): TelegramChannel {
  const { db, clock, deliveries, closedChats } = deps;

  const refresh = async (actionId: string): Promise<void> => {
    const detail = await deps.detailOf(actionId);
    const copies = await copiesOf(db, actionId);
    const shown = new Set(copies.map(({ chat_id }) => chat_id));
    for (const chatId of shown) deliveries.add({ actionId, chatId }, urgencyOf(detail));
    if (detail.state !== 'awaiting_approval') return;
    for (const { telegramId: chatId } of await peopleAsked(deps, detail))
      if (!shown.has(chatId)) deliveries.add({ actionId, chatId }, urgency.card);
  };

  return {
    name: 'telegram',
    keepsCopies: true,
    async canReach(actionId) {
      if (!deps.health.reachable()) return false;
      const people = await peopleAsked(deps, await deps.detailOf(actionId));
      return people.some(({ telegramId }) => !closedChats.has(telegramId));
    },
    announce: refresh,
    update: refresh,
    async sweep() {
      const since = clock.now() - LOOKED_AFTER_MS;
      const ids = new Set([...(await waitingActions(db)), ...(await unsettledActions(db, since))]);
      for (const actionId of ids) await refresh(actionId);
    },
  };
}

async function peopleAsked({ db }: ChannelDeps, detail: ActionDetail): Promise<LinkedPerson[]> {
  const people = await linkedPeopleWith(db, detail.policy.from);
  return people.filter((person) => isAsked(detail, person));
}

function urgencyOf({ state, confirm_by }: ActionDetail): Urgency {
  if (confirm_by !== null) return urgency.card;
  return state === 'dispatched' || state === 'running' ? urgency.progress : urgency.decision;
}
