import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { InlineKeyboard, InputFile } from 'grammy';
import { chromium } from 'playwright-core';
import { startBot } from './start-bot.ts';
import { startTelegramTwin } from './start-telegram-twin.ts';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where a Chromium is; without one the test is skipped by name, or fails where everything is required. */
async function findChromium(context: TestContext): Promise<string | undefined> {
  for (const place of PLACES) {
    if (
      await access(place).then(
        () => true,
        () => false,
      )
    )
      return place;
  }
  if (process.env.COUNTERSIGN_REQUIRE_ALL === '1') throw new Error(`no Chromium at ${PLACES.join(', ')}`);
  context.skip('no Chromium is installed');
  return undefined;
}

test('when the page is opened in a browser, a person reads, taps and writes there', async (context) => {
  const executablePath = await findChromium(context);
  if (executablePath === undefined) return;
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  running.bot.callbackQuery('yes', async (tapped) => {
    await tapped.answerCallbackQuery('Noted');
    await tapped.editMessageText('Approved by <b>Ada</b>', { parse_mode: 'HTML' });
  });
  running.bot.command('status', (asked) =>
    asked.reply('All is well', { reply_parameters: { message_id: asked.msg.message_id } }),
  );
  running.start();
  const ada = twin.addUser({ firstName: 'Ada' });
  const chat = twin.openPrivateChat(ada);
  const keyboard = new InlineKeyboard()
    .text('Reject', 'no')
    .danger()
    .text('Approve', 'yes')
    .success()
    .row()
    .url('Open', 'https://example.com/');
  await running.bot.api.sendMessage(
    chat.id,
    '<b>Restart nginx</b> on web-1 &lt;img src=x onerror=alert(1)&gt;\n<blockquote expandable>one\ntwo\nthree\nfour</blockquote>',
    { parse_mode: 'HTML', reply_markup: keyboard },
  );
  await running.bot.api.sendDocument(chat.id, new InputFile(Buffer.from('long output'), 'output.txt'));
  await using browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`${twin.url}?chat=${chat.id}&as=${ada.id}`);
  const card = page.getByRole('article').filter({ hasText: 'Restart nginx' });
  await card.getByText('<img src=x onerror=alert(1)>').waitFor();
  assert.equal(await page.locator('#talk img').count(), 0, 'what the bot wrote is no markup of the page');
  assert.ok((await page.screenshot()).length > 10_000);
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'output.txt' }).click();
  assert.equal((await download).suggestedFilename(), 'output.txt');
  await card.getByRole('button', { name: 'Approve' }).click();
  await page.getByRole('status').getByText('Noted').waitFor();
  await page.getByRole('region', { name: 'Messages' }).getByText('Approved by Ada').waitFor();
  await page.getByRole('textbox', { name: 'Message' }).fill('/status');
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: 'Messages' }).getByText('All is well').waitFor();
  assert.equal(twin.messages(chat).at(-1)?.text, 'All is well');
  assert.deepEqual(problems, []);
});
