/** All methods that the twin knows, by name. */
import type { Core, Method } from '../core.ts';
import { botMethods } from './about-bot.ts';
import { chatMethods } from './about-chats.ts';
import { changeMethods } from './change-messages.ts';
import { sendMethods } from './send-messages.ts';
import { updateMethods } from './updates-and-webhook.ts';

export interface NamedMethod {
  readonly name: string;
  readonly run: Method;
}

/** The methods by their name in lower case, since Telegram does not mind the case. */
export function createMethods(core: Core): Map<string, NamedMethod> {
  const all = {
    ...updateMethods(core),
    ...botMethods(core),
    ...chatMethods(core),
    ...sendMethods(core),
    ...changeMethods(core),
  };
  return new Map(Object.entries(all).map(([name, run]) => [name.toLowerCase(), { name, run }]));
}
