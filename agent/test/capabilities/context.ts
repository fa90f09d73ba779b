/** Contexts for capabilities on this very machine: real processes, real files, a folder of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  ChangeContext,
  LocalRules,
  ObserveContext,
  RememberedStep,
} from '@countersign/agent/capabilities/capability';
import { execute } from '@countersign/agent/host/exec';
import { childProcesses } from '@countersign/agent/host/step-processes';
import { type Clock, type Json, systemClock } from '@countersign/protocol';

export class Place implements Disposable {
  /** Below it everything may be read and written. */
  readonly root = mkdtempSync(join(tmpdir(), 'countersign-capabilities-'));
  readonly stateDir = mkdtempSync(join(tmpdir(), 'countersign-state-'));
  readonly output: string[] = [];
  /** Timers of the clock do not keep a process alive; a test that waits for one does. */
  readonly #alive = setInterval(() => undefined, 1000);

  at(name: string): string {
    return join(this.root, name);
  }

  observe(rules: Partial<LocalRules> = {}, clock: Clock = systemClock): ObserveContext {
    return {
      signal: new AbortController().signal,
      clock,
      localPolicy: { readRoots: [this.root], writeRoots: [this.root], ...rules },
      exec: execute,
      self: [process.execPath],
    };
  }

  change(
    options: { step?: string; rules?: Partial<LocalRules>; clock?: Clock; earlier?: RememberedStep[] } = {},
  ): ChangeContext {
    return {
      ...this.observe(options.rules, options.clock),
      actionId: 'act_000000000000',
      step: options.step ?? 'step',
      processes: childProcesses({ clock: systemClock }),
      onOutput: (text) => this.output.push(text),
      stateDir: this.stateDir,
      earlier: options.earlier ?? [],
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#alive);
    rmSync(this.root, { recursive: true, force: true });
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}

/** A memory as the journal gives it back: by way of JSON. */
export function journaled(memory: Json | undefined): Json {
  return JSON.parse(JSON.stringify(memory ?? null)) as Json;
}
