/** A process that plays its share of a simulated fleet. It does what its parent tells it, and ends when the parent is gone. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Share, ToWorker, WorkerStatus } from './crowd-wire.ts';
import { roleOf, troubles } from './fleet-roles.ts';
import { LoadAgent } from './load-agent.ts';
import { makeTrouble } from './trouble.ts';

const STATUS_EVERY_MS = 100;
const CONNECTS_AT_ONCE = 25;

interface Player {
  readonly role: ReturnType<typeof roleOf>;
  readonly agent: LoadAgent;
}

let players: readonly Player[] = [];
let connected = 0;
let welcomes = 0;
let alerts = 0;
let nextToAlert = 0;
let alerting: NodeJS.Timeout | undefined;
const failed: Record<string, number> = {};
const failedTrouble: Record<string, number> = {};
const enough = new AbortController();
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();

const isTrouble = ({ role }: Player) => (troubles as readonly string[]).includes(role);
const good = () => players.filter((player) => !isTrouble(player));

function be({ servers, fleet, ...share }: Share): void {
  players = servers.map(({ n, id }) => {
    const role = roleOf(n, fleet);
    const behaves = role === 'steady' || role === 'ordinary';
    const failures = behaves ? failed : failedTrouble;
    const agent = new LoadAgent({
      ...{ ...share, n, serverId: id },
      changed: (is) => {
        if (!behaves) return;
        connected += is ? 1 : -1;
        welcomes += is ? 1 : 0;
      },
      failed: (why) => {
        failures[why] = (failures[why] ?? 0) + 1;
      },
    });
    return { role, agent };
  });
  setInterval(tellStatus, STATUS_EVERY_MS);
}

/** The first connection of each, a few at a time; afterwards everybody comes back alone. */
async function connect(): Promise<void> {
  const left = good();
  const lane = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { agent } = next;
      void agent.stayConnected();
      await firstTime(agent);
    }
  };
  await Promise.all(Array.from({ length: CONNECTS_AT_ONCE }, lane));
}

function firstTime(agent: LoadAgent): Promise<void> {
  return new Promise((resolve) => {
    const look = setInterval(() => {
      if (!agent.isConnected) return;
      clearInterval(look);
      resolve();
    }, 5);
  });
}

function trouble(): void {
  for (const { role, agent } of players) {
    if (role === 'steady' || role === 'ordinary') continue;
    void agent.stayConnected();
    void makeTrouble(role, agent, enough.signal).then(() => agent.end());
  }
}

function raiseAlerts(perSecond: number): void {
  const raisers = good();
  alerting = setInterval(() => {
    raisers[nextToAlert % raisers.length]?.agent.alert();
    nextToAlert += 1;
    alerts += 1;
  }, 1000 / perSecond);
}

function tellStatus(): void {
  const status: WorkerStatus = {
    ...{ connected, welcomes, alerts, failed, failedTrouble },
    isCalm: enough.signal.aborted && players.every(({ agent }) => agent.firing === 0),
    unacknowledged: good().reduce((sum, { agent }) => sum + agent.agent.unacknowledged, 0),
    delayMs: delay.max / 1e6,
  };
  delay.reset();
  process.send?.(status);
}

process.on('message', (received) => {
  const message = received as ToWorker;
  if (message.do === 'be') be(message.share);
  else if (message.do === 'connect') void connect();
  else if (message.do === 'cut') for (const { role, agent } of players) role === 'ordinary' && agent.cut();
  else if (message.do === 'trouble') trouble();
  else if (message.do === 'alerts') raiseAlerts(message.perSecond);
  else if (message.do === 'calm') {
    clearInterval(alerting);
    enough.abort();
  }
});
process.on('disconnect', () => process.exit(0));
