/**
 * Operations that answer as the control plane does, for tests of the tools: every answer is parsed by the schema that it
 * promises. Actions live, are decided and end, so that waiting can be tried.
 */
import { type ActionState, Fault, fault, fingerprint, isoTime, type Plan, planSchema } from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import {
  type ActionDetail,
  type AssistantCall,
  type Call,
  type Diagnosis,
  type InputOf,
  type OperationName,
  type OutputOf,
  operationNamed,
  type ServerView,
} from '@countersign/protocol/operator-api/index';
import { systemIds } from '@countersign/protocol/system-ids';

type Output<N extends OperationName> = OutputOf<N>;
type Answers = { [N in OperationName]?: (input: never, signal?: AbortSignal) => unknown };

export interface SampleOperations {
  /** For whoever calls; `client` is noted with the requests of that caller. */
  readonly callAs: (client: string | null) => AssistantCall;
  /** Every call that came, in order. */
  readonly calls: { readonly name: string; readonly input: Record<string, unknown> }[];
  /** Replaces the answer of an operation; a fault is thrown. */
  readonly answer: <N extends OperationName>(name: N, answer: (input: InputOf<N>) => Output<N> | Fault) => void;
  readonly action: (id: string) => ActionDetail;
  /** Moves an action on, as a decision or the runner does. */
  readonly move: (id: string, state: ActionState, by?: string) => void;
}

const SERVER = { id: 'srv_0c8k3v7rw1aq', name: 'web-1' };
export const AT = Date.parse('2026-11-20T02:13:00Z');

/** An empty control plane with one server and one playbook. */
export function sampleOperations(): SampleOperations {
  const calls: SampleOperations['calls'] = [];
  const actions = new Map<string, ActionDetail>();
  const changed = new EventTarget();
  const answers: Answers = standardAnswers({ actions, changed });
  const callAs = (client: string | null): AssistantCall =>
    (async (name: OperationName, input: Record<string, unknown>, options?: { signal?: AbortSignal }) => {
      calls.push({ name, input });
      const { input: schema, output } = operationNamed(name);
      const parsed = schema.parse(input);
      const answer = await answers[name]?.({ ...parsed, client } as never, options?.signal);
      if (answer instanceof Fault) throw answer;
      if (answer === undefined) throw fault('internal', { reference: `no sample answer for ${name}` });
      return output.parse(answer);
    }) as Call;
  const action = (id: string) => {
    const found = actions.get(id);
    if (!found) throw fault('action_not_found', { action: id });
    return found;
  };
  return {
    callAs,
    calls,
    action,
    answer: (name, answer) => {
      answers[name] = answer as never;
    },
    move: (id, state, by = 'Ada') => {
      const before = action(id);
      actions.set(id, { ...before, ...after(before, state, by), state, status: `It is ${state}.` });
      changed.dispatchEvent(new Event(id));
    },
  };
}

function after(action: ActionDetail, state: ActionState, by: string): Partial<ActionDetail> {
  const at = isoTime(AT);
  if (state === 'approved' || state === 'rejected') {
    const verdict = state === 'approved' ? ('approve' as const) : ('reject' as const);
    const person = { id: 'prs_0c8k3v7rw1aq', name: by };
    const approval = {
      person,
      verdict,
      channel: 'telegram' as const,
      strength: 'tap' as const,
      at,
      reason: null,
      signed_with: null,
    };
    return { approvals: [...action.approvals, approval], approvals_given: action.approvals_given + 1 };
  }
  if (state !== 'succeeded' && state !== 'failed') return {};
  const step = {
    step: 'restart',
    state: 'done' as const,
    exit_code: 0,
    started_at: at,
    finished_at: at,
    summary: 'ok',
  };
  const readings = [{ capability: 'unit.state', passed: true, said: 'active_state is "active"', at }];
  return {
    result: {
      outcome: state,
      summary: 'nginx.service is active',
      steps: [step],
      check: { passed: state === 'succeeded', readings },
      undo: { state: 'not_needed', steps: [] },
      started_at: at,
      finished_at: at,
    },
  };
}

interface Store {
  readonly actions: Map<string, ActionDetail>;
  readonly changed: EventTarget;
}

function standardAnswers({ actions, changed }: Store): Answers {
  const propose = (plan: Plan, client: string | null): Output<'runPlaybook'> => {
    const digest = digestOf(plan);
    const open = [...actions.values()].find((it) => it.digest === digest && it.state === 'awaiting_approval');
    const action = open ?? sampleAction(plan, client);
    actions.set(action.id, action);
    return {
      action,
      diagnosis: null,
      repeated: open !== undefined,
      approve_url: `https://cp.test/actions/${action.id}`,
    };
  };
  return {
    getCapabilities: () => sampleCapabilities(),
    listServers: () => ({ servers: [sampleServer(0)], next_cursor: null }),
    runDiagnostic: () => sampleDiagnosis(),
    listPlaybooks: () => ({ playbooks: [samplePlaybook()] }),
    getPlaybook: () => ({ ...samplePlaybook(), yaml: 'id: service.restart\n', sha256: 'a'.repeat(64) }),
    runPlaybook: ({ playbook, client }: { playbook: string; client: string | null }) =>
      playbook === 'triage'
        ? { action: null, diagnosis: sampleDiagnosis(), repeated: false, approve_url: null }
        : propose(samplePlan('low'), client),
    runCommand: ({ client }: { client: string | null }) => propose(samplePlan('high'), client),
    writeFile: ({ client }: { client: string | null }) => propose(samplePlan('high'), client),
    listActions: () => ({ actions: [...actions.values()], next_cursor: null }),
    getAction: async ({ action, wait_s }: { action: string; wait_s: number }, signal?: AbortSignal) => {
      const found = () => {
        const it = actions.get(action);
        if (!it) throw fault('action_not_found', { action });
        return it;
      };
      found();
      if (wait_s > 0) await nextChange(changed, action, wait_s, signal);
      return { ...found(), untrusted_output: 'Job for nginx.service done.\n', output_truncated: false };
    },
    cancelAction: ({ action }: { action: string }) => {
      const it = actions.get(action);
      if (!it) return fault('action_not_found', { action });
      actions.set(action, { ...it, state: 'withdrawn' });
      return actions.get(action);
    },
    ...otherAnswers(),
  };
}

function otherAnswers(): Answers {
  const at = isoTime(AT);
  return {
    getServerStatus: () => ({
      ...sampleServer(0),
      facts: null,
      policy: null,
      capabilities: ['overview', 'unit.restart'],
      agent_version: '0.1.0',
      clock_offset_ms: 3,
      thresholds: {
        diskUsedRatio: 0.9,
        memoryUsedRatio: 0.92,
        load1PerCpu: 4,
        certificateDays: 14,
        failedUnits: true,
        outOfMemory: true,
        forSeconds: 60,
        offlineSeconds: 90,
      },
      trust: 'web-1 trusts this control plane.',
      witness: null,
      added_at: at,
      history: [],
    }),
    listAlerts: () => ({ alerts: [sampleAlert('agent'), sampleAlert('alertmanager')], next_cursor: null }),
    readFile: () => ({
      path: '/etc/nginx/nginx.conf',
      sha256: 'b'.repeat(64),
      bytes: 30,
      total_lines: 2,
      from_line: 1,
      untrusted_output: 'user www-data;\nworker_processes auto;\n',
      redactions: 0,
      truncated: false,
    }),
    searchFiles: () => ({
      matches: [{ path: '/etc/nginx/nginx.conf', line: 1, untrusted_output: 'user www-data;' }],
      files_searched: 3,
      redactions: 0,
      truncated: false,
    }),
    diffFile: () => ({
      path: '/etc/nginx/nginx.conf',
      against: 'package nginx-common 1.22.1-9',
      same: false,
      untrusted_output: '-user www-data;\n+user nobody;\n',
      redactions: 0,
      truncated: false,
    }),
    verifyDeploy: () => ({
      verdict: 'fail',
      app: 'shop',
      release: '20261121',
      checks: [{ check: 'http', result: 'fail', said: 'http://127.0.0.1:8080/healthz answers 500 in 3 ms.' }],
    }),
    discoverServices: () => {
      const found = { kind: 'unit' as const, name: 'nginx.service', state: 'active', detail: 'starts at boot' };
      const difference = { since: at, appeared: [found], gone: [], changed: [{ ...found, was: 'failed' }] };
      const looked = { at, age_s: 5, looked: true, refresh_in_s: 55 };
      return { server: SERVER, ...looked, found: [found], blind: [], truncated: false, difference };
    },
    getTimeline: () => ({
      entries: [
        { at, kind: 'alert', title: 'Disk / is 93 % full', server: SERVER, action: null, alert: null, by: null },
      ],
      next_cursor: null,
    }),
    getAuditLog: () => ({ entries: [sampleEntry(1)], next_cursor: null }),
  };
}

function nextChange(changed: EventTarget, id: string, seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, seconds * 1000);
    changed.addEventListener(id, done, { once: true });
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

function sampleCapabilities(): Output<'getCapabilities'> {
  return {
    version: '0.1.0',
    you: { person: 'Ada', token: 'laptop', scope: 'request' },
    rules: ['A human approves every change.'],
    diagnostics: [{ id: 'disk', summary: 'Full file systems.', parameters: ['path', 'top'] }],
    server: null,
    limits: { result_bytes: 32768 },
  };
}

export function sampleServer(n: number): ServerView {
  return {
    id: n === 0 ? SERVER.id : `srv_${String(n).padStart(12, '0')}`,
    name: `web-${n + 1}`,
    labels: { role: 'web' },
    state: 'online',
    last_seen_at: isoTime(AT),
    os: 'Debian GNU/Linux 12',
    mode: 'act',
    locked: false,
    firing_alerts: 0,
    sample: {
      at: isoTime(AT),
      load1_per_cpu: 0.4,
      memory_used_ratio: 0.5,
      swap_used_ratio: 0,
      fullest_mount: { mount: '/', used_ratio: 0.93 },
      failed_units: 1,
      uptime_s: 1000,
    },
  };
}

export function sampleDiagnosis(evidence = 'nginx: [emerg] unknown directive "lisen"'): Diagnosis {
  return {
    server: SERVER,
    at: isoTime(AT),
    chosen_because: 'down, nginx',
    findings: [
      {
        kind: 'nginx.config_invalid',
        severity: 'critical',
        title: 'nginx refuses its configuration',
        evidence: [{ source: 'nginx -t', untrusted_output: evidence }],
        causes: ['A directive is misspelt.'],
        suggestions: [{ playbook: 'service.restart', parameters: { unit: 'nginx' }, why: 'Starts it again.' }],
        diagnostic: 'nginx',
      },
    ],
    diagnostics: [{ diagnostic: 'nginx', ms: 120.4, figures: { workers: 0 }, error: null }],
    redactions: 0,
    truncated: false,
  };
}

function samplePlaybook(): Output<'listPlaybooks'>['playbooks'][number] {
  return {
    id: 'service.restart',
    version: 1,
    title: 'Restart a service',
    summary: 'Restarts one unit and checks that it stays up.',
    effect: 'mutate',
    risk: 'low',
    reversible: false,
    parameters: [{ name: 'unit', type: 'unit', summary: 'the unit', required: true }],
  };
}

function sampleAlert(source: 'agent' | 'alertmanager'): Output<'listAlerts'>['alerts'][number] {
  return {
    id: source === 'agent' ? 'alr_0c8k3v7rw1aq' : 'alr_1c8k3v7rw1aq',
    state: 'firing',
    severity: 'critical',
    source,
    kind: 'disk',
    title: 'Disk / is 93 % full',
    server: SERVER,
    labels: { mount: '/' },
    first_at: isoTime(AT),
    last_at: isoTime(AT),
    resolved_at: null,
    times: 1,
  };
}

export function sampleEntry(seq: number, note = 'x'): Output<'getAuditLog'>['entries'][number] {
  return {
    seq,
    at: isoTime(AT),
    event: 'action.proposed',
    who: { person: { id: 'prs_0c8k3v7rw1aq', name: 'Ada' }, token: null, client: 'claude-code', ip: null, by: 'token' },
    server: SERVER,
    action: null,
    details: { note },
    hash: 'c'.repeat(64),
  };
}

export function samplePlan(risk: 'low' | 'high', diff: string | null = null): Plan {
  const unit = { unit: 'nginx.service' };
  return planSchema.parse({
    format: 'countersign-plan/2',
    server: SERVER,
    source: { kind: 'playbook', id: 'service.restart', version: 1, sha256: 'd'.repeat(64) },
    title: 'Restart nginx.service on web-1',
    risk,
    reversible: false,
    parameters: unit,
    preconditions: [],
    steps: [{ id: 'restart', capability: 'unit.restart', parameters: unit, timeout_ms: 60_000 }],
    check: { probes: [], settle_ms: 0, stable_ms: 0 },
    undo: [],
    preview: {
      steps: [
        {
          step: 'restart',
          argv: [['systemctl', 'restart', '--', 'nginx.service']],
          diff,
          effects: ['nginx.service is failed now'],
          undo: null,
        },
      ],
      witness: [],
      predictable: true,
    },
    confirm: null,
    request: { action: 'act_0c8k3v7rw1aq', valid_until: AT + 900_000 },
  });
}

export function sampleAction(plan: Plan, client: string | null = null): ActionDetail {
  const digest = digestOf(plan);
  return {
    id: systemIds.id('act'),
    state: 'awaiting_approval',
    title: plan.title,
    server: SERVER,
    source: plan.source,
    risk: plan.risk,
    reversible: plan.reversible,
    fingerprint: fingerprint(digest),
    digest,
    requested_by: {
      person: { id: 'prs_0c8k3v7rw1aq', name: 'Ada' },
      token: { id: 'tok_0c8k3v7rw1aq', name: 'laptop' },
      client,
    },
    requested_at: isoTime(AT),
    expires_at: isoTime(AT + 900_000),
    approvals_needed: 1,
    approvals_given: 0,
    status: 'Waits for one approval until 02:28.',
    plan,
    untrusted_reason: 'nginx is down',
    changed_parameters: [],
    policy: {
      rule: `${plan.risk}-risk`,
      why: 'asks for one approval',
      channels: plan.risk === 'low' ? ['telegram', 'web', 'cli', 'ide'] : ['telegram', 'web'],
      strength: plan.risk === 'low' ? 'form' : 'tap',
      from: ['approver', 'owner'],
    },
    approvals: [],
    history: [],
    current_step: null,
    result: null,
    error: null,
    stop_requested_at: null,
    lock: null,
    follows: null,
    followed_by: null,
    confirm_by: null,
    confirmed_by: [],
  };
}
