/** Asking for changes, following them, deciding on them. */
import { type ApproverSignature, isFinal } from '@countersign/protocol';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import type { ActionDeps } from '../actions/action-deps.ts';
import { actionDetail } from '../actions/action-detail.ts';
import { closeUnknown } from '../actions/close-unknown.ts';
import { asSeenBy } from '../actions/conceal-plan.ts';
import { confirmAction } from '../actions/confirm-action.ts';
import { decide } from '../actions/decide.ts';
import { listActions } from '../actions/list-actions.ts';
import { type ObservePlaybookDeps, observePlaybook } from '../actions/observe-playbook.ts';
import { outputTail } from '../actions/output.store.ts';
import { type Proposed, type ProposeRequest, propose } from '../actions/propose.ts';
import { requestStop } from '../actions/request-stop.ts';
import { waitForAction } from '../actions/wait-for-action.ts';
import { withdraw } from '../actions/withdraw.ts';
import type { Caller } from '../ports.ts';
import type { CallContext, Handlers } from './handler.ts';

export interface ActionOperationsDeps extends ActionDeps, ObservePlaybookDeps {
  readonly place: { readonly publicUrl: string };
  /** Uses up a code of the caller's authenticator app; rejects when it is wrong (`access/confirm.ts`). */
  readonly confirmCode: (caller: Caller, code: string) => Promise<void>;
}

type Asking = Pick<Handlers, 'runPlaybook' | 'runCommand' | 'writeFile' | 'listActions' | 'getAction' | 'cancelAction'>;
type Deciding = Pick<Handlers, 'approveAction' | 'rejectAction' | 'stopAction' | 'confirmAction' | 'closeAction'>;

export function actionOperations(deps: ActionOperationsDeps): Asking & Deciding {
  return { ...askingOperations(deps), ...decidingOperations(deps) };
}

/** Fits the longest answer of a tool, with the rest of the action beside it. */
const OUTPUT_TAIL = 12_000;

function askingOperations(deps: ActionOperationsDeps): Asking {
  const printed = async (action: string) => {
    const { text, truncated } = await outputTail(deps.db, action, OUTPUT_TAIL);
    return { untrusted_output: text, output_truncated: truncated };
  };
  /** Waits a moment for an action that no human is asked for. Whether it did. That it cannot be told is no fault of a request that was made. */
  const waited = async ({ actionId, state }: Proposed, { signal, handOn, soonS = 0 }: CallContext) => {
    if (soonS === 0 || isFinal(state) || state === 'awaiting_approval' || state === 'unknown') return false;
    handOn?.();
    return waitForAction(deps, actionId, { ms: soonS * 1000, signal }).then(
      () => true,
      (error: unknown) => {
        if (signal.aborted) throw error;
        return false;
      },
    );
  };
  const ask = async (caller: Caller, request: ProposeRequest, context: CallContext) => {
    const proposed = await propose(deps, caller, { ...request, signal: context.signal });
    const { actionId, repeated } = proposed;
    const ended = await waited(proposed, context);
    const action = await actionDetail(deps, actionId);
    const approve_url = isFinal(action.state) ? null : `${deps.place.publicUrl}/actions/${actionId}`;
    return { action, diagnosis: null, repeated, approve_url, ...(ended && { printed: await printed(actionId) }) };
  };
  return {
    runPlaybook: async (caller, { server, playbook, parameters, reason }, context) => {
      const { signal } = context;
      const diagnosis = await observePlaybook(deps, caller, { server, playbook, parameters, signal });
      if (diagnosis) return { action: null, diagnosis, repeated: false, approve_url: null };
      return ask(caller, { server, wanted: { kind: 'playbook', playbook, parameters }, reason }, context);
    },
    runCommand: (caller, { server, reason, ...command }, context) =>
      ask(caller, { server, wanted: { kind: 'command', ...command }, reason }, context),
    writeFile: (caller, { server, reason, ...file }, context) =>
      ask(caller, { server, wanted: { kind: 'file', ...file }, reason }, context),
    listActions: (_caller, input) => listActions(deps, input),
    getAction: async (caller, { action, wait_s }, { signal }) => {
      if (wait_s > 0) await waitForAction(deps, action, { ms: wait_s * 1000, signal });
      const detail = await actionDetail(deps, action);
      return { ...asSeenBy(caller, detail), ...(await printed(action)) };
    },
    cancelAction: async (caller, { action }) => {
      await withdraw(deps, caller, action);
      return asSeenBy(caller, await actionDetail(deps, action));
    },
  };
}

function decidingOperations(deps: ActionOperationsDeps): Deciding {
  const verdict = async (
    caller: Caller,
    input: {
      action: string;
      digest: string;
      code?: string | undefined;
      typed_server?: string | undefined;
      signature?: ApproverSignature | undefined;
      reason?: string | undefined;
    },
    word: 'approve' | 'reject',
  ): Promise<ActionDetail> => {
    if (input.code !== undefined) await deps.confirmCode(caller, input.code);
    await decide(deps, {
      actionId: input.action,
      digest: input.digest,
      verdict: word,
      person: { id: caller.person.id, name: caller.person.name },
      channel: caller.via === 'cli' ? 'cli' : 'web',
      // What the session was made with is long ago: only what comes with this very answer makes it stronger.
      strength: input.code === undefined ? 'session' : 'code',
      signature: input.signature,
      typedServer: input.typed_server,
      reason: input.reason,
      sessionId: caller.session?.id ?? null,
      ip: caller.ip,
    });
    return actionDetail(deps, input.action);
  };
  return {
    approveAction: (caller, input) => verdict(caller, input, 'approve'),
    rejectAction: (caller, input) => verdict(caller, input, 'reject'),
    stopAction: async (caller, { action }) => {
      await requestStop(deps, caller, action);
      return actionDetail(deps, action);
    },
    confirmAction: async (caller, { action, signature }) => {
      await confirmAction(deps, caller, { actionId: action, signature });
      return actionDetail(deps, action);
    },
    closeAction: async (caller, { action, reason }) => {
      await closeUnknown(deps, caller, { actionId: action, reason });
      return actionDetail(deps, action);
    },
  };
}
