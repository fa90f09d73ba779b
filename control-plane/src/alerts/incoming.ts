/** Alerts of other systems in one form, cleaned: their words are data of strangers. */
import { redact, shorten, stripControl } from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import { z } from 'zod';
import type { AlertRow } from './alert.store.ts';

const text = z.string().max(20_000);
const labels = z.record(z.string().max(200), text).default({});

/** What Alertmanager and Grafana have in common. Source: Alertmanager's webhook_config, version 4; Grafana's webhook notifier. */
export const foreignAlertSchema = z.object({
  status: z.enum(['firing', 'resolved']),
  labels,
  annotations: labels,
  startsAt: z.iso.datetime({ offset: true }).optional(),
  endsAt: z.iso.datetime({ offset: true }).optional(),
  fingerprint: z.string().max(200).optional(),
});
export type ForeignAlert = z.infer<typeof foreignAlertSchema>;

/** More alerts than this in one call are a mistake: the sender groups them. */
export const ALERTS_PER_CALL = 500;

export interface IncomingAlert {
  readonly state: 'firing' | 'resolved';
  readonly kind: string;
  readonly key: string;
  readonly severity: AlertRow['severity'];
  readonly title: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds since 1970, as the sender says. */
  readonly since: number | undefined;
}

const LABELS_MAX = 50;

export function incomingAlert(alert: ForeignAlert): IncomingAlert {
  const { annotations } = alert;
  const cleaned = Object.fromEntries(
    Object.entries(alert.labels)
      .slice(0, LABELS_MAX)
      .map(([name, value]) => [clean(name, 100), cleanLabel(clean(name, 100), value)]),
  );
  const kind = cleaned.alertname ?? 'alert';
  const title = annotations.summary || annotations.title || annotations.message || annotations.description || kind;
  const since = alert.startsAt === undefined ? Number.NaN : Date.parse(alert.startsAt);
  return {
    state: alert.status,
    kind: shorten(kind, 100),
    key: alert.fingerprint ?? digestOf(alert.labels).slice(0, 16),
    severity: severityOf(cleaned),
    title: clean(title, 300).replace(/\s+/g, ' '),
    labels: cleaned,
    since: Number.isFinite(since) && since > 0 ? since : undefined,
  };
}

const SEVERITIES: readonly [RegExp, AlertRow['severity']][] = [
  [/^(?:critical|crit|error|err|high|page|fatal|emergency|disaster|p1|sev1)$/i, 'critical'],
  [/^(?:info|information|informational|none|low|notice|ok|p4|p5|sev4)$/i, 'info'],
];

function severityOf(labels: Readonly<Record<string, string>>): AlertRow['severity'] {
  const said = labels.severity ?? labels.priority ?? '';
  return SEVERITIES.find(([pattern]) => pattern.test(said))?.[1] ?? 'warning';
}

/** The name may tell that the value is secret: `session_secret`. */
function cleanLabel(name: string, value: string): string {
  const { text } = redact(`${name}=${stripControl(value)}`);
  return text.startsWith(`${name}=`) ? shorten(text.slice(name.length + 1), 200) : clean(value, 200);
}

function clean(value: string, max: number): string {
  return shorten(redact(stripControl(value)).text, max);
}
