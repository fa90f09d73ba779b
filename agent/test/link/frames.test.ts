/** Thousands of bent frames into a session of a real link with a real runner. The seed is printed; COUNTERSIGN_TEST_SEED gives it again. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Fault, systemClock } from '@countersign/protocol';
import { thresholdsSchema } from '@countersign/protocol/agent-wire/facts';
import { damagedFrame } from '../../../control-plane/test/fleet/mutate-frames.ts';
import { approver, lockOf } from '../../../protocol/test/approvers.ts';
import { seededRandom } from '../../../protocol/test/seeded-random.ts';
import { composeLink } from '../../src/compose.ts';
import { lineLog } from '../../src/host/log.ts';
import type { Wire, WireListener } from '../../src/link/dial.ts';
import { RunnerClient } from '../../src/link/runner-client.ts';
import { session } from '../../src/link/session.ts';
import { command, draftOf, grantOf, linesOf, SERVER } from '../run/bed.ts';
import { ControlPlane } from './control-plane.ts';
import { goesOnAfter, messagesWith } from './control-plane-frames.ts';
import { Agent, MAIN } from './enrolled.ts';

const EACH = 1000;
const seed = Number(process.env.COUNTERSIGN_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));

const sample = {
  at: 0,
  load1PerCpu: 0,
  memoryUsedRatio: 0,
  swapUsedRatio: 0,
  fullestMount: null,
  failedUnits: 0,
  uptimeS: 1,
};

/** The place where the network ends. */
class EndOfNetwork implements Wire {
  isOpen = true;
  readonly waiting = 0;
  listener: WireListener | null = null;
  send(): void {
    // Nobody reads.
  }
  ping(): void {
    // Nobody answers.
  }
  close(): void {
    this.cut();
  }
  cut(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.listener?.onClose('closed');
  }
  listen(listener: WireListener | null): void {
    this.listener = listener;
  }
}

test(`T1 F16: when ${EACH} bent frames of each message come, a locked server ends the talk or goes on as it should, and nothing runs`, async () => {
  await using controlPlane = await ControlPlane.start();
  const ada = approver('Ada');
  const policy = `mode: act\nmax_risk: critical\ncommands: true\nlock: ${JSON.stringify(lockOf([ada]))}\n`;
  await using agent = await Agent.enrolled(controlPlane, { policy });
  const effects = join(agent.folder, 'effects');
  const draft = draftOf([command('one', 'sh', '-c', `echo ran >>${effects}`)], { risk: 'high' });
  const plan = { ...draft, preview: { steps: [], witness: [], predictable: true } };
  const of = { clock: systemClock as never, key: controlPlane.key };
  const grant = grantOf(of, plan);
  using deps = disposing(
    composeLink(
      {
        config: agent.config,
        surroundings: { listenFd: null, bootId: null, enrolmentToken: null, self: null },
        self: [process.execPath, MAIN],
        log: lineLog('link', systemClock.now, () => undefined),
      },
      () => undefined,
    ),
  );
  // As the link starts it, but what it logs of thousands of refusals is not kept.
  const runner = new RunnerClient({
    ...deps,
    connect: async () => {
      const words = [MAIN, 'runner', '--config', agent.config.file, '--stdio'];
      const { stdout, stdin } = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'ignore'] });
      return { input: stdout, output: stdin };
    },
    onTold: (message) => deps.deliveries.take(message),
  });
  using _ = { [Symbol.dispose]: () => runner.close() };
  const welcome = {
    type: 'welcome' as const,
    serverId: SERVER.id,
    serverName: SERVER.name,
    clock: systemClock.now(),
    heartbeatMs: 30_000,
    thresholds: thresholdsSchema.parse({}),
  };
  const talk = () => {
    const wire = new EndOfNetwork();
    const ended = session({ ...deps, runner, sample: async () => sample, onAbout: () => undefined }, wire, {
      welcome,
      skewMs: 0,
    });
    return { wire, ended };
  };
  const random = seededRandom(seed);
  let present = talk();
  for (const message of messagesWith(grant, draft))
    for (let n = 0; n < EACH; n += 1) {
      const frame = damagedFrame(random.next, [message]);
      present.wire.listener?.onFrame(frame);
      const what = `COUNTERSIGN_TEST_SEED=${seed}: ${frame.slice(0, 300)}`;
      assert.equal(present.wire.isOpen, goesOnAfter(frame), what);
      // Breath for what the runner answers.
      if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (!present.wire.isOpen) present = talk();
    }
  present.wire.cut();
  await present.ended;
  const { policy: told } = await aboutWhenIdle(runner);
  assert.deepEqual(told.lock?.number, 0);
  assert.deepEqual(linesOf(effects), []);
});

const disposing = <T extends { dispose(): void }>(it: T) => Object.assign(it, { [Symbol.dispose]: () => it.dispose() });

/** What was asked last may still be under way. */
async function aboutWhenIdle(runner: RunnerClient) {
  for (let tries = 0; ; tries += 1)
    try {
      return await runner.about(AbortSignal.timeout(120_000));
    } catch (error) {
      if (!(error instanceof Fault && error.code === 'agent_busy') || tries > 200) throw error;
      await pause(50);
    }
}
