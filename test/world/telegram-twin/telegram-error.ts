/** Refusals as the Bot API words them. */

/** A request that Telegram refuses. `code` is both the HTTP status and `error_code`; `retryAfter` is in seconds. */
export class TelegramError extends Error {
  readonly code: number;
  readonly retryAfter: number | undefined;
  /** The reason before it was worded, for `within`. */
  readonly reason: string;

  constructor(code: number, description: string, more: { retryAfter?: number; reason?: string } = {}) {
    super(description);
    this.name = 'TelegramError';
    this.code = code;
    this.retryAfter = more.retryAfter;
    this.reason = more.reason ?? description;
  }
}

/**
 * A 400, worded as Telegram's server does it: `Bad Request: ` and the reason with its first letter in lower case, unless
 * the reason is a constant such as `BUTTON_DATA_INVALID`. Source: `fail_query_with_error` in tdlib/telegram-bot-api.
 */
export function badRequest(reason: string): TelegramError {
  const constant = /^.[_A-Z]/.test(reason);
  const worded = constant ? reason : reason.charAt(0).toLowerCase() + reason.slice(1);
  return new TelegramError(400, `Bad Request: ${worded}`, { reason });
}

/** Runs `read`, and puts `prefix` before the reason when it refuses. */
export function within<T>(prefix: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof TelegramError) throw badRequest(prefix + error.reason);
    throw error;
  }
}

/** A 403. The reason is sent as given. */
export function forbidden(reason: string): TelegramError {
  return new TelegramError(403, `Forbidden: ${reason}`);
}

/** A 429: the caller has to wait that many seconds. */
export function tooManyRequests(seconds: number): TelegramError {
  return new TelegramError(429, `Too Many Requests: retry after ${seconds}`, { retryAfter: seconds });
}

/** A 409, which long polling gets when somebody else polls too, or when a webhook is set. */
export function conflict(reason: string): TelegramError {
  return new TelegramError(409, `Conflict: ${reason}`);
}

/** The JSON body of a refusal. */
export function errorBody(error: TelegramError): Record<string, unknown> {
  const parameters = error.retryAfter === undefined ? {} : { parameters: { retry_after: error.retryAfter } };
  return { ok: false, error_code: error.code, description: error.message, ...parameters };
}
