import type { Suggestion } from '@countersign/protocol';
import type { Observer } from '../capability.ts';
import { orBlind } from '../or-blind.ts';
import { Report, sayDuration } from '../report.ts';
import { readSyncState, type SyncState } from './sync-state.ts';

/** From here on certificates, tokens, logs and clusters begin to suffer. */
const OFF_MS = 1000;
const FAR_OFF_MS = 60_000;
const GOOD_MS = 100;

/** Whether something keeps the clock right, and how far it is off by the word of the time servers. */
export const timeSync: Observer<'time_sync'> = async (_, context) => {
  const report = new Report(context);
  const state = await orBlind(report, 'How the clock is kept', () => readSyncState(context));
  if (state === null) return report.finish();
  report.figure('offset_ms', state.offsetMs);
  report.figure('synchronised', state.synchronised);
  report.figure('source', state.source);
  lookAtKeeper(report, state);
  lookAtOffset(report, state);
  const silent = state.servers.filter(({ offset_ms }) => offset_ms === null);
  if (silent.length > 0)
    report.add({
      kind: 'time.server_silent',
      severity: silent.length === state.servers.length ? 'warning' : 'info',
      title: `${silent.map(({ server }) => server).join(', ')} does not tell the time.`,
      evidence: [['NTP', print(state)]],
      causes: ['A firewall drops UDP port 123.', 'Its name cannot be looked up: run dns.', 'The server is down.'],
    });
  if (report.isCalm)
    report.add({
      kind: 'time.calm',
      severity: 'ok',
      title:
        state.offsetMs === null
          ? `${state.keeper?.unit ?? 'The clock'} has the time from ${state.source ?? 'its server'}.`
          : `The clock is right within ${Math.max(1, Math.abs(state.offsetMs))} ms, by ${state.source ?? state.servers[0]?.server}.`,
      evidence: [['NTP', print(state)]],
    });
  return report.finish();
};

function lookAtKeeper(report: Report, { keeper, synchronised, offsetMs, kernelSays, servers }: SyncState): void {
  if (keeper === null) {
    report.add({
      kind: 'time.nobody_keeps',
      severity: kernelSays === true ? 'info' : 'warning',
      title: 'Neither systemd-timesyncd nor chrony is installed, so nothing here keeps the clock.',
      causes: ['The machine may get its time from its hypervisor. Otherwise it drifts by seconds a day.'],
    });
    return;
  }
  const answers = servers.some(({ offset_ms }) => offset_ms !== null);
  const mend = resync(offsetMs, `${keeper.unit} is started anew and asks its servers.`);
  if (!keeper.active)
    report.add({
      kind: 'time.not_kept',
      severity: kernelSays === true ? 'info' : 'warning',
      title: `${keeper.unit} does not run, so nothing keeps the clock.`,
      causes: ['It was stopped or switched off, or it failed: run service with its name.'],
      suggestions: mend,
    });
  else if (!synchronised)
    report.add({
      kind: 'time.not_synchronised',
      severity: 'warning',
      title: `${keeper.unit} runs but has not heard the time from any server.`,
      causes: ['Its servers are silent or have no time themselves.', 'It has only just begun.'],
      suggestions: answers ? mend : [],
    });
}

function lookAtOffset(report: Report, { offsetMs, keeper }: SyncState): void {
  if (offsetMs === null || Math.abs(offsetMs) < GOOD_MS) return;
  const off = Math.abs(offsetMs);
  report.add({
    kind: 'time.off',
    severity: off >= FAR_OFF_MS ? 'critical' : off >= OFF_MS ? 'warning' : 'info',
    title: `The clock is ${off < 2000 ? `${Math.round(off)} ms` : sayDuration(off)} ${offsetMs > 0 ? 'behind' : 'ahead'}.`,
    causes: ['Nothing kept it for a while.', 'The machine was suspended or moved.'],
    suggestions: keeper === null || off < OFF_MS ? [] : resync(offsetMs, 'The clock is brought back to the time.'),
  });
}

function resync(offsetMs: number | null, why: string): Suggestion[] {
  return [
    {
      playbook: 'time.resync',
      // A jump is for a person to allow: databases and clusters do not like it.
      parameters: offsetMs !== null && Math.abs(offsetMs) >= OFF_MS ? { allow_step: true } : {},
      why,
    },
  ];
}

function print({ servers }: SyncState): string {
  return servers
    .map(
      ({ server, offset_ms, stratum, error }) => `${server}: ${error ?? `offset ${offset_ms} ms, stratum ${stratum}`}`,
    )
    .join('\n');
}
