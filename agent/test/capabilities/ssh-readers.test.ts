import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRange } from '@countersign/agent/capabilities/network/ranges';
import { parseAuthLine } from '@countersign/agent/capabilities/ssh/auth-log';
import { parseBans } from '@countersign/agent/capabilities/ssh/ban-table';
import { sshBlockIp } from '@countersign/agent/capabilities/ssh/block-ip';
import { isHardened, sshHarden } from '@countersign/agent/capabilities/ssh/harden';
import { administrators } from '@countersign/agent/capabilities/ssh/key-logins';
import { whySpared } from '@countersign/agent/capabilities/ssh/spared';
import { parseLast } from '@countersign/agent/capabilities/ssh/ssh-auth';
import { Fault } from '@countersign/protocol';
import { Place } from './context.ts';

const read = (message: string) => parseAuthLine({ at: 1, message })[0];

test('when somebody tries or logs in, who and from where are read', () => {
  assert.deepEqual(read('Accepted publickey for ada from 192.0.2.5 port 4000 ssh2: ED25519 SHA256:ab/+cd'), {
    ...{
      kind: 'accepted',
      at: 1,
      method: 'publickey',
      user: 'ada',
      address: '192.0.2.5',
      fingerprint: 'SHA256:ab/+cd',
    },
  });
  assert.equal(read('Accepted password for root from 2001:db8::1 port 1 ssh2')?.address, '2001:db8::1');
  for (const line of [
    'Failed password for root from 192.0.2.5 port 4000 ssh2',
    'Failed password for invalid user x from 192.0.2.5 port 4000 ssh2',
    'Connection closed by invalid user x 192.0.2.5 port 4000 [preauth]',
    'Connection reset by authenticating user root 192.0.2.5 port 4000 [preauth]',
  ])
    assert.deepEqual([read(line)?.kind, read(line)?.address], ['failed', '192.0.2.5'], line);
});

test('T16: when a stranger takes a name that looks like a line of the log, nobody else is blamed for it', () => {
  const names = [
    'root from 198.18.0.1 port 22 ssh2',
    'x 198.18.0.1 port 1 [preauth]',
    'Accepted password for root from',
  ];
  for (const name of names) {
    for (const line of [
      `Failed password for invalid user ${name} from 192.0.2.5 port 4000 ssh2`,
      `Connection closed by invalid user ${name} 192.0.2.5 port 4000 [preauth]`,
    ])
      assert.deepEqual([read(line)?.kind, read(line)?.address], ['failed', '192.0.2.5'], line);
    assert.equal(read(`Invalid user ${name} from 192.0.2.5 port 4000`), undefined);
  }
  assert.equal(read('Accepted password for root from nowhere port 1 ssh2'), undefined);
  assert.equal(read('x Accepted password for root from 192.0.2.5 port 1 ssh2'), undefined);
});

test('when an address is near, or a range holds one that is needed, it is spared', () => {
  const range = (text: string) => parseRange(text) ?? assert.fail(text);
  const spared = { ranges: [{ range: range('203.0.113.7'), because: 'people log in from there' }] };
  assert.equal(whySpared(spared, '203.0.113.0/24'), 'people log in from there');
  assert.equal(whySpared(spared, '203.0.113.8'), null);
  assert.equal(whySpared(spared, 'nonsense'), 'it is no address');
});

test('when it cannot be told whom the server needs, or too much is asked for, nothing is blocked', async () => {
  using place = new Place();
  const ask = (address: string, ttl = '1h') => sshBlockIp.preview({ address, ttl }, place.observe());
  await assert.rejects(ask('203.0.0.0/16'), /more than a \/24/);
  await assert.rejects(ask('2001:db8::/48'), /more than a \/64/);
  await assert.rejects(ask('203.0.113.7', '25h'), /24h at most/);
  // No link runs here, so nobody knows where the control plane is.
  await assert.rejects(ask('203.0.113.7'), { code: 'precondition_failed' });
});

test('when nft lists what is blocked, addresses and ranges are read, and anything else is not taken for a list', () => {
  const list = (elem: unknown[]) => JSON.stringify({ nftables: [{ metainfo: {} }, { set: { name: 'ban4', elem } }] });
  const element = (val: unknown) => ({ elem: { val, timeout: 60, expires: 59 } });
  assert.deepEqual(parseBans(list([element('192.0.2.1'), element({ prefix: { addr: '198.51.100.0', len: 24 } })])), [
    '192.0.2.1',
    '198.51.100.0/24',
  ]);
  assert.deepEqual(parseBans(JSON.stringify({ nftables: [{ set: { name: 'ban4' } }] })), []);
  for (const text of ['', 'Error: x', '{}', '[]', 'null']) assert.equal(parseBans(text), null, text);
});

test('when administrators are looked for, those are found who are root or may become it and can log in', () => {
  const passwd =
    'root:x:0:0::/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/bash\neve:x:1001:1001::/home/eve:/bin/sh\ngrace:x:1002:27::/home/grace:/bin/sh\nbot:x:0:0::/:/usr/sbin/nologin\n';
  const group = 'sudo:x:27:ada\nusers:x:100:eve\n';
  assert.deepEqual([...administrators(passwd, group).keys()], ['root', 'ada', 'grace']);
  assert.equal(administrators('', '').size, 0);
});

test('when last prints logins, boots are no logins', () => {
  const text =
    'ada pts/0 192.0.2.9 2026-11-20T10:00:00+00:00 - 2026-11-20T10:30:00+00:00  (00:30)\nreboot system 0.0.0.0 2026-11-20T09:00:00+00:00\n\nwtmp begins 2026\n';
  assert.deepEqual(parseLast(text), [{ address: '192.0.2.9', at: Date.parse('2026-11-20T10:00:00Z') }]);
});

test('when sshd tells its settings, a setting is in force only when every keyword of it is', () => {
  const said = {
    passwordauthentication: 'no',
    kbdinteractiveauthentication: 'no',
    permitrootlogin: 'without-password',
  };
  assert.equal(isHardened('no_passwords', said), true);
  assert.equal(isHardened('no_passwords', { ...said, kbdinteractiveauthentication: 'yes' }), false);
  assert.equal(isHardened('root_by_key_only', said), true);
  assert.equal(isHardened('no_root', said), false);
  assert.equal(isHardened('few_tries', {}), false);
});

test('when nobody logs in with a key, or sshd does not run, sshd is left as it is', async () => {
  using place = new Place();
  await assert.rejects(async () => sshHarden.preview({ setting: 'no_passwords' }, place.observe()), Fault);
});
