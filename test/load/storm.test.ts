/**
 * Thousands of agents that come back at once to a control plane that gets little of the processor: the real line, with a clock that moves on as
 * work costs. The system hands over one connection in each turn, oldest first, as libuv does; agents give up and come back as links do.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Backoff } from '@countersign/agent/link/backoff';
import { HandshakeLine } from '@countersign/control-plane/fleet/handshake-line';
import { fleetLimits } from '@countersign/control-plane/fleet/limits';
import type { Clock } from '@countersign/protocol';
import { seededRandom } from '../../protocol/test/seeded-random.ts';

/** Of a whole core, milliseconds, as measured: 1.5 for a handshake, of which the proofs and the hello are the most. */
const COSTS = { connection: 0.25, letIn: 0.4, open: 0.3, hello: 0.8 };
const PATIENCE_MS = 15_000;

/** A clock that moves on when something is done, or to the next timer when there is nothing to do. */
class WorkClock implements Clock {
  passed = 0;
  readonly #timers = new Set<{ at: number; then: () => void }>();
  #next = Infinity;

  now = () => this.passed;
  monotonic = () => this.passed;

  after(ms: number, then: () => void) {
    const timer = { at: this.passed + ms, then };
    this.#timers.add(timer);
    this.#next = Math.min(this.#next, timer.at);
    return () => void this.#timers.delete(timer);
  }

  /** Calls what is due; when nothing is and nobody works, moves on to what comes next. */
  run(isIdle: boolean): void {
    if (isIdle) this.passed = Math.max(this.passed, this.#next);
    if (this.passed < this.#next) return;
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.passed).toSorted((a, b) => a.at - b.at)) {
      this.#timers.delete(timer);
      timer.then();
    }
    this.#next = Math.min(...[...this.#timers].map(({ at }) => at));
  }
}

interface Connection {
  readonly take: () => void;
  isGone: boolean;
}

interface Outcome {
  readonly seconds: number;
  readonly sentAway: number;
  /** Those who went away because nobody answered in time. */
  readonly gaveUp: number;
}

class Storm {
  readonly clock = new WorkClock();
  readonly #share: () => number;
  /** Always the same numbers, so that a test that fails fails again. */
  readonly #ids = { random: seededRandom(1).next };
  readonly #line = new HandshakeLine({ clock: this.clock, ids: this.#ids }, fleetLimits);
  /** Connections that the system holds for us. */
  readonly #held: Connection[] = [];
  #workedAt = 0;
  #back = 0;
  #sentAway = 0;
  #gaveUp = 0;

  /** `share`: how much of a core there is. */
  constructor(share: () => number) {
    this.#share = share;
  }

  async run(agents: number, boundMs: number): Promise<Outcome> {
    for (let n = 0; n < agents; n += 1) this.#dial(`10.0.${n % 4}.1`, new Backoff(this.#ids));
    while (this.#back < agents && this.clock.passed < boundMs) {
      const connection = this.#held.shift();
      if (connection !== undefined) this.#take(connection);
      await setImmediate();
      this.clock.run(this.#held.length === 0 && this.clock.passed === this.#workedAt);
      this.#workedAt = this.clock.passed;
    }
    return { seconds: this.clock.passed / 1000, sentAway: this.#sentAway, gaveUp: this.#gaveUp };
  }

  #spend(ms: number): void {
    this.clock.passed += ms / this.#share();
  }

  #take(connection: Connection): void {
    this.#spend(COSTS.connection);
    this.#line.connected();
    if (!connection.isGone) connection.take();
  }

  #dial(address: string, backoff: Backoff): void {
    const of = {};
    const again = (ms: number) => void this.clock.after(ms, () => this.#dial(address, backoff));
    const connection: Connection = { isGone: false, take: () => this.#arrive(of, address, ended) };
    const gaveUp = this.clock.after(PATIENCE_MS, () => {
      connection.isGone = true;
      this.#gaveUp += 1;
      this.#line.done(of);
      again(backoff.next());
    });
    const ended = (comeBackMs: number | null) => {
      if (connection.isGone) return;
      gaveUp();
      if (comeBackMs === null) this.#back += 1;
      else again(backoff.told(Math.ceil(comeBackMs / 1000) * 1000));
    };
    this.#held.push(connection);
  }

  #arrive(of: object, address: string, ended: (comeBackMs: number | null) => void): void {
    this.#line.arrive(of, {
      ...{ address, isKnown: true },
      letIn: () => {
        this.#spend(COSTS.letIn);
        this.#line.frame(() => {
          this.#spend(COSTS.open);
          this.#line.frame(() => {
            this.#spend(COSTS.hello);
            this.#line.done(of);
            ended(null);
          });
        });
      },
      sendAway: (comeBackMs) => {
        this.#sentAway += 1;
        ended(comeBackMs);
      },
    });
  }
}

const WORK_MS = COSTS.connection + COSTS.letIn + COSTS.open + COSTS.hello;

const leastSeconds = (agents: number, share: number) => (agents * WORK_MS) / share / 1000;

test('when the control plane gets a tenth of a core, thousands who come back at once are back in little more than the work takes', async () => {
  const agents = 2500;
  const { seconds, sentAway, gaveUp } = await new Storm(() => 0.1).run(agents, 600_000);
  assert.ok(seconds < 1.6 * leastSeconds(agents, 0.1), `${seconds} s`);
  assert.ok(sentAway < 2 * agents, `${sentAway} were sent away`);
  assert.ok(gaveUp < agents / 4, `${gaveUp} gave up`);
});

test('when even to take all connections takes longer than links wait, work for those who gave up does not grow without end', async () => {
  const agents = 3000;
  const { seconds, gaveUp } = await new Storm(() => 0.05).run(agents, 600_000);
  assert.ok(seconds < 2.2 * leastSeconds(agents, 0.05), `${seconds} s`);
  assert.ok(gaveUp < 4 * agents, `${gaveUp} gave up`);
});

test('when the control plane has a core, nobody gives up, and all are back nearly as fast as they can shake hands', async () => {
  const agents = 4000;
  const { seconds, gaveUp } = await new Storm(() => 1).run(agents, 600_000);
  assert.ok(seconds < 2 * leastSeconds(agents, 1), `${seconds} s`);
  assert.equal(gaveUp, 0);
});

test('when the control plane gets more of the processor after a while, those who were sent away are back within two minutes', async () => {
  const slowMs = 30_000;
  const storm = new Storm(() => (storm.clock.passed < slowMs ? 0.05 : 1));
  const { seconds } = await storm.run(2500, 600_000);
  // The latest date that is given, and what links add to it.
  assert.ok(seconds < slowMs / 1000 + 120 * 1.1 + 5, `${seconds} s`);
});
