/** Reads what Prometheus Alertmanager sends. Source: Alertmanager documentation, `<webhook_config>`, version 4. */
import { invalidInput } from '@countersign/protocol';
import { z } from 'zod';
import { ALERTS_PER_CALL, foreignAlertSchema, type IncomingAlert, incomingAlert } from './incoming.ts';

const bodySchema = z.object({
  version: z.literal('4').optional(),
  alerts: z.array(foreignAlertSchema).max(ALERTS_PER_CALL),
});

/** The alerts of one call. Throws `invalid_input` naming the field that does not fit. */
export function takeInAlertmanager(body: unknown): IncomingAlert[] {
  const parsed = bodySchema.safeParse(body);
  if (!parsed.success) throw invalidInput(parsed.error);
  return parsed.data.alerts.map(incomingAlert);
}
