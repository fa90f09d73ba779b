/** What the control plane tells open dashboards: that something changed, not what it is now. Sent by SSE at `/api/v1/events`. */
import { z } from 'zod';

/**
 * Header of each answer to a signed-in person: the id of the newest live event when the answer was begun. A page that opens the
 * stream with it as `last-event-id` hears of all that changed since.
 */
export const NEWEST_EVENT_HEADER = 'x-countersign-newest-event';

/** What entries of the audit log are about: the first word of an event's name. */
export const auditNouns = [
  ...['action', 'approval', 'confirmation', 'dispatch', 'request', 'report', 'playbook', 'file', 'discovery', 'deploy'],
  ...['policy', 'setup', 'person', 'amendment', 'sign_in', 'passkey', 'token', 'credential', 'telegram', 'server'],
  ...['lock', 'diagnostic', 'hook', 'alert', 'control_plane', 'tools', 'playbooks', 'audit', 'ledger'],
] as const;
export type AuditNoun = (typeof auditNouns)[number];

export const liveEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('server'), id: z.string() }),
  z.object({ type: z.literal('action'), id: z.string(), server: z.string(), state: z.string() }),
  z.object({ type: z.literal('output'), action: z.string() }),
  z.object({ type: z.literal('alert'), id: z.string() }),
  /** Entries were appended, `seq` the newest of them. A newer control plane may tell of {@link auditNouns} that a page does not know. */
  z.object({ type: z.literal('audit'), seq: z.int(), nouns: z.array(z.string()) }),
  z.object({ type: z.literal('enrolment'), server: z.string(), step: z.string() }),
  z.object({ type: z.literal('telegram_link'), person: z.string() }),
  z.object({ type: z.literal('mcp_call'), token: z.string(), tool: z.string() }),
]);
export type LiveEvent = z.infer<typeof liveEventSchema>;
