/**
 * `GET /api/v1/events`: what changed, as server-sent events (HTML Living Standard, section 9.2), for signed-in people only.
 * Each message is one LiveEvent as JSON. `event: reset` says that something was missed: read everything again.
 * A comment comes every 2.5 s, so that a page that reads the stream itself knows that it is not cut off.
 */
import { type Clock, fault } from '@countersign/protocol';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { EndedAccess } from '../access/access.ts';
import { mayCall } from '../access/permissions.ts';
import type { Caller } from '../ports.ts';
import { type Authenticate, callerOf, type Place } from './caller.ts';
import type { LiveHub } from './live-hub.ts';

const BEAT_MS = 2_500;
/** Every so many beats the session is looked up again. */
const RECHECK_BEATS = 4;
const STREAMS_PER_PERSON = 20;
/** A reader that takes nothing for so long that this many bytes wait is cut off; it comes back and catches up. */
const WAITING_BYTES_MAX = 1024 * 1024;

export interface EventsRouteDeps {
  readonly hub: LiveHub;
  readonly clock: Clock;
  readonly authenticate: Authenticate;
  readonly place: Place;
}

interface Stream {
  readonly caller: Caller;
  end(): void;
}

export interface OpenStreams {
  /** Ends the streams of a session, or of a person; a token has none. */
  end(ended: EndedAccess): void;
  count(): number;
}

export function eventsRoute(app: FastifyInstance, deps: EventsRouteDeps): OpenStreams {
  const streams = new Set<Stream>();
  app.get('/api/v1/events', async (request, reply) => {
    const caller = await callerOf(request, deps);
    const allowed = mayCall(caller, 'person');
    if (allowed !== true || caller === null)
      throw fault(allowed === true ? 'unauthenticated' : allowed, { what: 'events' });
    if ([...streams].filter((it) => it.caller.person.id === caller.person.id).length >= STREAMS_PER_PERSON)
      throw fault('rate_limited', { seconds: 10 });
    reply.hijack();
    const stream = open(deps, caller, reply, {
      lastId: request.headers['last-event-id'],
      stillSignedIn: async () => mayCall(await callerOf(request, deps), 'person') === true,
      onEnd: () => streams.delete(stream),
    });
    streams.add(stream);
  });
  app.addHook('preClose', async () => {
    for (const stream of [...streams]) stream.end();
  });
  return {
    end(ended) {
      for (const stream of [...streams]) {
        const { person, session } = stream.caller;
        if ('personId' in ended && person.id === ended.personId) stream.end();
        if ('sessionId' in ended && session?.id === ended.sessionId) stream.end();
      }
    },
    count: () => streams.size,
  };
}

function open(
  { hub, clock }: EventsRouteDeps,
  caller: Caller,
  reply: FastifyReply,
  {
    lastId,
    stillSignedIn,
    onEnd,
  }: { lastId: string | string[] | undefined; stillSignedIn: () => Promise<boolean>; onEnd: () => void },
): Stream {
  const { raw } = reply;
  const send = (frame: string | Buffer) => {
    raw.write(frame);
    if (raw.writableLength > WAITING_BYTES_MAX) raw.destroy();
  };
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no', // nginx: pass each event on at once
  });
  const missed = typeof lastId === 'string' ? hub.since(lastId) : [];
  // What was missed comes before the newest id: a reader that is cut off in between must not believe that it has everything.
  if (missed === 'unknown') send(`retry: 1000\nid: ${hub.newest()}\nevent: reset\ndata: {}\n\n`);
  else send(Buffer.concat([...missed, Buffer.from(`retry: 1000\nid: ${hub.newest()}\n: here\n\n`)]));
  const stop = hub.subscribe(send);

  let beats = 0;
  let cancel = clock.after(BEAT_MS, beat);
  function beat() {
    beats += 1;
    send(': beat\n\n');
    cancel = clock.after(BEAT_MS, beat);
    if (beats % RECHECK_BEATS === 0)
      stillSignedIn().then(
        (signedIn) => {
          if (!signedIn) raw.end();
        },
        () => raw.end(),
      );
  }
  raw.once('close', () => {
    cancel();
    stop();
    onEnd();
  });
  return { caller, end: () => void raw.end() };
}
