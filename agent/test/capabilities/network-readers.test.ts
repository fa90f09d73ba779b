import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { parseConnections } from '@countersign/agent/capabilities/network/link-connection';
import { overlap, parseRange, sizeOf } from '@countersign/agent/capabilities/network/ranges';
import { parseDomains, parseLinks, parseResolvConf } from '@countersign/agent/capabilities/network/resolver';
import { holdersIn } from '@countersign/agent/capabilities/network/socket-holders';
import { parseTimesync, parseTimesyncConfig, parseTracking } from '@countersign/agent/capabilities/time/sync-state';
import { askNames, decodeAnswer, encodeQuestion } from '@countersign/agent/host/dns-query';
import { askTimes, decodeTime, writeTime } from '@countersign/agent/host/ntp-query';
import { systemClock } from '@countersign/protocol';

/** A socket on 127.0.0.1 that answers each message with what `reply` makes of it. */
async function answering(reply: (message: Buffer) => Buffer | null) {
  const socket = createSocket('udp4');
  socket.on('message', (message, { port, address }) => {
    const answer = reply(message);
    if (answer !== null) socket.send(answer, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, [Symbol.dispose]: () => socket.close() };
}

/** The answer 192.0.2.1 to a question. */
function answered(question: Buffer): Buffer {
  const head = Buffer.from(question);
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(1, 6);
  return Buffer.concat([head, Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1])]);
}

test('when a name server answers, is silent, or answers nonsense, each is told as what it is', async () => {
  using good = await answering(answered);
  const [found] = await askNames(['127.0.0.1'], ['example.com'], systemClock, good.port);
  assert.deepEqual(
    { ...found, ms: 0 },
    {
      ...{ server: '127.0.0.1', name: 'example.com', rcode: 0, addresses: ['192.0.2.1'], ms: 0, error: null },
    },
  );
  using odd = await answering((question) => answered(question).subarray(0, 40));
  const [cut] = await askNames(['127.0.0.1'], ['example.com'], systemClock, odd.port);
  assert.deepEqual([cut?.rcode, cut?.error], [null, 'no answer within 3.5 s']);
});

test('when an answer belongs to another question, is none, or is cut off anywhere, it is not taken', () => {
  const whole = answered(encodeQuestion(7, 'a.example.com'));
  assert.equal(decodeAnswer(whole, 8), null);
  assert.equal(decodeAnswer(encodeQuestion(7, 'a.example.com'), 7), null);
  for (let length = 0; length < whole.length - 4; length += 1)
    assert.equal(decodeAnswer(whole.subarray(0, length), 7), null, String(length));
  assert.deepEqual(decodeAnswer(whole, 7), { rcode: 0, addresses: ['192.0.2.1'] });
});

test('when a time server tells its time, the difference is told; when it has none or answers something else, it is not', async () => {
  const answer = (offset: number, change: (packet: Buffer) => void = () => undefined) => {
    const packet = Buffer.alloc(48);
    packet.writeUInt8(0x24, 0);
    packet.writeUInt8(2, 1);
    for (const [at, ms] of [
      [24, 0],
      [32, offset],
      [40, offset],
    ] as const)
      writeTime(packet, 1_700_000_000_000 + ms, at);
    change(packet);
    return decodeTime(packet, 1_700_000_000_000, 1_700_000_000_000)?.told ?? null;
  };
  assert.equal(answer(90_000)?.offset_ms, 90_000);
  assert.equal(answer(-250)?.offset_ms, -250);
  assert.equal(answer(0, (packet) => packet.writeUInt8(0xe4, 0))?.offset_ms, null);
  assert.equal(answer(0, (packet) => packet.writeUInt8(0, 1))?.error, 'it has no time itself');
  assert.equal(
    answer(0, (packet) => writeTime(packet, 1_600_000_000_000, 24)),
    null,
  );
  assert.equal(decodeTime(Buffer.alloc(20), 0, 0), null);
  const [nobody] = await askTimes(['no-such-host.invalid'], systemClock);
  assert.equal(nobody?.offset_ms, null);
});

test('when answers of a time server were long under way, it is asked again, four times at most, and the quickest counts; no more once it answers no time', async () => {
  const askWith = async (trips: number[], strata: number[] = []) => {
    let now = 1_700_000_000_000;
    using server = await answering((question) => {
      now += trips.shift() ?? assert.fail('asked too often');
      const answer = Buffer.alloc(48);
      answer.writeUInt8(0x24, 0);
      answer.writeUInt8(strata.shift() ?? 2, 1);
      question.copy(answer, 24, 40, 48);
      for (const at of [32, 40]) writeTime(answer, now + 7000, at);
      return answer;
    });
    const [told] = await askTimes(['127.0.0.1'], { ...systemClock, now: () => now }, server.port);
    return { offset: told?.offset_ms, unasked: trips.length };
  };
  assert.deepEqual(await askWith([90, 1]), { offset: 7045, unasked: 1 });
  assert.deepEqual(await askWith([400, 4, 1]), { offset: 7002, unasked: 1 });
  assert.deepEqual(await askWith([400, 300, 500, 350, 1]), { offset: 7150, unasked: 1 });
  assert.deepEqual(await askWith([400, 4, 1], [2, 0]), { offset: 7200, unasked: 1 });
});

test('when ranges are compared, only those with an address in common overlap, also across ways of writing', () => {
  const range = (text: string) => parseRange(text) ?? assert.fail(text);
  assert.ok(overlap(range('10.0.0.0/8'), range('10.77.3.4')));
  assert.ok(overlap(range('203.0.113.128/25'), range('203.0.113.0/24')));
  assert.ok(!overlap(range('203.0.113.0/25'), range('203.0.113.128/25')));
  assert.ok(overlap(range('::ffff:10.1.2.3'), range('10.1.2.3')));
  assert.ok(overlap(range('2001:db8::1'), range('2001:0db8:0:0::/64')));
  assert.ok(!overlap(range('2001:db8:0:1::/64'), range('2001:db8::/64')));
  assert.equal(sizeOf(range('192.0.2.7/24')), 256n);
  for (const text of ['', '10.0.0.1/33', '10.0.0', '10.0.0.1/', '10.0.0.1/8/8', 'x', '::1/129', '10.0.0.1/-1'])
    assert.equal(parseRange(text), null, text);
});

test('when resolver files and resolvectl say odd things, only addresses are taken', () => {
  assert.deepEqual(parseResolvConf('# x\nnameserver 127.0.0.53\n nameserver fe80::1%eth0\nnameserver\nsearch .\n'), [
    '127.0.0.53',
    'fe80::1',
  ]);
  assert.deepEqual(
    parseLinks('Global: 9.9.9.9#dns.quad9.net\nLink 2 (eth0): 10.0.0.1:53 nonsense\nLink x: 1.1.1.1\n'),
    [
      { link: null, servers: ['9.9.9.9'] },
      { link: 'eth0', servers: ['10.0.0.1'] },
    ],
  );
  assert.deepEqual(parseConnections('0 0 10.0.0.2:41000 10.0.0.1:443 users:(("node",pid=7,fd=21))\nnonsense\n'), [
    { local: { address: '10.0.0.2', port: 41000 }, peer: { address: '10.0.0.1', port: 443 }, pids: [7] },
  ]);
});

test('when resolvectl says what names a link is asked for, only names are taken', () => {
  assert.deepEqual(parseDomains('Link 2 (eth0): corp.example ~. ~b.example --x {}\n'), [
    'corp.example',
    '~.',
    '~b.example',
  ]);
  for (const text of ['', 'Link 2 (eth0):\n', 'Global: a.example\n']) assert.deepEqual(parseDomains(text), []);
});

test('when the keepers of the clock say that they heard a server, and only then, it counts', () => {
  const heard = 'ServerAddress=10.0.0.1\nSystemNTPServers=10.0.0.1\nNTPMessage={ Leap=0, Ignored=no, PacketCount=3 }\n';
  assert.deepEqual(parseTimesync(heard), { heard: true, source: '10.0.0.1', servers: ['10.0.0.1'] });
  assert.equal(parseTimesync(heard.replace('Ignored=no', 'Ignored=yes')).heard, false);
  assert.equal(parseTimesync('ServerAddress=\nFallbackNTPServers=a.example; b\n').heard, false);
  const tracking = 'C0000201,192.0.2.1,2,1700000000.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,64.0,Normal\n';
  assert.equal(parseTracking(tracking).source, '192.0.2.1');
  assert.equal(parseTracking(tracking.replace('Normal', 'Not synchronised')).heard, false);
  assert.equal(parseTracking('506 Cannot talk to daemon\n').heard, false);
  assert.deepEqual(parseTimesyncConfig('NTP=a\nNTP=\nNTP=b --x\nFallbackNTP=c\n'), ['b']);
  assert.deepEqual(parseTimesyncConfig('#NTP=\n#FallbackNTP=0.pool 1.pool\n'), ['0.pool', '1.pool']);
});

test("T16: when a process calls itself like a piece of what ss prints, no other process is taken for its socket's holder", () => {
  const line = (name: string) => `0 0 10.0.0.2:41000 203.0.113.9:443 users:(("${name}",pid=4242,fd=5))`;
  for (const name of ['x,pid=813,', 'a",pid=813', '",pid=813,fd=3', '",pid=813,fd=3)', 'a"),("', '\\'])
    assert.deepEqual(holdersIn(line(name)), [{ name, pid: 4242 }], name);
  const [connection] = parseConnections(line('x,pid=813,'));
  assert.deepEqual(connection?.pids, [4242]);
  const two = 'tcp LISTEN 0 5 0.0.0.0:80 0.0.0.0:* users:(("a b",pid=12,fd=6),("a b",pid=11,fd=6),("a b",pid=11,fd=7))';
  assert.deepEqual(holdersIn(two), [
    { name: 'a b', pid: 12 },
    { name: 'a b', pid: 11 },
  ]);
  assert.deepEqual(holdersIn('tcp LISTEN 0 5 0.0.0.0:80 0.0.0.0:*'), []);
});
