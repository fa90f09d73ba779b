/** What an ordinary small server says of itself: the simulated agent's answers where a test does not care. */
import { capabilityIds, type DiagnosticReport } from '@countersign/protocol';
import type { LocalPolicySummary, ServerFacts, StatusSample } from '@countersign/protocol/agent-wire/facts';

const facts: ServerFacts = {
  hostname: 'web-1.example.org',
  os: { id: 'debian', name: 'Debian GNU/Linux', version: '12' },
  kernel: '6.1.0-30-amd64',
  arch: 'x64',
  cpus: 2,
  memoryBytes: 4 * 1024 ** 3,
  systemd: true,
  software: null,
  root: true,
  bootId: 'a8f0c1d2-0000-4000-8000-000000000001',
  bootedAt: Date.UTC(2026, 10, 1),
};

const policy: LocalPolicySummary = {
  mode: 'act',
  maxRisk: 'high',
  commands: false,
  readRoots: ['/etc', '/var/log'],
  writeRoots: ['/etc/nginx'],
  lock: null,
};

export function ordinaryAgent() {
  return { agentVersion: '0.1.0', facts, policy, capabilities: capabilityIds } as const;
}

export function ordinarySample(at: number): StatusSample {
  return {
    at,
    load1PerCpu: 0.2,
    memoryUsedRatio: 0.4,
    swapUsedRatio: 0,
    fullestMount: { mount: '/', usedRatio: 0.5 },
    failedUnits: 0,
    uptimeS: 86_400,
  };
}

/** The report of a diagnostic that found nothing wrong. */
export function ordinaryReport(capability: string): DiagnosticReport {
  return {
    findings: [
      {
        kind: `${capability}.fine`,
        severity: 'ok',
        title: `Nothing unusual in ${capability}`,
        evidence: [],
        causes: [],
        suggestions: [],
      },
    ],
    figures: { checked: true },
    redactions: 0,
    truncated: false,
  };
}
