/** What the control plane tells open dashboards: that something changed, not what it is now. Sent by SSE at `/api/v1/events`. */
import { z } from 'zod';

/**
 * Header of each answer to a signed-in person: the id of the newest live event when the answer was begun. A page that opens the
 * stream with it as `last-event-id` hears of all that changed since.
 */
export const NEWEST_EVENT_HEADER = 'x-countersign-newest-event';

export const liveEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('server'), id: z.string() }),
  z.object({ type: z.literal('action'), id: z.string(), server: z.string(), state: z.string() }),
  z.object({ type: z.literal('output'), action: z.string() }),
  z.object({ type: z.literal('alert'), id: z.string() }),
  z.object({ type: z.literal('audit'), seq: z.int() }),
  z.object({ type: z.literal('enrolment'), server: z.string(), step: z.string() }),
  z.object({ type: z.literal('telegram_link'), person: z.string() }),
  z.object({ type: z.literal('mcp_call'), token: z.string(), tool: z.string() }),
  z.object({ type: z.literal('playbooks') }),
]);
export type LiveEvent = z.infer<typeof liveEventSchema>;
