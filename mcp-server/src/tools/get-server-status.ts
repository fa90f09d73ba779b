import { isoTime } from '@countersign/protocol';
import { isLocked } from '@countersign/protocol/agent-wire/facts';
import { assistantOperations, type ServerDetail } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { defineTool, reads } from '../tool.ts';

const sampleSchema = z.object({
  at: z.string(),
  load1_per_cpu: z.number(),
  memory_used_ratio: z.number(),
  swap_used_ratio: z.number(),
  fullest_mount: z.object({ mount: z.string(), used_ratio: z.number() }).nullable(),
  failed_units: z.int().nullable(),
  uptime_s: z.number(),
});

/** How many samples of the past are shown. */
const SAMPLES = 10;

const facts = ({ facts }: ServerDetail) =>
  facts && {
    hostname: facts.hostname,
    os: `${facts.os.name} ${facts.os.version}`.trim(),
    kernel: facts.kernel,
    arch: facts.arch,
    cpus: facts.cpus,
    memory_bytes: facts.memoryBytes,
    systemd: facts.systemd,
    root: facts.root,
    booted_at: isoTime(facts.bootedAt),
  };

const policy = ({ policy }: ServerDetail) =>
  policy && {
    mode: policy.mode,
    max_risk: policy.maxRisk,
    commands: policy.commands,
    read_roots: policy.readRoots,
    write_roots: policy.writeRoots,
    locked: isLocked(policy),
  };

export const getServerStatus = defineTool({
  name: 'get_server_status',
  title: 'Status of one server',
  description:
    'One server in detail: OS, kernel, CPUs, memory, newest figures (load, memory, swap, disk, uptime) and what its own policy allows. Stored figures; run_diagnostic looks afresh.',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.getServerStatus.input,
  output: z.object({
    id: z.string(),
    name: z.string(),
    state: z.string(),
    labels: z.record(z.string(), z.string()),
    last_seen_at: z.string().nullable(),
    firing_alerts: z.int(),
    facts: z.object({}).loose().nullable(),
    policy: z.object({}).loose().nullable().describe("the server's own"),
    capabilities: z.array(z.string()),
    agent_version: z.string().nullable(),
    clock_offset_ms: z.number().nullable(),
    sample: sampleSchema.nullable().describe('ratios run from 0 to 1'),
    history: z.array(z.object({ at: z.string() }).loose()).describe('samples, oldest first'),
  }),
  narrow: 'use run_diagnostic for one subject',
  run: async (input, { call, signal }) => {
    const detail = await call('getServerStatus', input, { signal });
    return {
      id: detail.id,
      name: detail.name,
      state: detail.state,
      labels: detail.labels,
      last_seen_at: detail.last_seen_at,
      firing_alerts: detail.firing_alerts,
      facts: facts(detail),
      policy: policy(detail),
      capabilities: detail.capabilities,
      agent_version: detail.agent_version,
      clock_offset_ms: detail.clock_offset_ms,
      sample: detail.sample,
      history: detail.history.slice(-SAMPLES),
    };
  },
});
