/** Reads what Grafana's alerting sends. Source: Grafana documentation, "Configure the webhook notifier", JSON payload. */
import { invalidInput } from '@countersign/protocol';
import { z } from 'zod';
import { ALERTS_PER_CALL, foreignAlertSchema, type IncomingAlert, incomingAlert } from './incoming.ts';

const alertSchema = z.object({
  ...foreignAlertSchema.shape,
  dashboardURL: z.string().max(2000).optional(),
  panelURL: z.string().max(2000).optional(),
});

const bodySchema = z.object({
  alerts: z.array(alertSchema).max(ALERTS_PER_CALL),
  title: z.string().max(2000).optional(),
});

/** The alerts of one call. Throws `invalid_input` naming the field that does not fit. */
export function takeInGrafana(body: unknown): IncomingAlert[] {
  const parsed = bodySchema.safeParse(body);
  if (!parsed.success) throw invalidInput(parsed.error);
  // `__alert_rule_uid__` and the like are Grafana's own book-keeping.
  return parsed.data.alerts.map((alert) =>
    incomingAlert({
      ...alert,
      labels: Object.fromEntries(Object.entries(alert.labels).filter(([name]) => !name.startsWith('__'))),
    }),
  );
}
