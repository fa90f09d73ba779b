import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrammyError, HttpError, InputFile } from 'grammy';
import { startBot } from './start-bot.ts';
import { startTelegramTwin } from './start-telegram-twin.ts';

/** The description with which a call was refused. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => assert.fail('the call was not refused'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof GrammyError, String(error));
  return error.description;
}

async function privateWorld() {
  const twin = await startTelegramTwin();
  const bot = startBot(twin);
  const user = twin.addUser({ firstName: 'Ada', username: 'ada' });
  const chat = twin.openPrivateChat(user);
  return { twin, bot, api: bot.bot.api, user, chat };
}

test('when a person presses a deep link, the bot gets /start with the payload and its answer is seen', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  running.bot.command('start', (context) => context.reply(`paired with ${context.match}`));
  running.start();
  const user = twin.addUser({ firstName: 'Ada' });
  const chat = twin.pressDeepLink(user, 'c0de_-42');
  const answer = await twin.waitForMessage(chat, 'paired with c0de_-42');
  assert.equal(answer.byBot, true);
  assert.equal(answer.from?.username, 'countersign_twin_bot');
});

test('when a button is tapped, the tap resolves with the answer and the edited message is seen', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  running.bot.callbackQuery(/^v1:approve/, async (context) => {
    await context.answerCallbackQuery({ text: 'Approved', show_alert: true });
    await context.editMessageText('<b>Approved</b> by Ada', { parse_mode: 'HTML' });
  });
  running.start();
  const user = twin.addUser({ firstName: 'Ada' });
  const chat = twin.openPrivateChat(user);
  await running.bot.api.sendMessage(chat.id, 'Restart nginx?', {
    reply_markup: {
      inline_keyboard: [
        [
          { text: 'Reject', callback_data: 'v1:reject', style: 'danger' },
          { text: 'Approve', callback_data: 'v1:approve', style: 'success' },
        ],
      ],
    },
  });
  const card = await twin.waitForMessage(chat, 'Restart nginx?');
  assert.deepEqual(card.buttons[0]?.[0], { text: 'Reject', style: 'danger', callback_data: 'v1:reject' });
  assert.deepEqual(await twin.tap(user, chat, card.messageId, 'Approve'), { text: 'Approved', showAlert: true });
  const edited = await twin.waitForEdit(chat, 'Approved');
  assert.equal(edited.messageId, card.messageId);
  assert.equal(edited.html, '<b>Approved</b> by Ada');
  assert.equal(edited.edits, 1);
  assert.deepEqual(edited.earlierHtml, ['Restart nginx?']);
  assert.equal(edited.replyMarkup, undefined);
});

test('when a button was edited away, a tap on the old keyboard still reaches the bot', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  running.bot.on('callback_query:data', (context) => context.answerCallbackQuery(context.callbackQuery.data));
  running.start();
  const user = twin.addUser({ firstName: 'Ada' });
  const chat = twin.openPrivateChat(user);
  const keyboard = { inline_keyboard: [[{ text: 'Approve', callback_data: 'old' }]] };
  const sent = await running.bot.api.sendMessage(chat.id, 'Restart?', { reply_markup: keyboard });
  await running.bot.api.editMessageReplyMarkup(chat.id, sent.message_id);
  assert.equal((await twin.tap(user, chat, sent.message_id, 'Approve')).text, 'old');
  await assert.rejects(twin.tap(user, chat, sent.message_id, 'Nothing'), /no button "Nothing"; it has none/);
});

test('when a document is sent, its bytes, name and caption arrive', async () => {
  const { twin, bot, api, chat } = await privateWorld();
  await using _twin = twin;
  await using _bot = bot;
  const bytes = Buffer.from('line one\r\n--not-a-boundary\r\nümläut\n');
  const sent = await api.sendDocument(chat.id, new InputFile(bytes, 'journal of web-1.txt'), {
    caption: 'Output of <b>nginx -t</b>',
    parse_mode: 'HTML',
  });
  assert.equal(sent.document.file_size, bytes.length);
  assert.equal(sent.document.mime_type, 'text/plain');
  const [message] = twin.messages(chat);
  assert.equal(message?.document?.fileName, 'journal of web-1.txt');
  assert.deepEqual(message?.document?.bytes, bytes);
  assert.equal(message?.html, 'Output of <b>nginx -t</b>');
  const again = await api.sendDocument(chat.id, sent.document.file_id);
  assert.equal(again.document.file_name, 'journal of web-1.txt');
  assert.equal(
    await refusal(api.sendDocument(chat.id, new InputFile(Buffer.alloc(0), 'a.txt'))),
    'Bad Request: file must be non-empty',
  );
  const long = { caption: 'x'.repeat(1025) };
  assert.equal(
    await refusal(api.sendDocument(chat.id, new InputFile(bytes, 'a.txt'), long)),
    'Bad Request: message caption is too long',
  );
});

test('when a document is larger than 50 MB, it is refused with 413', async () => {
  const { twin, bot, api, chat } = await privateWorld();
  await using _twin = twin;
  await using _bot = bot;
  const large = new InputFile(Buffer.alloc(50 * 1024 * 1024 + 1), 'large.bin');
  assert.equal(await refusal(api.sendDocument(chat.id, large)), 'Request Entity Too Large');
  assert.equal(twin.messages(chat).length, 0);
});

test('when a text or keyboard breaks a limit, the refusal has the words of Telegram and nothing is sent', async () => {
  const { twin, bot, api, chat } = await privateWorld();
  await using _twin = twin;
  await using _bot = bot;
  const button = (more: object) => ({
    reply_markup: { inline_keyboard: [[{ text: 'Go', ...more } as { text: string; callback_data: string }]] },
  });
  const cases: [Promise<unknown>, string][] = [
    [api.sendMessage(chat.id, ''), 'message text is empty'],
    [api.sendMessage(chat.id, ' \n '), 'text must be non-empty'],
    [api.sendMessage(chat.id, 'x'.repeat(4097)), 'message is too long'],
    [api.sendMessage(chat.id, 'x', { parse_mode: 'Nonsense' as 'HTML' }), 'unsupported parse_mode'],
    [api.sendMessage(chat.id, 'x', button({ callback_data: 'ü'.repeat(33) })), 'BUTTON_DATA_INVALID'],
    [
      api.sendMessage(chat.id, 'x', button({ callback_data: '' })),
      "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    ],
    [
      api.sendMessage(chat.id, 'x', button({ callback_data: 'a', style: 'loud' })),
      "can't parse inline keyboard button: invalid button style specified",
    ],
    [
      api.sendMessage(chat.id, 'x', button({ url: 'http://localhost:7070/a' })),
      "inline keyboard button URL 'http://localhost:7070/a' is invalid: Wrong HTTP URL",
    ],
    [
      api.sendMessage(chat.id, 'x', { entities: [{ type: 'bold', offset: 0, length: 9 }] }),
      'entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 9',
    ],
    [
      api.sendMessage(chat.id, 'x', { entities: [{ type: 'text_link', offset: 0, length: 1 } as never] }),
      'can\'t parse MessageEntity: Can\'t find field "url"',
    ],
    [api.sendMessage(chat.id, 'x', { reply_parameters: { message_id: 999 } }), 'message to be replied not found'],
    [api.sendMessage(chat.id, 'x', { message_thread_id: 999 }), 'message thread not found'],
    [
      api.sendMessage(chat.id, 'x', { link_preview_options: { is_disabled: 'yes' as never } }),
      'field "is_disabled" must be of type Boolean',
    ],
    [api.sendMessage(12345, 'x'), 'chat not found'],
    [api.sendChatAction(chat.id, 'dancing' as 'typing'), 'wrong parameter action in request'],
  ];
  for (const [call, description] of cases) assert.equal(await refusal(call), `Bad Request: ${description}`);
  assert.deepEqual(twin.messages(chat), []);
  await api.sendMessage(chat.id, '😀'.repeat(4096));
  await api.sendMessage(chat.id, 'x', button({ url: 'http://127.0.0.1:7070/a' }));
  await api.sendMessage(chat.id, 'x', button({ callback_data: 'x'.repeat(64) }));
  assert.equal(twin.messages(chat).length, 3);
});

test('when an edit changes nothing or has no message, the refusal has the words of Telegram', async () => {
  const { twin, bot, api, user, chat } = await privateWorld();
  await using _twin = twin;
  await using _bot = bot;
  const reply_markup = { inline_keyboard: [[{ text: 'Go', callback_data: 'go' }]] };
  const sent = await api.sendMessage(chat.id, 'Hello <b>you</b>', { parse_mode: 'HTML', reply_markup });
  const same =
    'Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message';
  const entities = [{ type: 'bold' as const, offset: 6, length: 3 }];
  assert.equal(
    await refusal(api.editMessageText(chat.id, sent.message_id, 'Hello you', { entities, reply_markup })),
    same,
  );
  assert.equal(await refusal(api.editMessageReplyMarkup(chat.id, sent.message_id, { reply_markup })), same);
  assert.equal(await refusal(api.editMessageText(chat.id, 9999, 'x')), 'Bad Request: message to edit not found');
  const theirs = twin.sendText(user, chat, 'my own words');
  assert.equal(await refusal(api.editMessageText(chat.id, theirs, 'x')), "Bad Request: message can't be edited");
  const file = await api.sendDocument(chat.id, new InputFile(Buffer.from('a'), 'a.txt'));
  assert.equal(
    await refusal(api.editMessageText(chat.id, file.message_id, 'x')),
    'Bad Request: there is no text in the message to edit',
  );
  await api.editMessageText(chat.id, sent.message_id, 'Hello you', { entities });
  assert.equal(twin.messages(chat)[0]?.replyMarkup, undefined, 'an edit without a keyboard takes it away');
  await api.deleteMessage(chat.id, sent.message_id);
  assert.equal(await refusal(api.deleteMessage(chat.id, sent.message_id)), 'Bad Request: message to delete not found');
});

test('when an answer to a tap is too long or comes too late, it is refused', async () => {
  let now = 1_800_000_000_000;
  const clock = { now: () => now, monotonic: () => now, after: () => () => undefined };
  await using twin = await startTelegramTwin({ clock });
  await using running = startBot(twin);
  const { api } = running.bot;
  const user = twin.addUser({ firstName: 'Ada' });
  const chat = twin.openPrivateChat(user);
  const reply_markup = { inline_keyboard: [[{ text: 'Go', callback_data: 'go' }]] };
  const sent = await api.sendMessage(chat.id, 'x', { reply_markup });
  assert.equal(sent.date, 1_800_000_000);
  const tapped = twin.tap(user, chat, sent.message_id, 'Go', { timeoutMs: 50 });
  const lost = assert.rejects(tapped, /BOT_RESPONSE_TIMEOUT/);
  const [update] = await api.getUpdates();
  const id = update?.callback_query?.id ?? '';
  assert.equal(await refusal(api.answerCallbackQuery(id, { text: 'x'.repeat(201) })), 'Bad Request: MESSAGE_TOO_LONG');
  now += 60_000;
  const tooOld = 'Bad Request: query is too old and response timeout expired or query ID is invalid';
  assert.equal(await refusal(api.answerCallbackQuery(id)), tooOld);
  assert.equal(await refusal(api.answerCallbackQuery('1')), tooOld);
  await lost;
  now += 48 * 3600_000;
  assert.equal(
    await refusal(api.deleteMessage(chat.id, sent.message_id)),
    "Bad Request: message can't be deleted for everyone",
  );
});

test('when commands are set for a scope, that scope alone has them', async () => {
  const { twin, bot, api, chat } = await privateWorld();
  await using _twin = twin;
  await using _bot = bot;
  const commands = [{ command: 'status', description: 'How the servers are' }];
  await api.setMyCommands(commands, { scope: { type: 'all_private_chats' } });
  assert.deepEqual(await api.getMyCommands({ scope: { type: 'all_private_chats' } }), commands);
  assert.deepEqual(await api.getMyCommands(), []);
  assert.deepEqual(await api.getMyCommands({ scope: { type: 'all_private_chats' }, language_code: 'de' }), []);
  await api.deleteMyCommands({ scope: { type: 'all_private_chats' } });
  assert.deepEqual(await api.getMyCommands({ scope: { type: 'all_private_chats' } }), []);
  const bad = (command: string, description = 'x') => refusal(api.setMyCommands([{ command, description }]));
  assert.equal(await bad('Bad Command'), 'Bad Request: BOT_COMMAND_INVALID');
  assert.equal(await bad(''), 'Bad Request: command must be non-empty');
  assert.equal(await bad('a', ''), 'Bad Request: command description must be non-empty');
  assert.equal(
    await refusal(api.setMyCommands(commands, { scope: { type: 'chat' } as never })),
    'Bad Request: can\'t parse BotCommandScope: Can\'t find field "chat_id"',
  );
  await api.setMyCommands(commands, { scope: { type: 'chat', chat_id: chat.id } });
  await api.setMyDescription('Approves what an assistant proposes');
  assert.equal((await api.getMyDescription()).description, 'Approves what an assistant proposes');
});

test('when the method, the token or the path is unknown, Telegram answers 404 or 401', async () => {
  await using twin = await startTelegramTwin();
  const ask = async (path: string) => (await fetch(`${twin.apiRoot}/${path}`)).json();
  const notFound = { ok: false, error_code: 404, description: 'Not Found' };
  assert.deepEqual(await ask(`bot${twin.token}/sendLove`), { ...notFound, description: 'Not Found: method not found' });
  assert.deepEqual(await ask('bot/getMe'), notFound);
  assert.deepEqual(await ask('botnonsense/getMe'), notFound);
  assert.deepEqual(await ask('elsewhere'), notFound);
  assert.deepEqual(await ask('bot123456:wrong/getMe'), { ok: false, error_code: 401, description: 'Unauthorized' });
  assert.deepEqual(await ask(`bot${twin.token}/GETME?x=1`).then((answer) => (answer as { ok: boolean }).ok), true);
});

test('when the bot uses a wrong token, grammY stops with 401', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot({ apiRoot: twin.apiRoot, token: '7999000001:AAwrong' });
  await assert.rejects(
    running.bot.init(),
    (error: unknown) => error instanceof GrammyError && error.error_code === 401,
  );
});

test('when the twin is gone, calls fail and do not hang', async () => {
  const twin = await startTelegramTwin();
  await using running = startBot(twin);
  running.start();
  await twin.waitForCall('deleteWebhook');
  await twin[Symbol.asyncDispose]();
  await assert.rejects(running.bot.api.getMe(), HttpError);
});
