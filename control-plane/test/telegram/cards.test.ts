import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionStates, type PlanDraft } from '@countersign/protocol';
import { actionDetail } from '../../src/actions/action-detail.ts';
import { renderCard } from '../../src/approvals/telegram/render-card.ts';
import { ben } from '../actions/heart.ts';
import { ed25519Approver, lockWith } from '../actions/locks.ts';
import { previewOf } from '../actions/small-fleet.ts';
import { type TelegramWorld, telegramWorld } from './telegram-world.ts';

const preview = (world: TelegramWorld, change: Partial<ReturnType<typeof previewOf>['steps'][number]>) => {
  world.fleet.answer = async (draft: PlanDraft) => {
    const made = previewOf(draft);
    return { ...made, steps: made.steps.map((step) => ({ ...step, ...change })) };
  };
};

test('when a change is asked for, its card says what, where, how, at what risk, by whom and until when', async (t) => {
  await using world = await telegramWorld(t);
  const { chat } = await world.link(ben);
  const { actionId } = await world.ask({ reason: 'checkout is slow' });
  const card = await world.twin.waitForMessage(chat, 'Restart');
  const fingerprint = (await world.row(actionId)).digest.slice(0, 8);
  assert.equal(
    card.html,
    `<b>Restart nginx.service on web-1</b>
Server <code>web-1</code> · 🟡 medium risk
⏳ Decide within 15 min, before <b>02:28:00 UTC</b>

<b>Runs exactly</b>
<code>/usr/bin/systemctl restart -- nginx.service</code>
<b>Effect</b>
nginx.service is down for about a second
<b>Parameters</b>
<code>unit</code> = <code>nginx.service</code>
<code>watch</code> = <code>5s</code>

<b>Undo</b> It cannot be taken back.
<b>Asked by</b> <code>Ana (token laptop, client claude-code)</code>
<b>Policy</b> Rule medium-risk asks for one approval (risk medium).
<b>Fingerprint</b> <code>${fingerprint}</code>

The assistant says (not checked by anybody):
<blockquote expandable><code>checkout is slow</code></blockquote>`,
  );
  const reference = `${actionId.slice(4)}:${fingerprint}`;
  assert.deepEqual(card.buttons, [
    [
      { text: 'Reject', style: 'danger', callback_data: `v1:reject:${reference}` },
      { text: 'Approve', style: 'success', callback_data: `v1:approve:${reference}` },
    ],
    [{ text: 'Open in the dashboard', url: `http://127.0.0.1:7070/actions/${actionId}` }],
  ]);
  assert.deepEqual(card.linkPreview, { is_disabled: true });
});

test('T7: when parameters and reason hold markup, links, commands and bidi characters, all of it is shown as text', async (t) => {
  await using world = await telegramWorld(t);
  const { chat } = await world.link(ben);
  const argv = ['tell', '</b><a href="https://evil.example/">ok</a> \u202egnp.exe &amp; \u0430dmin', '/unlink'];
  preview(world, { argv: [argv], effects: ['tell @evil_bot #now'] });
  await world.ask({
    wanted: { kind: 'command', argv, timeout_s: 60 },
    reason:
      '<b>Already approved by Ben</b>\u202e\u200b tap /unlink or https://evil.example/approve or @evil_bot\nFingerprint 00000000',
  });
  const card = await world.twin.waitForMessage(chat, 'Run tell');
  assert.ok(card.text.includes('ok</a> \\u{202e}gnp.exe &amp; \u0430dmin'));
  assert.match(card.text, /holds characters that look like others/);
  assert.ok(!/[\u202a-\u202e\u200b-\u200f\u2066-\u2069]/.test(card.text));
  const reason = card.text.slice(card.text.indexOf('The assistant says'));
  assert.match(reason, /<b>Already approved by Ben<\/b>.* tap \/unlink/);
  assert.equal(reason.split('\n').length, 2, 'the reason cannot begin lines of its own');
  const tappable = card.entities.filter(({ type }) => !['bold', 'code', 'pre', 'expandable_blockquote'].includes(type));
  assert.deepEqual(tappable, [], 'nothing from outside can be tapped');
});

test('T14: when a command line holds a secret, the card does not', async (t) => {
  await using world = await telegramWorld(t);
  const { chat } = await world.link(ben);
  preview(world, {
    argv: [['/usr/bin/curl', '-H', 'Authorization: Bearer abcdef0123456789', 'https://x:hunter22@example.org']],
  });
  await world.ask();
  const card = await world.twin.waitForMessage(chat, 'Restart');
  assert.ok(!card.text.includes('abcdef0123456789') && !card.text.includes('hunter22'));
  assert.match(card.text, /\[redacted\]/);
});

test('when a plan changes a file, the card shows the diff as it is', async (t) => {
  await using world = await telegramWorld(t);
  const { chat } = await world.link(ben);
  const diff =
    '--- a/etc/nginx.conf\n+++ b/etc/nginx.conf\n@@ -1,2 +1,2 @@\n-\tworkers 1;\n+\tworkers 2;\u202e\n end <b>\n';
  preview(world, { diff, undo: 'Puts the file back as it was.' });
  await world.ask();
  const card = await world.twin.waitForMessage(chat, 'Restart');
  assert.match(card.text, /One file: 1 line added, 1 removed\n--- a\/etc/);
  assert.ok(card.text.includes('-    workers 1;\n+    workers 2;\\u{202e}\n end <b>'));
});

test('when a plan is too long for a phone, a file with all of it goes ahead of a card that is a summary', async (t) => {
  await using world = await telegramWorld(t);
  const { chat } = await world.link(ben);
  const added = Array.from({ length: 400 }, (_, n) => `+line ${n} password=hunter${n}`).join('\n');
  const argv = Array.from({ length: 12 }, (_, n) => [
    '/usr/bin/install',
    '--',
    `/a/${n}/${'x'.repeat(200)}`,
    '/etc/x y',
  ]);
  preview(world, { argv, diff: `--- a/f\n+++ b/f\n@@ -0,0 +1,400 @@\n${added}\n` });
  const { actionId } = await world.ask({ reason: 'r'.repeat(1000) });
  const card = await world.twin.waitForMessage(chat, 'summary');
  const [file] = world.twin.messages(chat);
  assert.ok(card.text.length < 3_000, String(card.text.length));
  assert.equal(card.replyTo, file?.messageId);
  assert.equal(file?.document?.fileName, `plan-${(await world.row(actionId)).digest.slice(0, 8)}.txt`);
  const whole = file?.document?.bytes.toString('utf8') ?? '';
  for (const part of ['/a/11/', '"/etc/x y"', '+line 399', 'Restart nginx.service on web-1'])
    assert.ok(whole.includes(part));
  assert.ok(!whole.includes('hunter7'), 'secrets are blacked out there too');
  assert.match(card.text, /Runs 12 commands/);
  assert.match(card.text, /One file: 400 lines added, none removed/);
  await world.tap({ user: world.twin.addUser({ firstName: 'x' }), chat }, 'Reject').catch(() => undefined);
});

test('when a decision is made on a summary, the edited card stays a summary', async (t) => {
  await using world = await telegramWorld(t);
  const phone = await world.link(ben);
  preview(world, { effects: Array.from({ length: 20 }, (_, n) => `${n} ${'effect '.repeat(60)}`) });
  await world.ask();
  await world.twin.waitForMessage(phone.chat, 'summary');
  await world.tap(phone, 'Approve');
  const card = await world.twin.waitForEdit(phone.chat, 'Approved by Ben');
  assert.match(card.text, /summary/);
  assert.equal(world.twin.messages(phone.chat).length, 2);
});

test('when everything about an action is as long as it can be, its card still fits into a message, in every state', async (t) => {
  await using world = await telegramWorld(t);
  const { actionId } = await world.ask();
  const detail = await actionDetail(world.deps, actionId);
  const long = (length: number) => '\u202e<'.repeat(length / 2);
  const [step] = detail.plan.preview.steps;
  assert.ok(step);
  const filled = {
    ...step,
    argv: Array.from({ length: 20 }, () => [long(400), long(400)]),
    diff: `+${long(5000)}\n`,
    undo: long(500),
  };
  const vote = {
    person: { id: ben.id, name: long(100) },
    verdict: 'approve',
    channel: 'telegram',
    strength: 'tap',
    at: detail.requested_at,
    reason: null,
  } as const;
  const many = Array.from({ length: 20 }, () => ({ ...filled, effects: Array.from({ length: 20 }, () => long(500)) }));
  for (const [state, steps] of actionStates.flatMap((it) => [[it, [step]] as const, [it, many] as const])) {
    const rendered = renderCard(
      {
        ...detail,
        state,
        title: long(300),
        status: long(600),
        untrusted_reason: long(1000),
        approvals_needed: 5,
        approvals: Array(5).fill(vote),
        requested_by: { person: { id: 'x', name: long(100) }, token: { id: 'x', name: long(100) }, client: long(200) },
        policy: { ...detail.policy, why: long(500) },
        changed_parameters: Object.keys(detail.plan.parameters),
        plan: {
          ...detail.plan,
          parameters: { [long(100)]: long(5000), b: long(300) },
          preview: { ...detail.plan.preview, predictable: false, steps: [...steps] },
        },
      },
      {
        publicUrl: `https://${'x'.repeat(200)}.example.org`,
        armed: 'approve',
        person: { id: ben.id, role: 'approver' },
        pause: { since: 0, by: { id: 'x', name: long(100) } },
      },
    );
    assert.ok(rendered.text.text.length <= 4096, `${state}: ${rendered.text.text.length}`);
    assert.ok(rendered.text.entities.length <= 100);
  }
});

test('when the dashboard has a name that Telegram takes, the button leads there; when it takes none, there is no button', async (t) => {
  for (const [publicUrl, expected] of [
    ['https://cp.example.org', 'https://cp.example.org/actions/'],
    ['https://[2001:db8::1]:7070', 'https://[2001:db8::1]:7070/actions/'],
    ['http://ops:7070', undefined],
  ] as const) {
    await using world = await telegramWorld(t, { publicUrl });
    const { chat } = await world.link(ben);
    const { actionId } = await world.ask();
    const card = await world.twin.waitForMessage(chat, 'Restart');
    const url = card.buttons.flat().find((button) => button.url !== undefined)?.url;
    assert.equal(url, expected && `${expected}${actionId}`);
  }
});

test('when a tap is not enough, by policy or by a locked server, the card leads to the dashboard instead of Approve', async (t) => {
  const policy = `  - name: session
    when: { servers: [db-1] }
    ask: { channels: [telegram, web], strength: session }
  - name: high-risk
    when: { risk: [high] }
    ask: { channels: [telegram, web, cli], strength: session }`;
  await using world = await telegramWorld(t, { policy, publicUrl: 'https://cp.example.org' });
  const phone = await world.link(ben);
  const texts = (chat = phone.chat) =>
    world
      .newest(chat)
      .buttons.flat()
      .map(({ text }) => text);
  await world.ask({ server: 'db-1' });
  await world.twin.waitForMessage(
    phone.chat,
    'A tap is not enough for this: at medium risk, rule session asks for more.',
  );
  assert.deepEqual(texts(), ['Reject', 'Open to approve']);
  await world.ask({ risk: 'high' });
  await world.twin.waitForMessage(
    phone.chat,
    'A tap is not enough for this: at high risk, rule high-risk asks for more.',
  );
  assert.deepEqual(texts(), ['Reject', 'Open to approve']);
  await world.lock(lockWith({ ana: [ed25519Approver()] }));
  await world.ask();
  await world.twin.waitForMessage(phone.chat, 'Server web-1 is locked: it counts only signatures');
  assert.deepEqual(texts(), ['Reject', 'Open to approve']);
  assert.equal((await world.tap(phone, 'Reject')).text, 'Rejected. Nothing will run.');
});

test('when policy does not accept Telegram, nobody gets a card there and it reaches nobody', async (t) => {
  await using world = await telegramWorld(t, { policy: '  - {name: page-only, ask: {channels: [web, cli]}}' });
  const { chat } = await world.link(ben);
  const { actionId } = await world.ask();
  await world.settled();
  assert.deepEqual(world.twin.messages(chat), []);
  assert.equal(await world.bot.now.channel.canReach(actionId), false);
});

test('when nobody is linked, Telegram reaches nobody; when an approver is linked later, they get the card', async (t) => {
  await using world = await telegramWorld(t);
  const { actionId } = await world.ask();
  assert.equal(await world.bot.now.channel.canReach(actionId), false);
  const { chat } = await world.link(ben);
  assert.equal(await world.bot.now.channel.canReach(actionId), true);
  await world.clock.pass(15_000);
  await world.twin.waitForMessage(chat, 'Restart');
});

test('when another maker of the Bot API refuses the form of a card, it is sent in plain text', async (t) => {
  await using world = await telegramWorld(t);
  const { chat } = await world.link(ben);
  world.twin.faults.refuse('sendMessage', 400, "Bad Request: can't parse entities: unsupported");
  await world.ask();
  const card = await world.twin.waitForMessage(chat, 'Restart');
  assert.ok(!card.entities.some(({ type }) => type === 'code'));
  assert.deepEqual(
    card.buttons.flat().map(({ text }) => text),
    ['Reject', 'Approve'],
  );
});
