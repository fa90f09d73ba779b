import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuMs } from '../../test/world/cpu-ms.ts';
import { redact, redactValue } from '../src/redaction.ts';

// Made of parts, so that no scanner takes this file for a leak.
const secrets: Record<string, string> = {
  'an AWS access key': `AKIA${'IOSFODNN7EXAMPLE'}`,
  'a GitHub token': `ghp_${'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'}`,
  'a Slack token': `xoxb-${'123456789012-abcdefghijkl'}`,
  'a Stripe key': `sk_live_${'4eC39HqLyjWDarjtT1zdp7dc'}`,
  'an Anthropic key': `sk-ant-${'api03-abcdefghijklmnopqrstuvwxyz'}`,
  'a Telegram bot token': `123456789:${'AAF-abcdefghijklmnopqrstuvwxyz01234'}`,
  'a JSON web token': `eyJhbGciOiJIUzI1NiJ9.${'eyJzdWIiOiIxMjM0NTY3ODkwIn0'}.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U`,
  'our own token': `csr_${'a'.repeat(43)}`,
  'a crypt hash': `$6$${'rounds=5000$saltsalt$abcdefghijklmnop'}`,
};

for (const [name, secret] of Object.entries(secrets))
  test(`when text holds ${name}, it is blacked out in a log line, in JSON and in an argument`, () => {
    for (const text of [`got ${secret} from upstream`, JSON.stringify({ value: secret }), `--x=${secret}`]) {
      const { text: said, count } = redact(text);
      assert.ok(!said.includes(secret), said);
      assert.ok(count >= 1);
    }
  });

test('when a name sounds secret, its value is blacked out in the usual notations', () => {
  for (const text of [
    'DB_PASSWORD=hunter22',
    'password: hunter22',
    '"api_key": "hunter22"',
    "secret => 'hunter22'",
    'mysql --password hunter22',
    '--password=hunter22',
    'redis://user:hunter22@db/0',
    'Authorization: Bearer hunter22',
    'Cookie: session=hunter22',
    'APP_SECRET_KEY="hunter22"',
    'export TOKEN=hunter22',
    'curl -u bob:hunter22 https://api.example',
    'curl --user "bob:hunter22"',
  ])
    assert.ok(!redact(text).text.includes('hunter22'), redact(text).text);
});

test('when a private key stands in the text, the whole block is blacked out, even without its end', () => {
  const key = `-----BEGIN OPENSSH ${'PRIVATE KEY'}-----\nb3BlbnNzaC1rZXk\nAAAA\n`;
  assert.equal(redact(`${key}-----END OPENSSH ${'PRIVATE KEY'}-----\nrest`).text, '[redacted]\nrest');
  assert.equal(redact(key).text, '[redacted]');
});

test('when exact values are named, they are blacked out wherever they stand', () => {
  assert.equal(redact('user=bob pin=correct horse', ['correct horse']).text, 'user=bob pin=[redacted]');
});

test('when a text tells no secret, it stays as it is', () => {
  for (const text of [
    'nginx: [emerg] unknown directive "worker_conections" in /etc/nginx/nginx.conf:3',
    'Failed password for invalid user admin from 203.0.113.9 port 51234 ssh2',
    'sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    'run 3f2504e0-4f89-11d3-9a0c-0305e82c3301 finished',
    '/usr/lib/x86_64-linux-gnu/libsystemd.so.0.35.0',
    'token expired',
    'docker run -u 1000:1000 --user app:app image',
    'systemd[1]: Started nginx.service - A high performance web server and a reverse proxy server.',
    'checking /var/lib/docker/overlay2/l/ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  ])
    assert.equal(redact(text).text, text);
});

test('when secrets sit inside a value, they go and its shape stays', () => {
  const { value, count } = redactValue({ list: ['password=abc123', 3], deep: { ok: true } });
  assert.deepEqual(value, { list: ['password=[redacted]', 3], deep: { ok: true } });
  assert.equal(count, 1);
});

test('T13: when text is made to be slow, blacking it out takes no longer than for any other text', () => {
  const seeds = [
    'x',
    'a.',
    '-a',
    'pass_',
    'pass',
    'token ',
    'token="',
    'eyJaaaaaaaa-',
    'a://b:',
    'cookie ',
    'auth_auth-auth.',
  ];
  const texts = [
    ...seeds.map((seed) => seed.repeat(64 * 1024).slice(0, 64 * 1024)),
    ...['token', 'cookie', 'a://b:', '-----BEGIN A'].map((start) => start + ' '.repeat(64 * 1024)),
  ];
  for (const text of texts) {
    const from = cpuMs();
    redact(text);
    const ms = cpuMs() - from;
    assert.ok(ms < 500, `${JSON.stringify(text.slice(0, 20))}… took ${Math.round(ms)} ms`);
  }
});
