/** What went wrong in a call to Telegram, and what follows from it. Words for people hold neither token nor content. */
import { GrammyError, HttpError } from 'grammy';

/**
 * `not_modified`: the message shows that already. `message_gone`: there is no such message to edit. `chat_closed`: the person
 * blocked the bot or never started it. `slow_down`: wait `afterMs`. `refused`: this request will never be accepted.
 * `token_refused`: the bot's token is wrong. `other_poller`: another program takes the updates. `down`: try again later.
 */
export type Trouble =
  | { readonly kind: 'slow_down'; readonly afterMs: number; readonly words: string }
  | {
      readonly kind:
        | 'not_modified'
        | 'message_gone'
        | 'chat_closed'
        | 'refused'
        | 'token_refused'
        | 'other_poller'
        | 'down';
      readonly words: string;
    };

const SLOW_DOWN_S = 5;

/** Reads an error that a call threw. What is no error of Telegram is thrown on: it is a defect of ours. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof HttpError) return { kind: 'down', words: `${error.message} Telegram does not answer.` };
  if (!(error instanceof GrammyError)) throw error;
  const { error_code: code, description, method } = error;
  const words = `${method}: ${code} ${description}`;
  if (code === 429) return { kind: 'slow_down', afterMs: (error.parameters.retry_after ?? SLOW_DOWN_S) * 1000, words };
  if (code === 401) return { kind: 'token_refused', words };
  if (code === 404) return { kind: 'token_refused', words };
  if (code === 409) return { kind: 'other_poller', words };
  if (code === 403) return { kind: 'chat_closed', words };
  if (code >= 500) return { kind: 'down', words };
  if (/message is not modified/i.test(description)) return { kind: 'not_modified', words };
  if (/message to edit not found|message can't be edited|MESSAGE_ID_INVALID/i.test(description))
    return { kind: 'message_gone', words };
  if (/chat not found|user is deactivated|PEER_ID_INVALID/i.test(description)) return { kind: 'chat_closed', words };
  return { kind: 'refused', words };
}
