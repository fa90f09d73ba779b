/** `telegram link|unlink|status`: pairing your Telegram account, so that you can decide on your phone. */
import { delay, isoTime } from '@countersign/protocol';
import type { Call } from '@countersign/protocol/operator-api/index';
import type { Command } from 'commander';
import { renderUnicodeCompact } from 'uqr';
import { answer } from '../answer.ts';
import { type CliContext, signedIn } from '../connection.ts';
import { UsageError } from '../exit-codes.ts';
import { readPassword } from '../password.ts';

const LOOK_EVERY_MS = 1000;

export function telegramCommands(program: Command, context: CliContext): void {
  const telegram = program.command('telegram').description('deciding in Telegram');
  telegram
    .command('link')
    .description('pair your Telegram account')
    .option('--password-stdin', 'read your password from standard input')
    .option('--no-wait', 'print the link and do not wait until the account is confirmed')
    .option('--confirm <id>', 'confirm this Telegram id without asking, once it shows up')
    .action((options: LinkOptions) => link(context, options));
  telegram
    .command('status')
    .description('the bot, and the account that is paired')
    .action(async () => {
      const { call } = await signedIn(context);
      const status = await call('getTelegram', {});
      await answer(context, status, () => [
        status.bot
          ? `bot      @${status.bot.username}${status.bot.ok ? '' : `: ${status.bot.problem}`}`
          : 'bot      none (set TELEGRAM_BOT_TOKEN)',
        `account  ${status.link.telegram ? `${status.link.telegram.name} (${status.link.telegram.id}), ${status.link.state}` : status.link.state}`,
      ]);
    });
  telegram
    .command('unlink')
    .description('unpair your Telegram account')
    .action(async () => {
      const { call } = await signedIn(context);
      await call('removeTelegramLink', {});
      await answer(context, { done: true }, () => ['Your Telegram account is no longer paired.']);
    });
}

interface LinkOptions {
  readonly passwordStdin?: boolean;
  readonly wait: boolean;
  readonly confirm?: string;
}

async function link(context: CliContext, options: LinkOptions): Promise<void> {
  const { terminal, clock } = context;
  const { call } = await signedIn(context);
  const password = await readPassword(terminal, options);
  const started = await call('startTelegramLink', { password });
  if (!options.wait) {
    await answer(context, started, () => [started.url]);
    return;
  }
  terminal.note(`Open this on your phone, or scan it, before ${started.expires_at}:\n\n${started.url}\n`);
  terminal.note(renderUnicodeCompact(started.url));
  const found = await waitForAccount(call, context, started.expires_at);
  if (options.confirm !== found.id) {
    const said = await terminal.ask(`Is ${found.name} (Telegram id ${found.id}) you? [y/N] `, 'Give --confirm ID.');
    if (!/^y(es)?$/i.test(said)) {
      await call('removeTelegramLink', {});
      throw new UsageError('Not paired.', 'Start again with `countersign telegram link`.');
    }
  }
  await call('confirmTelegramLink', { telegram_id: found.id });
  await answer(context, { telegram: found, linked_at: isoTime(clock.now()) }, () => [
    `${terminal.paint('green', '✓')} ${found.name} is paired: requests come to Telegram from now on.`,
  ]);
}

async function waitForAccount(call: Call, { clock }: CliContext, until: string): Promise<{ id: string; name: string }> {
  while (clock.now() < Date.parse(until)) {
    const { link: present } = await call('getTelegram', {});
    if (present.state === 'confirm' && present.telegram !== null) return present.telegram;
    await delay(clock, LOOK_EVERY_MS);
  }
  throw new UsageError('Nobody opened the link in time.', 'Start again with `countersign telegram link`.');
}
