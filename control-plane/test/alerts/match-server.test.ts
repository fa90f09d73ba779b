import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchServer } from '../../src/alerts/match-server.ts';

const servers = [
  { id: 'srv_000000000001', name: 'web-1', hostname: 'web-1.example.org' },
  { id: 'srv_000000000002', name: 'db', hostname: 'ip-10-0-0-7' },
  { id: 'srv_000000000003', name: 'cache', hostname: 'node.fra' },
  { id: 'srv_000000000004', name: 'queue', hostname: 'node.ams' },
  { id: 'srv_000000000005', name: 'fresh', hostname: null },
];

const cases: readonly [Record<string, string>, string | null][] = [
  [{ server: 'srv_000000000002' }, 'srv_000000000002'],
  [{ server: 'web-1' }, 'srv_000000000001'],
  [{ instance: 'web-1:9100' }, 'srv_000000000001'],
  [{ instance: 'WEB-1.example.org:9100' }, 'srv_000000000001'],
  [{ instance: 'https://web-1.example.org/healthz' }, 'srv_000000000001'],
  [{ instance: 'web-1.other.net:9100' }, 'srv_000000000001'],
  [{ host: 'ip-10-0-0-7' }, 'srv_000000000002'],
  [{ nodename: 'node.ams' }, 'srv_000000000004'],
  [{ nodename: 'node' }, null],
  [{ instance: '10.0.0.7:9100' }, null],
  [{ instance: '[::1]:9100' }, null],
  [{ instance: 'web' }, null],
  [{ job: 'web-1' }, null],
  [{ instance: 'prometheus:9090', host: 'web-1' }, 'srv_000000000001'],
  [{ host: 'fresh' }, 'srv_000000000005'],
  [{ host: '' }, null],
  [{}, null],
];

for (const [labels, expected] of cases)
  test(`when an alert is labelled ${JSON.stringify(labels)}, ${expected === null ? 'it is about no server' : `it is about ${servers.find(({ id }) => id === expected)?.name}`}`, () => {
    assert.equal(matchServer(labels, servers), expected);
  });
