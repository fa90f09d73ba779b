/** How long a sign-in lasts. A dashboard session ends after 7 days without use and 30 in all; one of the command line after 30 and 90. */

const DAY_MS = 86_400_000;

export const sessionDays = { dashboard: { idle: 7, whole: 30 }, cli: { idle: 30, whole: 90 } } as const;

export type SessionKind = keyof typeof sessionDays;

/** When a session that begins now ends at the latest. Milliseconds since 1970. */
export function sessionEnd(kind: SessionKind, now: number): number {
  return now + sessionDays[kind].whole * DAY_MS;
}

/** Whether a session may still be used. */
export function sessionLives(
  session: { readonly kind: SessionKind; readonly last_used_at: number; readonly expires_at: number },
  now: number,
): boolean {
  return now < session.expires_at && now - session.last_used_at < sessionDays[session.kind].idle * DAY_MS;
}
