/** The same request again and again is one row with a count, so that a noisy client cannot bury another's. */
import type { ActionView } from '@countersign/protocol/operator-api/index';

export interface RepeatGroup {
  /** The newest. */
  readonly first: ActionView;
  /** All, newest first. */
  readonly actions: readonly ActionView[];
}

/** Groups actions of the same title, server and asker; groups stay in the order in which they were met. */
export function groupRepeats(actions: readonly ActionView[]): RepeatGroup[] {
  const groups = Map.groupBy(actions, ({ title, server, requested_by: { person, token } }) =>
    JSON.stringify([title, server.id, person.id, token?.id]),
  );
  return [...groups.values()].flatMap((group) => (group[0] ? [{ first: group[0], actions: group }] : []));
}

/** Askers that sent more than a few of these requests within ten minutes, with how many. */
export function noisyAskers(actions: readonly ActionView[], now: number): { name: string; count: number }[] {
  const recent = actions.filter(({ requested_at }) => now - Date.parse(requested_at) < 600_000);
  const byAsker = Map.groupBy(
    recent,
    ({ requested_by: { token, client, person } }) => client ?? token?.name ?? person.name,
  );
  return [...byAsker].map(([name, all]) => ({ name, count: all.length })).filter(({ count }) => count > 5);
}
