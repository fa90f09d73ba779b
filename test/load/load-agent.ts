/**
 * One simulated agent under load: it stays connected with the real link's own backoff, judges grants by the real runner's own rules, starts
 * each action once, and writes what it was told and did into its ledger.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Backoff } from '@countersign/agent/link/backoff';
import { verifyGrant } from '@countersign/agent/run/verify-grant';
import {
  type ActionResult,
  channels,
  Fault,
  type PlanDraft,
  type Preview,
  type SignedGrant,
} from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { systemIds } from '@countersign/protocol/system-ids';
import { AgentLedger } from './agent-ledger.ts';
import type { Of } from './agent-options.ts';
import { keyOf, nameOf } from './fleet-roles.ts';
import { ordinaryAgent, ordinaryReport } from './ordinary-agent.ts';
import { SentAway, type SimulatedAgent, simulatedAgent, TurnedAway, waitAfter } from './simulated-agent.ts';

/** As long as the real link waits for a welcome, milliseconds. */
const WELCOME_MS = 20_000;
/** How long a change takes on a simulated server, milliseconds. */
const WORK_MS = { least: 20, most: 400 };
const ALERT_LASTS_MS = 1500;

export interface LoadAgentOptions {
  readonly n: number;
  readonly serverId: string;
  readonly url: string;
  readonly localAddress: string;
  readonly controlPlaneKey: string;
  readonly ledgerFolder: string;
  /** Is told when it was welcomed or lost its connection. */
  readonly changed: (connected: boolean) => void;
  /** Is told why an attempt to connect failed. */
  readonly failed: (why: string) => void;
}

export class LoadAgent {
  readonly name: string;
  readonly agent: SimulatedAgent;
  isConnected = false;
  /** Alerts that have not resolved themselves yet. */
  firing = 0;
  readonly #options: LoadAgentOptions;
  readonly #ledger: AgentLedger;
  /** What a runner has in its journal: each action that was begun, with its result once there is one. */
  readonly #journal = new Map<string, ActionResult | null>();
  readonly #ending = new AbortController();
  #alerts = 0;
  #comesBackAtOnce = false;

  constructor(options: LoadAgentOptions) {
    const { n, serverId, url, localAddress, controlPlaneKey } = options;
    this.name = nameOf(n);
    this.#options = options;
    this.#ledger = new AgentLedger(options.ledgerFolder, this.name);
    this.agent = simulatedAgent({
      ...{ url, serverId, localAddress, controlPlaneKey, key: keyOf(n), heartbeats: true, remembers: false },
      facts: { hostname: this.name },
      onObserve: (request) => this.#observe(request),
      onPreview: (draft) => previewOf(draft),
      onDispatch: (grant) => this.#dispatched(grant),
    });
  }

  /** Connects, and comes back whenever the connection is gone. Resolves after {@link end}. */
  async stayConnected(): Promise<void> {
    const backoff = new Backoff(systemIds);
    while (!this.#ending.signal.aborted) {
      const waitMs = await this.#connectOnce(backoff);
      if (this.#comesBackAtOnce) this.#comesBackAtOnce = false;
      else await pause(waitMs, undefined, { signal: this.#ending.signal }).catch(() => undefined);
    }
  }

  /** Loses its connection, and comes back without waiting. */
  cut(): void {
    this.#comesBackAtOnce = true;
    this.agent.drop();
  }

  /** Raises an alert that resolves itself a little later. */
  alert(): void {
    this.#alerts += 1;
    const key = `/load/${this.#alerts}`;
    const tell = (state: 'firing' | 'resolved') => {
      this.#ledger.append({ what: 'alert', at: Date.now(), key, state });
      this.agent.alert({ key, state, title: `Disk ${key} of ${this.name} is 95 % full` });
    };
    tell('firing');
    this.firing += 1;
    setTimeout(() => {
      tell('resolved');
      this.firing -= 1;
    }, ALERT_LASTS_MS);
  }

  end(): void {
    this.#ending.abort();
    this.agent.drop();
  }

  /** Resolves when the connection is gone, with how long to wait before the next, milliseconds. */
  async #connectOnce(backoff: Backoff): Promise<number> {
    let failure: unknown;
    const bound = setTimeout(() => this.agent.drop(), WELCOME_MS);
    try {
      await this.agent.connect();
      clearTimeout(bound);
      backoff.reset();
      this.#change(true);
    } catch (error) {
      failure = error;
      this.#options.failed(whyFailed(error));
      this.agent.drop();
    } finally {
      clearTimeout(bound);
    }
    await this.agent.ended;
    this.#change(false);
    return waitAfter(failure, backoff);
  }

  #change(connected: boolean): void {
    if (this.isConnected === connected) return;
    this.isConnected = connected;
    this.#options.changed(connected);
  }

  /** Answers with its own name, so that an answer that reaches the wrong caller is seen. */
  #observe({ capability, parameters }: Of<'observe'>): unknown {
    if (capability !== 'file.read') return reportOf(capability, this.name);
    const text = `this is ${this.name}\n`;
    return {
      path: String(parameters.path),
      ...{ sha256: sha256(text), bytes: text.length, total_lines: 1, from_line: 1 },
      ...{ untrusted_output: text, redactions: 0, truncated: false },
    };
  }

  #dispatched(signed: SignedGrant): void {
    const { actionId: action, digest } = signed.grant;
    const known = this.#journal.get(action);
    const at = Date.now();
    if (known !== undefined) {
      this.#ledger.append({ what: 'told_again', at, action });
      if (known !== null) this.agent.report({ type: 'finished', actionId: action, result: known });
      return;
    }
    const { fault } = verifyGrant(signed, this.#terms(at));
    if (fault !== null) {
      this.#ledger.append({ what: 'refused', at, action, code: fault.code });
      this.agent.report({
        type: 'refused',
        actionId: action,
        at,
        fault: { code: fault.code, slots: { ...fault.slots } },
      });
      return;
    }
    this.#journal.set(action, null);
    this.#ledger.append({ what: 'told', at, action, digest });
    this.agent.report({ type: 'started', actionId: action, at });
    const workMs = WORK_MS.least + systemIds.random() * (WORK_MS.most - WORK_MS.least);
    setTimeout(() => this.#finish(signed, at), workMs);
  }

  #finish({ grant: { actionId: action, plan } }: SignedGrant, startedAt: number): void {
    const mark = `${this.name} mark ${this.#journal.size}`;
    const finishedAt = Date.now();
    this.#ledger.append({ what: 'did', at: finishedAt, action, mark });
    const done = { state: 'done', exitCode: 0, startedAt, finishedAt, summary: 'It ran.' } as const;
    const result: ActionResult = {
      outcome: 'succeeded',
      summary: mark,
      steps: plan.steps.map(({ id }) => ({ step: id, ...done })),
      check: { passed: true, readings: [] },
      undo: { state: 'not_needed', steps: [] },
      ...{ startedAt, finishedAt, journalHead: sha256(mark) },
    };
    this.#journal.set(action, result);
    this.agent.report({ type: 'finished', actionId: action, result });
  }

  #terms(now: number): Parameters<typeof verifyGrant>[1] {
    const { serverId, controlPlaneKey } = this.#options;
    const approvals = { atLeast: 1, channels, strength: 'tap' } as const;
    return {
      ...{ serverId, controlPlaneKey, serverName: this.name, now, skewMs: 0, approvals },
      ...{ commands: ordinaryAgent().policy.commands, lock: null },
    };
  }
}

function reportOf(capability: string, name: string): unknown {
  const report = ordinaryReport(capability);
  return { ...report, findings: report.findings.map((finding) => ({ ...finding, title: `All is well on ${name}` })) };
}

function previewOf({ steps }: PlanDraft): Preview {
  return {
    steps: steps.map(({ id, parameters }) => ({
      step: id,
      argv: [['systemctl', 'restart', '--', String(parameters.unit)]],
      ...{ diff: null, effects: [], undo: null },
    })),
    witness: [],
    predictable: true,
  };
}

function whyFailed(error: unknown): string {
  if (error instanceof TurnedAway) return error.ending.fault?.code ?? `closed with ${error.ending.code}`;
  if (error instanceof SentAway) return 'sent away';
  if (error instanceof Fault) return error.code;
  const { code } = error as NodeJS.ErrnoException;
  return code ?? (error instanceof Error ? error.message : String(error));
}
