/**
 * Starts a twin to play with by hand: `node test/world/telegram-twin/main.ts [port]`. It prints the two variables that
 * make the control plane talk to it, and the address of its page.
 */
import { startTelegramTwin } from './start-telegram-twin.ts';

const port = Number(process.argv[2] ?? 7071);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  process.stderr.write(`"${process.argv[2]}" is no port: give a number from 0 to 65535\n`);
  process.exit(2);
}
const twin = await startTelegramTwin({ port });
const ada = twin.addUser({ firstName: 'Ada', username: 'ada' });
const grace = twin.addUser({ firstName: 'Grace', username: 'grace' });
twin.openPrivateChat(ada);
twin.openPrivateChat(grace);
twin.addGroup({
  title: 'Operations',
  administrators: [ada],
  members: [grace],
  bot: 'administrator',
  topics: ['Incidents'],
});
process.stdout.write(
  `TELEGRAM_API_ROOT=${twin.apiRoot}\nTELEGRAM_BOT_TOKEN=${twin.token}\n\nOpen ${twin.url} to read, write and tap.\n` +
    'To pair, write "/start <code>" with the code from the dashboard.\n',
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void twin[Symbol.asyncDispose]());
