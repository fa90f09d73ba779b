/** Takes reports of alerts: one alert per key while it fires, however often it is reported. */
import { type Json, shorten } from '@countersign/protocol';
import { appendEntry, type Who } from '../audit/ledger.ts';
import type { Core } from '../ports.ts';
import { afterCommit } from '../storage/after-commit.ts';
import type { Trx } from '../storage/database.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { write } from '../storage/write.ts';
import { type AlertRow, insertAlert, newestOfKey, saveAgain, saveResolved } from './alert.store.ts';

export interface AlertReport {
  readonly source: AlertRow['source'];
  readonly kind: string;
  /** Tells alerts of one kind apart on one server: the mount, the unit. */
  readonly key: string;
  readonly state: 'firing' | 'resolved';
  readonly severity: AlertRow['severity'];
  readonly title: string;
  readonly serverId: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** When it was so, milliseconds since 1970 by our own clock. */
  readonly at: number;
  /** When it began, where that is known and earlier. */
  readonly since?: number | undefined;
  readonly who: Who;
}

export interface Raised {
  readonly id: string | null;
  /** `known`: the report was older than what is known already, or resolved what did not fire. */
  readonly change: 'fired' | 'again' | 'resolved' | 'known';
}

type Deps = Pick<Core, 'db' | 'ids' | 'live'>;

const TITLE_MAX = 300;
const KEY_MAX = 600;

/**
 * Stores reports, in their order, in one transaction. Reporting the same again changes nothing but the count; a report that is
 * older than the alert's newest one changes nothing at all, so that a report that comes twice does no harm.
 */
export async function raiseAlert(deps: Deps, ...reports: readonly AlertReport[]): Promise<Raised[]> {
  return write(deps.db, async (trx) => {
    const raised: Raised[] = [];
    for (const report of reports) raised.push(await raiseOne(deps, trx, report));
    return raised;
  });
}

async function raiseOne(deps: Deps, trx: Trx, report: AlertReport): Promise<Raised> {
  const dedupeKey = shorten([report.source, report.serverId ?? '-', report.kind, report.key].join(':'), KEY_MAX);
  const known = await newestOfKey(trx, dedupeKey);
  const raised = await change(deps, trx, report, dedupeKey, known);
  const { id } = raised;
  if (id !== null && raised.change !== 'known') afterCommit(trx, () => deps.live.publish({ type: 'alert', id }));
  return raised;
}

async function change(
  deps: Deps,
  trx: Trx,
  report: AlertReport,
  dedupeKey: string,
  known: AlertRow | undefined,
): Promise<Raised> {
  const isOld = known !== undefined && report.at <= known.last_at;
  if (known?.state === 'firing') {
    if (report.state === 'resolved') {
      await saveResolved(trx, known.id, Math.max(report.at, known.last_at));
      await tell(trx, report, known.id);
      return { id: known.id, change: 'resolved' };
    }
    if (isOld) return { id: known.id, change: 'known' };
    const { at, severity } = report;
    await saveAgain(trx, known.id, { last_at: at, severity, title: titleOf(report), times: known.times + 1 });
    return { id: known.id, change: 'again' };
  }
  if (report.state === 'resolved' || isOld) return { id: known?.id ?? null, change: 'known' };
  const id = deps.ids.id('alr');
  await insertAlert(trx, {
    id,
    dedupe_key: dedupeKey,
    state: 'firing',
    severity: report.severity,
    source: report.source,
    kind: shorten(report.kind, 100),
    title: titleOf(report),
    server_id: report.serverId,
    labels_json: JSON.stringify(report.labels),
    first_at: Math.min(report.since ?? report.at, report.at),
    last_at: report.at,
    resolved_at: null,
    times: 1,
  });
  await tell(trx, report, id);
  return { id, change: 'fired' };
}

/** The timeline and the audit log hear of what begins and what ends, not of each repetition. */
async function tell(trx: Trx, report: AlertReport, alertId: string): Promise<void> {
  const { at, state, source, kind, severity, who } = report;
  const title = titleOf(report);
  const serverId = report.serverId ?? undefined;
  const line = state === 'firing' ? title : `Resolved: ${title}`;
  await addToTimeline(trx, { at, kind: 'alert', title: line, serverId, alertId, by: source });
  const details: Record<string, Json> = { source, kind, title };
  if (state === 'firing')
    await appendEntry(trx, { event: 'alert.fired', at, who, serverId, details: { ...details, severity } });
  else await appendEntry(trx, { event: 'alert.resolved', at, who, serverId, details });
}

function titleOf(report: AlertReport): string {
  return shorten(report.title, TITLE_MAX);
}
