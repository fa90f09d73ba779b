/** Sets the actions going: who follows them, what sweeps after them, and where servers' reports of them go. */
import { makeAnnouncer } from '../approvals/announcer.ts';
import { loop } from '../loop.ts';
import type { ActionDeps } from './action-deps.ts';
import { makeAsker } from './asker.ts';
import { makeDispatcher } from './dispatcher.ts';
import { recordFinished } from './record-finished.ts';
import { recordOutput } from './record-output.ts';
import { recordRefused } from './record-refused.ts';
import { recordStarted } from './record-started.ts';
import { recordStep } from './record-step.ts';
import { resumeServer } from './resume-server.ts';
import { startSweeps } from './sweeps.ts';

/** Cards that could not be sent or edited catch up in so long (fault F13). */
const CARDS_EVERY_MS = 30_000;
/** What could not be asked for again is tried again so often. */
const ASK_AGAIN_EVERY_MS = 5_000;
const ENDED_LATELY_MS = 3_600_000;
/** How far back a process that just started looks for ends that nobody was told of. */
const ENDED_BEFORE_START_MS = 86_400_000;

type ReportOf<F extends (deps: ActionDeps, serverId: string, report: never) => Promise<void>> = Parameters<F>[2];

export interface RunningActions extends AsyncDisposable {
  /** What agents report of actions. Each is stored when it resolves; see the verbs for what they reject with. */
  readonly reports: {
    recordStarted(serverId: string, report: ReportOf<typeof recordStarted>): Promise<void>;
    recordRefused(serverId: string, report: ReportOf<typeof recordRefused>): Promise<void>;
    recordStep(serverId: string, report: ReportOf<typeof recordStep>): Promise<void>;
    recordOutput(serverId: string, report: ReportOf<typeof recordOutput>): Promise<void>;
    recordFinished(serverId: string, report: ReportOf<typeof recordFinished>): Promise<void>;
  };
  /** To be called whenever a server connected. Never throws. */
  serverConnected(serverId: string): void;
  /** Brings every card up to date again: for a channel that came back. */
  updateCards(): Promise<void>;
}

/** Starts dispatcher, announcer, asker and sweeps. Dispose of it before the database is closed. */
export function startActions(deps: ActionDeps): RunningActions {
  const dispatcher = makeDispatcher(deps);
  const announcer = makeAnnouncer(deps);
  const asker = makeAsker(deps);
  const unfollow = [dispatcher, announcer, asker].map((follower) => deps.followers.add(follower));
  const sweeps = startSweeps(deps);
  const firstCards = announcer.sweep(ENDED_BEFORE_START_MS).catch(logged(deps, 'approval.sweep_failed'));
  const firstAsked = asker.sweep().catch(logged(deps, 'action.ask_again_failed'));
  const stopAsking = loop(deps, { everyMs: ASK_AGAIN_EVERY_MS, failed: 'action.sweep_failed' }, () => asker.sweep());
  const stopCards = loop(deps, { everyMs: CARDS_EVERY_MS, failed: 'approval.sweep_failed' }, () =>
    announcer.sweep(ENDED_LATELY_MS),
  );
  const resuming = new Set<Promise<void>>();
  return {
    reports: {
      recordStarted: (serverId, report) => recordStarted(deps, serverId, report),
      recordRefused: (serverId, report) => recordRefused(deps, serverId, report),
      recordStep: (serverId, report) => recordStep(deps, serverId, report),
      recordOutput: (serverId, chunks) => recordOutput(deps, serverId, chunks),
      recordFinished: (serverId, report) => recordFinished(deps, serverId, report),
    },
    serverConnected(serverId) {
      const work: Promise<void> = resumeServer(deps, serverId)
        .catch(logged(deps, 'action.resume_failed')) // the sweeps try again
        .finally(() => resuming.delete(work));
      resuming.add(work);
    },
    updateCards: () => announcer.sweep(ENDED_LATELY_MS),
    async [Symbol.asyncDispose]() {
      for (const stop of unfollow) stop();
      await stopCards();
      await stopAsking();
      await Promise.all([firstCards, firstAsked]);
      await sweeps[Symbol.asyncDispose]();
      await dispatcher[Symbol.asyncDispose]();
      await asker[Symbol.asyncDispose]();
      await announcer[Symbol.asyncDispose]();
      await Promise.all(resuming);
    },
  };
}

const logged =
  ({ log }: Pick<ActionDeps, 'log'>, event: string) =>
  (error: unknown) =>
    log.error(event, { error });
