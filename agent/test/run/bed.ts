/** What tests of the runner stand on: a folder, a control plane's key, plans, grants, and three real capabilities that leave traces. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type ActionResult,
  type Approval,
  type Clock,
  type Grant,
  type Json,
  type Plan,
  type PlanDraft,
  type SignedGrant,
  systemClock,
} from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import { makeSigningKey, type SigningKey, signValue } from '@countersign/protocol/signing';
import { systemIds } from '@countersign/protocol/system-ids';
import type { ChangeContext, Changers, Observers } from '../../src/capabilities/capability.ts';
import { noDeadMan } from '../../src/host/dead-man.ts';
import { execute } from '../../src/host/exec.ts';
import { lineLog } from '../../src/host/log.ts';
import { childProcesses } from '../../src/host/step-processes.ts';
import { Journal } from '../../src/run/journal.ts';
import { readLocalPolicy } from '../../src/run/local-policy.ts';
import { LockBook } from '../../src/run/lock-book.ts';
import { preview } from '../../src/run/preview.ts';
import type { RunPorts } from '../../src/run/run-ports.ts';
import { Runner } from '../../src/run/runner.ts';
import type { FromRunner, Report } from '../../src/run/runner-wire.ts';

export const SERVER = { id: 'srv_000000000001', name: 'web-1' };

/** A clock that can be set: wall time is `now`, timers are real. */
export function clockAt(offsetMs = 0): Clock & { offsetMs: number } {
  return {
    offsetMs,
    now() {
      return systemClock.now() + this.offsetMs;
    },
    monotonic: systemClock.monotonic,
    after: systemClock.after,
  };
}

/** A clock that counts its timers of one length, or of any, as they fire: to wait for what a timer did, or did not do. */
export function countingClock(clock: Clock, ofMs?: number): Clock & { readonly fired: number } {
  let fired = 0;
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, then) =>
      clock.after(ms, () => {
        then();
        if (ofMs === undefined || ms === ofMs) fired += 1;
      }),
    get fired() {
      return fired;
    },
  };
}

/** `file.write`: replaces a file; the witness is its content. `unit.start`: appends a line to an effect file, and its undo another. */
function changers(folder: string): Partial<Changers> {
  const effect = (word: string) => appendFileSync(join(folder, 'effects'), `${word}\n`);
  return {
    'command.run': {
      predictable: false,
      preview: async ({ argv }) => ({ preview: { argv: [argv], diff: null, effects: [], undo: null }, witness: [] }),
      perform: async ({ argv, timeout_s }, _, context: ChangeContext) => {
        const { signal, onOutput } = context;
        const done = await context.processes.start({ argv, timeoutMs: timeout_s * 1000, signal, onOutput });
        return { changed: true, exit_code: done.exitCode, summary: `${argv[0]} ended with ${done.exitCode}` };
      },
    },
    // Its undo sets a state, so it may be begun again.
    'unit.stop': {
      predictable: true,
      undoAgain: true,
      preview: async ({ unit }) => ({
        preview: { argv: [['stop', unit]], diff: null, effects: [`stops ${unit}`], undo: 'starts it' },
        witness: [{ subject: `unit ${unit}`, property: 'state', value: stateOf(folder, unit) }],
      }),
      remember: async ({ unit }) => ({ before: stateOf(folder, unit) }),
      perform: async ({ unit }) => {
        writeFileSync(join(folder, unit), 'stopped');
        effect(`stop ${unit}`);
        return { changed: true, exit_code: 0, summary: 'Stopped.' };
      },
      undo: async ({ unit }, memory) => {
        effect(`undo ${unit}`);
        const times = linesOf(join(folder, 'effects')).filter((line) => line === `undo ${unit}`).length;
        if (unit.startsWith('stuck') && times === 1) await new Promise(() => undefined);
        writeFileSync(join(folder, unit), (memory as { before: string }).before);
        return { changed: true, exit_code: 0, summary: 'Started again.' };
      },
    },
    'unit.start': {
      predictable: true,
      preview: async ({ unit }) => ({
        preview: { argv: [['start', unit]], diff: null, effects: [`starts ${unit}`], undo: 'stops it' },
        witness: [{ subject: `unit ${unit}`, property: 'state', value: stateOf(folder, unit) }],
      }),
      remember: async ({ unit }) => ({ before: stateOf(folder, unit) }),
      perform: async ({ unit }) => {
        const broken = unit.startsWith('broken');
        if (!broken) writeFileSync(join(folder, unit), 'active');
        // Last: who waits for the effect kills us then, and another runner has to find the state.
        effect(`start ${unit}`);
        if (unit.startsWith('slow')) await new Promise(() => undefined);
        return { changed: !broken, exit_code: broken ? 1 : 0, summary: broken ? 'It does not start.' : 'Started.' };
      },
      recover: async ({ unit }) =>
        stateOf(folder, unit) === 'active' && !unit.endsWith('lost.service')
          ? { changed: true, exit_code: 0, summary: 'Found started.' }
          : null,
      undo: async ({ unit }, memory) => {
        effect(`undo ${unit}`);
        if (unit.startsWith('stuck')) await new Promise(() => undefined);
        writeFileSync(join(folder, unit), (memory as { before: string }).before);
        return { changed: true, exit_code: 0, summary: 'Stopped.' };
      },
    },
  };
}

function stateOf(folder: string, unit: string): string {
  return existsSync(join(folder, unit)) ? readFileSync(join(folder, unit), 'utf8') : 'inactive';
}

function observers(folder: string): Partial<Observers> {
  return {
    'unit.state': async ({ unit }) => ({
      exists: true,
      active_state: stateOf(folder, unit),
      sub_state: '',
      unit_file_state: '',
      enabled: true,
      result: '',
      main_pid: 0,
      restarts: 0,
      can_reload: true,
      active_since: null,
    }),
    'disk.free': async ({ path }, { signal, clock }) => {
      if (path !== '/slow') return { mount: '/', bytes_free: 1, used_ratio: 0 };
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        clock.after(60_000, () => undefined);
      });
      throw new Error('never');
    },
  };
}

export interface Bed extends Disposable {
  readonly folder: string;
  readonly key: SigningKey;
  readonly clock: ReturnType<typeof clockAt>;
  readonly ports: RunPorts;
  readonly policyFile: string;
  readonly logged: string[];
  /** Lines of the effect file. */
  effects(): string[];
}

/** A folder of its own with a policy that lets nearly everything happen. */
export function makeBed(
  policy = 'mode: act\nmax_risk: critical\ncommands: true\n',
  given: Partial<Pick<Bed, 'folder' | 'key'>> = {},
): Bed {
  const folder = given.folder ?? mkdtempSync(join(tmpdir(), 'countersign-run-'));
  const policyFile = join(folder, 'policy.yaml');
  if (policy !== '') writeFileSync(policyFile, policy, { mode: 0o644 });
  const stateDir = join(folder, 'runner');
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const clock = clockAt();
  const key = given.key ?? makeSigningKey();
  const logged: string[] = [];
  const locks = new LockBook(stateDir);
  const ports: RunPorts = {
    clock,
    ids: systemIds,
    log: lineLog(
      'test',
      () => clock.now(),
      (line) => logged.push(line),
    ),
    observers: observers(folder) as Observers,
    changers: changers(folder) as Changers,
    exec: execute,
    self: [process.execPath],
    processes: () => childProcesses({ clock }),
    deadMan: noDeadMan,
    stateDir,
    serverId: SERVER.id,
    serverName: SERVER.name,
    controlPlaneKey: key.publicKey,
    bootId: 'boot-1',
    policy: () => locks.follow(readLocalPolicy(policyFile)),
    takeLockChanges: (changes) => locks.take(readLocalPolicy(policyFile).lock, changes),
  };
  return {
    folder,
    key,
    clock,
    ports,
    policyFile,
    logged,
    effects: () => linesOf(join(folder, 'effects')),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

export type Step = {
  id: string;
  capability: 'command.run' | 'unit.start' | 'unit.stop';
  parameters: Record<string, Json>;
  timeout_ms?: number;
};

export const command = (id: string, ...argv: string[]): Step => ({
  id,
  capability: 'command.run',
  parameters: { argv, timeout_s: 60 },
});
/** A command that goes on until this file is there. It ends with the folder of the file too, so that a test that failed leaves nothing. */
export const commandUntil = (id: string, file: string) =>
  command(id, 'sh', '-c', 'while [ -d "$0" ] && [ ! -e "$1" ]; do sleep 0.05; done', dirname(file), file);
export const start = (id: string, unit: string): Step => ({ id, capability: 'unit.start', parameters: { unit } });

export const stop = (id: string, unit: string): Step => ({ id, capability: 'unit.stop', parameters: { unit } });

/** A draft with these steps. */
export function draftOf(steps: readonly Step[], given: Partial<PlanDraft> = {}): PlanDraft {
  return {
    format: 'countersign-plan/2',
    server: SERVER,
    source: { kind: 'command' },
    title: 'A test',
    risk: 'low',
    reversible: true,
    parameters: {},
    preconditions: [],
    steps: steps.map((step) => ({ timeout_ms: 20_000, ...step })) as PlanDraft['steps'],
    check: { probes: [], settle_ms: 0, stable_ms: 0 },
    undo: [],
    confirm: null,
    ...given,
  };
}

/** The draft with the preview that the server makes of it. */
export async function planOf(bed: Bed, draft: PlanDraft): Promise<Previewed> {
  const made = await preview(bed.ports, bed.ports.policy(), draft, 5000, new AbortController().signal);
  return { ...draft, preview: made };
}

let counter = 0;

export function newActionId(): string {
  counter += 1;
  return `act_${String(counter).padStart(12, '0')}`;
}

export function approvalOf(digest: string, given: Partial<Approval> = {}): Approval {
  return {
    id: 'apr_000000000001',
    person: { id: 'prs_000000000001', name: 'Ada' },
    channel: 'telegram',
    strength: 'tap',
    digest,
    at: systemClock.now(),
    ...given,
  };
}

/** A plan that is not tied to a request yet. */
export type Previewed = Omit<Plan, 'request'>;

/** A grant as the control plane makes it, bent by `bend`, which may need its digest, before it is signed. */
export function grantOf(
  bed: Pick<Bed, 'clock' | 'key'>,
  previewed: Previewed,
  bend: Partial<Grant> | ((digest: string) => Partial<Grant>) = {},
): SignedGrant {
  const now = systemClock.now();
  const actionId = 'actionId' in bend && bend.actionId ? bend.actionId : newActionId();
  const plan: Plan = { ...previewed, request: { action: actionId, valid_until: now + 120_000 } };
  const digest = digestOf(plan);
  const grant: Grant = {
    format: 'countersign-grant/2',
    actionId,
    plan,
    digest,
    approvals: [approvalOf(digest)],
    rule: 'default',
    issuedAt: now,
    expiresAt: now + 120_000,
    ...(typeof bend === 'function' ? bend(digest) : bend),
  };
  return { grant, key: bed.key.publicKey, signature: signValue('grant', grant, bed.key.seed) };
}

/** The result that a report tells. Throws when it tells something else. */
export function resultOf(report: Report): ActionResult {
  assert.equal(report.kind, 'finished', JSON.stringify(report));
  return (report as Extract<Report, { kind: 'finished' }>).result;
}

/** A runner with somebody who listens to it. */
export class Watched {
  readonly runner: Runner;
  readonly journal: Journal;
  readonly told: FromRunner[] = [];
  readonly #detach: () => void;

  constructor(bed: Bed, ports: Partial<RunPorts> = {}) {
    this.journal = Journal.open(bed.ports.stateDir, bed.clock);
    this.runner = new Runner({ ...bed.ports, ...ports }, this.journal);
    this.#detach = this.runner.attach((message) => this.told.push(message));
  }

  reports(actionId: string): Report[] {
    return this.told.flatMap((message) =>
      message.type === 'report' && message.report.actionId === actionId ? [message.report] : [],
    );
  }

  /** Waits for the end of an action. */
  async ending(actionId: string): Promise<Exclude<Report, { kind: 'started' }>> {
    return until(() => {
      return this.reports(actionId).find(
        (report): report is Exclude<Report, { kind: 'started' }> => report.kind !== 'started',
      );
    }, `the end of ${actionId}`);
  }

  /** The result of an action, once it is over. */
  async result(actionId: string): Promise<ActionResult> {
    return resultOf(await this.ending(actionId));
  }

  output(actionId: string): string {
    return this.told
      .flatMap((message) => (message.type === 'output' && message.actionId === actionId ? [message.text] : []))
      .join('');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await until(() => this.runner.running === 0 || undefined, 'the runner to be quiet');
    this.#detach();
    this.journal.close();
  }
}

/** Asks every few milliseconds until `look` finds something. */
export async function until<T>(look: () => T | undefined | false, what: string, boundMs = 60_000): Promise<T> {
  const deadline = performance.now() + boundMs;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`not within ${boundMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
