/**
 * The parts of an interleaving that there are two of: one made of the real use cases, SQLite, runner and journal, and a small
 * quick one made of the product's pure rules alone.
 */
import type { ReportKind } from '@countersign/agent/run/journal-index';
import type { FromRunner, Report } from '@countersign/agent/run/runner-wire';
import type { ActionDeps } from '@countersign/control-plane/actions/action-deps';
import type { PolicyInForce } from '@countersign/control-plane/policy/policy-book';
import type { Clock, Ids, PlanDraft, Preview, SignedGrant } from '@countersign/protocol';
import type { ActionFacts } from './lifecycle-check.ts';
import type { Machine } from './machine.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { Ask, Sweep } from './story.ts';
import type { VirtualDisk } from './virtual-disk.ts';

export interface PlaneSurroundings {
  readonly clock: Clock;
  readonly fleet: ActionDeps['fleet'];
  readonly policy: () => PolicyInForce;
}

/** What people and servers can have a control plane do. Everything rejects with a `Fault` of the catalogue, or is a defect. */
export interface Plane {
  propose(serverId: string, ask: Ask): Promise<string>;
  digestOf(actionId: string): Promise<string>;
  /** Resolves with `approved`, `rejected` or `counted`. */
  decide(actionId: string, by: number, verdict: 'approve' | 'reject', digest: string): Promise<string>;
  act(what: 'withdraw' | 'stop' | 'close', actionId: string): Promise<void>;
  pause(on: boolean): Promise<void>;
  sweep(which: Sweep, serverId: string): Promise<void>;
  record(serverId: string, report: Report): Promise<void>;
  /** How many actions have no end yet. */
  open(): Promise<number>;
}

/** What a link can have a runner do. */
export interface ServerRunner {
  readonly running: number;
  attach(listener: (message: FromRunner) => void): () => void;
  accept(signed: SignedGrant, skewMs: number | null): void;
  stop(actionId: string): void;
  kept(actionId: string, report: ReportKind): void;
  preview(draft: PlanDraft, timeoutMs: number, signal: AbortSignal): Promise<Preview>;
}

export interface RunnerSurroundings {
  readonly process: SimulatedProcess;
  readonly machine: Machine;
  readonly disk: VirtualDisk;
  readonly ids: Ids;
}

/** Where interleavings run one after the other. What is stored outlives the control plane's process. */
export interface Bench extends Disposable {
  /** The control plane's process. One that was not killed goes on in the next interleaving. */
  process: SimulatedProcess;
  /** Waited for before each use of what is stored. */
  turn: () => Promise<void>;
  /** Milliseconds of simulated time: no two interleavings overlap. */
  beginsAt: number;
  readonly ids: Ids;
  /** Whether another bench is due. */
  readonly used: boolean;
  /** A server that nobody has worked on. */
  nextServer(): string;
  startPlane(surroundings: PlaneSurroundings): Promise<Plane>;
  startRunner(surroundings: RunnerSurroundings): ServerRunner;
  factsOf(ids: readonly string[]): Promise<ActionFacts[]>;
  /** Checks what was added to the audit log since the last time. */
  checkAudit(): Promise<void>;
}
