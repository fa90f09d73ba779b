/** getUpdates, setWebhook, deleteWebhook, getWebhookInfo. */
import type { Core, Method } from '../core.ts';
import type { Parameters } from '../parameters.ts';
import { badRequest, conflict } from '../telegram-error.ts';

const MAX_HOLD_SECONDS = 50;
const MAX_SECRET = 256;
const WEBHOOK_ACTIVE =
  "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";

/** An answer with a `description` beside its result. */
export class Described {
  readonly result: unknown;
  readonly description: string;

  constructor(result: unknown, description: string) {
    this.result = result;
    this.description = description;
  }
}

/** The methods that fetch updates or say where to send them. */
export function updateMethods(core: Core): Record<string, Method> {
  return {
    getUpdates: ({ parameters, signal }) => {
      if (core.webhook.target !== undefined) throw conflict(WEBHOOK_ACTIVE);
      allowUpdates(core, parameters);
      return core.updates.poll({
        offset: parameters.integer('offset', 0, -100, Number.MAX_SAFE_INTEGER),
        limit: parameters.integer('limit', 100, 1, 100),
        timeoutSeconds: parameters.integer('timeout', 0, 0, MAX_HOLD_SECONDS),
        signal,
      });
    },
    setWebhook: ({ parameters }) => setWebhook(core, parameters, parameters.text('url')),
    deleteWebhook: ({ parameters }) => setWebhook(core, parameters, ''),
    getWebhookInfo: () => {
      const { target, lastError } = core.webhook;
      const allowed = core.updates.allowed;
      return {
        url: target?.url ?? '',
        has_custom_certificate: false,
        pending_update_count: core.updates.size,
        ...(lastError === undefined ? {} : { last_error_date: lastError.date, last_error_message: lastError.message }),
        ...(target === undefined ? {} : { max_connections: target.maxConnections, ip_address: '127.0.0.1' }),
        ...(allowed === undefined ? {} : { allowed_updates: allowed }),
      };
    },
  };
}

function setWebhook(core: Core, parameters: Parameters, url: string): Described {
  const secretToken = parameters.text('secret_token');
  if (url !== '') checkWebhook(url, secretToken);
  if (parameters.flag('drop_pending_updates')) core.updates.clear();
  const before = core.webhook.target?.url ?? '';
  if (url !== '') {
    core.updates.abortHeld('terminated by setWebhook request');
    allowUpdates(core, parameters);
    core.webhook.set({ url, secretToken, maxConnections: parameters.integer('max_connections', 40, 1, 100) });
    return new Described(true, before === url ? 'Webhook is already set' : 'Webhook was set');
  }
  core.webhook.set(undefined);
  return new Described(true, before === '' ? 'Webhook is already deleted' : 'Webhook was deleted');
}

function checkWebhook(url: string, secretToken: string): void {
  if (!URL.canParse(url) || !/^https?:/i.test(url)) throw badRequest('invalid webhook URL specified');
  if (secretToken.length > MAX_SECRET) throw badRequest('secret token is too long');
  if (!/^[A-Za-z0-9_-]*$/.test(secretToken)) throw badRequest('secret token contains unallowed characters');
}

/** A value that is missing or not a list changes nothing. */
function allowUpdates(core: Core, parameters: Parameters): void {
  const kinds = parameters.json('allowed_updates', "Can't parse allowed_updates JSON object");
  if (!Array.isArray(kinds) || kinds.some((kind) => typeof kind !== 'string')) return;
  core.updates.allow(kinds.map((kind: string) => kind.toLowerCase()));
}
