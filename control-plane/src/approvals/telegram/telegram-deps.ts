/** What the parts of this folder are handed. */
import type { ActionState } from '@countersign/protocol';
import type { ActionDetail, AssistantCall } from '@countersign/protocol/operator-api/index';
import type { Api } from 'grammy';
import type { Decided, Verdict } from '../../actions/decide.ts';
import type { Pause } from '../../actions/pause.store.ts';
import type { Caller, Core } from '../../ports.ts';
import type { BotHealth } from './health.ts';
import type { InFlight } from './in-flight.ts';

/** What comes from outside this folder: `compose.ts` fills it in. */
export interface TelegramDeps extends Core {
  /** The bot's token, as @BotFather gave it. */
  readonly token: string;
  /** Where the Bot API is, without a slash at the end. */
  readonly apiRoot: string;
  /** Where people open the dashboard; read when needed, since the port may be known late. */
  readonly place: { readonly publicUrl: string };
  /** One action with everything a card says. Rejects with `action_not_found`. */
  readonly detailOf: (actionId: string) => Promise<ActionDetail>;
  /** The one entry of verdicts. */
  readonly decide: (verdict: Verdict) => Promise<Decided>;
  /** Pauses all changes in the name of a person; see `actions/pause.ts`. */
  readonly pause: (
    caller: Caller,
    how: { readonly stopRunning: boolean },
  ) => Promise<{ readonly pause: Pause; readonly stopping: number }>;
  /** Asks for an action to be stopped, in the name of a person; see `actions/request-stop.ts`. Returns its state after it. */
  readonly stop: (caller: Caller, actionId: string) => Promise<ActionState>;
  /** Confirms that a server can still be reached, in the name of a person; see `actions/confirm-action.ts`. */
  readonly confirm: (caller: Caller, actionId: string) => Promise<void>;
  /** Reading in the name of a person, for commands. */
  readonly call: (caller: Caller) => AssistantCall;
}

/** That, and what the parts of this folder share. */
export interface Telegram extends TelegramDeps {
  readonly api: Api;
  readonly health: BotHealth;
  readonly calls: InFlight;
}
