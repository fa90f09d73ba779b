/** The heart on a real database, the bot, and the Telegram twin where the network ends. Time moves when the test says so. */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { AssistantCall, Role } from '@countersign/protocol/operator-api/index';
import { startTelegramTwin } from '../../../test/world/telegram-twin/start-telegram-twin.ts';
import { actionDetail } from '../../src/actions/action-detail.ts';
import { confirmAction } from '../../src/actions/confirm-action.ts';
import { decide } from '../../src/actions/decide.ts';
import { listActions } from '../../src/actions/list-actions.ts';
import { pauseDispatch } from '../../src/actions/pause.ts';
import { propose } from '../../src/actions/propose.ts';
import { requestStop } from '../../src/actions/request-stop.ts';
import { makeAnnouncer } from '../../src/approvals/announcer.ts';
import { type OpenTelegram, openTelegram } from '../../src/approvals/telegram/open-telegram.ts';
import type { Caller } from '../../src/ports.ts';
import { write } from '../../src/storage/write.ts';
import { assistant, type HeartOptions, heart } from '../actions/heart.ts';
import { addPerson } from '../storage/rows.ts';
import type { Lifetime } from '../storage/temp-database.ts';

export const vic = { id: 'prs_0000000000cc', name: 'Vic' };

export interface TelegramWorldOptions extends Pick<HeartOptions, 'policy' | 'memory'> {
  readonly publicUrl?: string;
  /** Starts the bot at once; by default it does. */
  readonly started?: boolean;
  /** Whether errors may be logged. */
  readonly mayFail?: boolean;
}

type Twin = Awaited<ReturnType<typeof startTelegramTwin>>;
export type TwinUser = ReturnType<Twin['addUser']>;
export type TwinChat = ReturnType<Twin['openPrivateChat']>;

/** `await using` it, so that it ends before the database does. */
export async function telegramWorld(t: Lifetime, options: TelegramWorldOptions = {}) {
  const base = await heart(t, options);
  await write(base.db, (trx) => addPerson(trx, { ...vic, role: 'viewer' }));
  const twin = await startTelegramTwin();
  const logged: string[] = [];
  const log = {
    info: (event: string, fields: unknown) => logged.push(`${event} ${JSON.stringify(fields)}`),
    warn: (event: string, fields: unknown) => logged.push(`${event} ${JSON.stringify(fields)}`),
    error: (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
      logged.push(`${event} ${JSON.stringify(fields)}`);
      base.problems.push([event, fields.error instanceof Error ? fields.error.stack : fields]);
    },
  } as const;
  const open = () =>
    openTelegram({
      ...base.deps,
      log: log as never,
      token: twin.token,
      apiRoot: twin.apiRoot,
      place: { publicUrl: options.publicUrl ?? 'http://localhost:7070' },
      detailOf: (id) => actionDetail(base.deps, id),
      decide: (verdict) => decide(base.deps, verdict),
      pause: (caller, how) => pauseDispatch(base.deps, caller, how),
      stop: (caller, id) => requestStop(base.deps, caller, id),
      confirm: (caller, actionId) => confirmAction(base.deps, caller, { actionId }),
      call: (caller) => readings(base, caller),
    });
  const bot = new Bot(open);
  const channel = {
    name: 'telegram' as const,
    keepsCopies: true,
    canReach: (id: string) => bot.now.channel.canReach(id),
    announce: (id: string) => bot.now.channel.announce(id),
    update: (id: string) => bot.now.channel.update(id),
  };
  const deps = { ...base.deps, channels: [channel, base.web] };
  const announcer = makeAnnouncer(deps);
  base.deps.followers.add(announcer);
  // Not by t.after(): those run oldest first, so the database would be closed before the bot.
  const end = async () => {
    await announcer[Symbol.asyncDispose]();
    await bot[Symbol.asyncDispose]();
    await twin[Symbol.asyncDispose]();
    assert.deepEqual(options.mayFail ? [] : base.problems, [], 'nothing unexpected went wrong');
    assert.ok(!logged.some((line) => line.includes(twin.token)), 'the log never holds the token');
  };
  if (options.started !== false) {
    bot.now.start();
    await until(() => bot.now.state().ok, 'the bot is connected');
  }
  return {
    ...base,
    ...peopleOf(base, twin, bot),
    deps,
    twin,
    bot,
    logged,
    ask: asker(deps),
    [Symbol.asyncDispose]: end,
  };
}
export type TelegramWorld = Awaited<ReturnType<typeof telegramWorld>>;

/** The bot of this run of the program; `restart` makes the next one on the same store. */
class Bot implements AsyncDisposable {
  now: OpenTelegram;
  readonly #open: () => OpenTelegram;

  constructor(open: () => OpenTelegram) {
    this.#open = open;
    this.now = open();
  }

  async restart(): Promise<void> {
    await this.now[Symbol.asyncDispose]();
    this.now = this.#open();
    this.now.start();
    await until(() => this.now.state().ok, 'the bot is connected again');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.now[Symbol.asyncDispose]();
  }
}

type Base = Awaited<ReturnType<typeof heart>>;

function peopleOf({ db, clock }: Base, twin: Twin, bot: Bot) {
  /** A person of ours gets a Telegram account that is linked. */
  const link = async (person: { id: string; name: string }, firstName = person.name) => {
    const user = twin.addUser({ firstName });
    const chat = twin.openPrivateChat(user);
    await write(db, (trx) =>
      trx
        .insertInto('telegram_link')
        .values({
          person_id: person.id,
          telegram_id: String(user.id),
          telegram_name: firstName,
          state: 'linked',
          at: clock.now(),
        })
        .execute(),
    );
    return { user, chat };
  };
  return {
    link,
    /** A person as the dashboard's caller. */
    atDashboard: (person: { id: string; name: string }, role: Role): Caller => ({
      person: { ...person, role },
      via: 'dashboard',
      token: null,
      session: { id: 'ses_x', strength: 'session' },
      client: null,
      ip: '127.0.0.1',
    }),
    /** Taps a button and waits until what follows from it was sent. */
    tap: async (who: { user: TwinUser; chat: TwinChat }, button: string) => {
      const card = twin
        .messages(who.chat)
        .filter(({ buttons }) => buttons.flat().some(({ text }) => text === button))
        .at(-1);
      assert.ok(card, `there is no button ${button}`);
      const answer = await twin.tap(who.user, who.chat, card.messageId, button);
      await settled(bot.now);
      return answer;
    },
    /** The newest message of the bot in a chat. */
    newest: (chat: TwinChat) => {
      const last = twin.messages(chat).findLast(({ byBot }) => byBot);
      return last ?? assert.fail('the bot wrote nothing');
    },
    settled: () => settled(bot.now),
  };
}

function asker(deps: Base['deps']) {
  return (
    change: {
      risk?: 'low' | 'medium' | 'high' | 'critical';
      unit?: string;
      reason?: string;
      caller?: Caller;
    } & Partial<Parameters<typeof propose>[2]> = {},
  ) => {
    const { risk = 'medium', unit = 'nginx', caller = assistant, ...request } = change;
    return propose(deps, caller, {
      server: 'web-1',
      wanted: { kind: 'playbook', playbook: `test.${risk}`, parameters: { unit } },
      ...request,
    });
  };
}

/** Waits until nothing is sent any more, with a turn for what was only just started. */
async function settled(bot: OpenTelegram): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await setImmediate();
    await bot.settled();
  }
}

/** Waits until something holds, at most a minute of real time. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `it did not come to pass that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What commands read: actions from the store, one server and one alert. */
function readings({ deps }: Base, _caller: Caller): AssistantCall {
  const answers = {
    listActions: (input: { open?: 'true' }) => listActions(deps, { limit: 100, ...input }),
    listServers: async () => ({ servers: [serverView], next_cursor: null }),
    listAlerts: async () => ({ alerts: [alertView], next_cursor: null }),
  };
  return ((name: keyof typeof answers, input: never) => answers[name](input)) as unknown as AssistantCall;
}

const serverView = {
  id: 'srv_000000000001',
  name: 'web-1',
  labels: {},
  state: 'online',
  last_seen_at: null,
  os: null,
  mode: 'act',
  firing_alerts: 1,
  sample: {
    at: '2026-11-20T02:13:00.000Z',
    load1_per_cpu: 0.4,
    memory_used_ratio: 0.41,
    swap_used_ratio: 0,
    fullest_mount: { mount: '/', used_ratio: 0.72 },
    failed_units: 1,
    uptime_s: 1,
  },
} as const;

const alertView = {
  id: 'alr_1',
  state: 'firing',
  severity: 'critical',
  source: 'agent',
  kind: 'failed_unit',
  title: 'nginx.service failed /unlink',
  server: { id: 'srv_000000000001', name: 'web-1' },
  labels: {},
  first_at: '2026-11-20T02:10:00.000Z',
  last_at: '2026-11-20T02:10:00.000Z',
  resolved_at: null,
  times: 1,
} as const;
