/** One welcomed connection, from the welcome to its end: frames in, answers and reports out. */
import type { Clock } from '@countersign/protocol';
import type { StatusSample, Thresholds } from '@countersign/protocol/agent-wire/facts';
import { encode } from '@countersign/protocol/agent-wire/frame';
import type { FromControlPlane } from '@countersign/protocol/agent-wire/messages';
import { failPoint } from '../fail-points.ts';
import type { About } from '../run/runner-wire.ts';
import { decodeFrame } from './decode.ts';
import type { Deliveries } from './deliveries.ts';
import type { Wire } from './dial.ts';
import type { Welcomed } from './handshake.ts';
import { Heartbeat } from './heartbeat.ts';
import { passCheckpoint, passLockChanges } from './pass-to-runner.ts';
import { type RequestDeps, Requests } from './requests.ts';

export interface SessionDeps extends RequestDeps {
  readonly deliveries: Deliveries;
  readonly sample: () => Promise<StatusSample>;
  readonly onThresholds: (thresholds: Thresholds) => void;
  /** Called with what the runner says of itself now, when that has changed during a session. */
  readonly onAbout: (changed: Partial<About>) => void;
}

/** Serves the control plane. Resolves when the connection has ended, with the reason for the log. */
export function session(deps: SessionDeps, wire: Wire, { welcome, skewMs }: Welcomed): Promise<string> {
  const { clock, log, deliveries, sample } = deps;
  return new Promise((resolve) => {
    const requests = new Requests(deps, (frame) => wire.send(frame));
    const heartbeat = new Heartbeat({ wire, clock, log, everyMs: welcome.heartbeatMs, sample });
    const talk = { ...deps, wire, requests, skewMs: skewSince(clock, skewMs) };
    deps.onThresholds(welcome.thresholds);
    deliveries.connect(wire);
    wire.listen({
      onLife: () => heartbeat.heard(),
      onFrame: (frame) => take(talk, frame),
      onClose: (why) => {
        heartbeat.end();
        requests.end();
        deliveries.disconnect();
        resolve(why);
      },
    });
  });
}

interface Talk extends SessionDeps {
  readonly wire: Wire;
  readonly requests: Requests;
  /** How far this clock is ahead of the control plane's, now. */
  readonly skewMs: () => number;
}

/**
 * What was measured at the welcome, and what this clock was set by since then: a session may last for months, and a clock that was
 * put right meanwhile is right (threat T12).
 */
function skewSince(clock: Clock, measuredMs: number): () => number {
  const ahead = () => clock.now() - clock.monotonic();
  const before = ahead();
  return () => measuredMs + ahead() - before;
}

function take(talk: Talk, frame: string): void {
  const decoded = decodeFrame(frame);
  if (decoded.outcome === 'ok') obey(talk, decoded.message);
  else if (decoded.outcome === 'not_at_this_level') talk.log.warn('frame.unknown', { type: decoded.type });
  else {
    talk.log.error('frame.invalid', { problems: decoded.problems });
    refuseFrame(talk, frame, decoded.problems);
  }
}

function obey(talk: Talk, message: FromControlPlane): void {
  const { runner, requests, deliveries, log, wire } = talk;
  switch (message.type) {
    case 'observe':
    case 'preview':
    case 'ask_witness':
      requests.take(message);
      break;
    case 'cancel':
      requests.cancel(message.requestId);
      break;
    case 'dispatch':
      failPoint('link.dispatch.before_runner');
      runner.accept(message.grant, talk.skewMs());
      failPoint('link.dispatch.after_runner');
      break;
    case 'stop':
      runner.stop(message.actionId);
      break;
    case 'confirm':
      if (deliveries.asksToConfirm(message.actionId)) runner.confirm(message.actionId, message.signatures);
      else log.warn('confirmation.unasked', { actionId: message.actionId });
      break;
    case 'lock_changes':
      void passLockChanges(talk, message.changes);
      break;
    case 'checkpoint':
      void passCheckpoint(talk, message.note);
      break;
    case 'acknowledge':
      deliveries.acknowledge(message.seq);
      break;
    case 'settings':
      talk.onThresholds(message.thresholds);
      break;
    case 'turned_away':
      log.warn('link.turned_away', { code: message.fault.code });
      wire.close(1000, 'turned away');
      break;
    case 'challenge':
    case 'welcome':
      log.error('frame.out_of_turn', { type: message.type });
      wire.close(1002, `${message.type} came again`);
  }
}

/** A frame that does not fit is answered where it names a request or an action, so that nobody waits in vain; else the talk ends. */
function refuseFrame({ wire, deliveries, clock }: Talk, frame: string, problems: string): void {
  const requestId = /"requestId":"(req_[0-9a-z]{12})"/.exec(frame)?.[1];
  const actionId = /"type":"dispatch".*?"actionId":"(act_[0-9a-z]{12})"/.exec(frame)?.[1];
  const said = problems.slice(0, 1000);
  if (requestId !== undefined) {
    const fault = { code: 'invalid_input', slots: { problems: said } };
    wire.send(encode({ type: 'request_failed', requestId, fault }));
  } else if (actionId !== undefined) {
    const fault = { code: 'grant_invalid', slots: { reason: said } };
    deliveries.take({ type: 'report', report: { kind: 'refused', actionId, at: clock.now(), fault } });
  } else wire.close(1002, `frame not understood: ${said}`);
}
