/** Where each kind of report goes, cleaned. A report concerns the server that sent it; what it says of actions is checked there. */
import type { AgentAlert } from '@countersign/protocol/agent-wire/facts';
import { raiseAlert } from '../alerts/raise-alert.ts';
import { whoIs } from '../audit/ledger.ts';
import type { Core } from '../ports.ts';
import { cleanActionResult, cleanAlert, cleanChunk, cleanFault } from './clean-arrival.ts';
import type { Report, TakeReport } from './report-queue.ts';

type Of<T extends Report['type']> = Extract<Report, { type: T }>;

/**
 * What becomes of reports about actions: the use cases of `actions/`. Each resolves when it is stored, is idempotent, and
 * rejects with a `Fault` that is not retryable when the action is not one of this server.
 */
export interface ActionReports {
  recordStarted(serverId: string, report: Of<'started'>): Promise<unknown>;
  recordRefused(serverId: string, report: Of<'refused'>): Promise<unknown>;
  recordStep(serverId: string, report: Of<'step'>): Promise<unknown>;
  /** Chunks of one action, one behind the other. */
  recordOutput(serverId: string, chunks: readonly [Of<'output'>, ...Of<'output'>[]]): Promise<unknown>;
  recordFinished(serverId: string, report: Of<'finished'>): Promise<unknown>;
}

type Deps = Pick<Core, 'db' | 'clock' | 'ids' | 'live'> & {
  readonly actions: ActionReports;
  /** Clock of the server minus ours, milliseconds. */
  readonly clockOffsetMs: (serverId: string) => number;
};

export function reportTaker(deps: Deps): TakeReport {
  return async (serverId, report, further) => {
    await take(deps, serverId, report, further);
  };
}

function take(deps: Deps, serverId: string, report: Report, further: readonly Of<'output'>[]): Promise<unknown> {
  const { actions } = deps;
  switch (report.type) {
    case 'started':
      return actions.recordStarted(serverId, report);
    case 'refused': {
      const { code, slots } = cleanFault(report.fault, serverId);
      return actions.recordRefused(serverId, { ...report, fault: { code, slots: { ...slots } } });
    }
    case 'step':
      return actions.recordStep(serverId, report);
    case 'output':
      return actions.recordOutput(serverId, [cleanChunk(report), ...further.map(cleanChunk)]);
    case 'finished':
      return actions.recordFinished(serverId, { ...report, result: cleanActionResult(report.result) });
    case 'alert':
      return takeAlert(deps, serverId, cleanAlert(report.alert));
  }
}

async function takeAlert(deps: Deps, serverId: string, alert: AgentAlert): Promise<void> {
  const now = deps.clock.now();
  await raiseAlert(deps, {
    source: 'agent',
    kind: alert.kind,
    key: alert.key,
    state: alert.state,
    severity: alert.severity,
    title: alert.title,
    serverId,
    labels: alert.key === '' ? {} : { key: alert.key },
    // It may have waited in the outbox for long; its time is the server's own.
    at: Math.min(now, alert.at - deps.clockOffsetMs(serverId)),
    who: whoIs('agent'),
  });
}
