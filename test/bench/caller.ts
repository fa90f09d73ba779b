/**
 * Somebody who reads on a server while a load is made elsewhere. A process of its own: whoever plays thousands of agents is late itself,
 * and that would be measured as if the control plane were.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { node } from '../world/places.ts';
import { startChild } from './peers/own-child.ts';

export interface CallerOptions {
  readonly url: string;
  /** One assistant each: of one credential only six calls run at once. */
  readonly tokens: readonly string[];
  readonly server: string;
}

export type ToCaller =
  | { readonly do: 'connect'; readonly options: CallerOptions }
  /** Calls so many times, one after the other. */
  | { readonly do: 'call'; readonly times: number }
  /** Calls until told to end. */
  | { readonly do: 'begin' }
  | { readonly do: 'end' };

export interface Caller extends AsyncDisposable {
  /** Milliseconds of each call. */
  calls(times: number): Promise<readonly number[]>;
  /** Begins to call, until the function that is returned ends it and tells the milliseconds of each call. */
  begin(): () => Promise<readonly number[]>;
}

/** Starts it; resolves when it is connected. */
export async function startCaller(options: CallerOptions): Promise<Caller> {
  const child = startChild(node, [join(import.meta.dirname, 'caller-process.ts')], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const ended = once(child.process, 'exit').then(() => {
    throw new Error(`the caller ended:\n${child.printed()}`);
  });
  ended.catch(() => undefined);
  const tell = (message: ToCaller) => void child.process.send(message);
  const answer = async (): Promise<readonly number[]> =>
    (await Promise.race([once(child.process, 'message'), ended]))[0] as number[];
  const ask = (message: ToCaller) => {
    const answered = answer();
    tell(message);
    return answered;
  };
  await ask({ do: 'connect', options });
  return {
    calls: (times) => ask({ do: 'call', times }),
    begin() {
      tell({ do: 'begin' });
      return () => ask({ do: 'end' });
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
