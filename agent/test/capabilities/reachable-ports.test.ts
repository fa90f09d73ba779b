/** What is told of firewall rules before they are loaded. The JSON is what nft 1.0.6 printed of the rules in the comments. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyNotWhole } from '../../src/capabilities/firewall/nft.ts';
import { parseRules, type Reach, reachOf } from '../../src/capabilities/firewall/reachable-ports.ts';

const chain = (name: string, more: object = {}) => ({
  chain: { family: 'inet', table: 'filter', name, handle: 1, ...more },
});
const base = (policy: string, more: object = {}) =>
  chain('input', { type: 'filter', hook: 'input', prio: 0, policy, ...more });
const rule = (expr: object[], of = 'input') => ({
  rule: { family: 'inet', table: 'filter', chain: of, handle: 2, expr },
});
const match = (left: object, right: unknown, op = '==') => ({ match: { op, left, right } });
const dport = (right: unknown, op = '==') => match({ payload: { protocol: 'tcp', field: 'dport' } }, right, op);
const saddr = match({ payload: { protocol: 'ip', field: 'saddr' } }, '@admins');
const accept = { accept: null };
const drop = { drop: null };

const established = rule([match({ ct: { key: 'state' } }, ['established', 'related'], 'in'), accept]);
const loopback = rule([match({ meta: { key: 'iif' } }, 'lo'), accept]);

function reaches(entries: object[], ports: number[]): Reach[] {
  const rules = parseRules(JSON.stringify({ nftables: [{ metainfo: { json_schema_version: 1 } }, ...entries] }));
  assert.ok(rules);
  return ports.map((port) => reachOf(rules, port));
}

test('when the policy drops, only ports that a rule accepts are open, in sets, ranges and called chains', () => {
  const entries = [
    base('drop'),
    chain('more'),
    established,
    loopback,
    rule([dport({ set: [22, 80, { range: [440, 450] }] }), accept]),
    rule([dport({ range: [8000, 8010] }), { counter: { packets: 0, bytes: 0 } }, accept]),
    rule([saddr, dport(5432), accept]),
    rule([{ jump: { target: 'more' } }]),
    rule([dport(9000), { log: { prefix: 'x' } }, drop], 'more'),
    rule([dport(9001), accept], 'more'),
  ];
  assert.deepEqual(reaches(entries, [22, 443, 8005, 5432, 9000, 9001, 25]), [
    'open',
    'open',
    'open',
    'some',
    'closed',
    'open',
    'closed',
  ]);
});

test('when the policy accepts, only ports that a rule drops are closed', () => {
  const entries = [base('accept'), rule([dport(3306), { reject: { type: 'icmpx' } }]), rule([dport(22, '!='), drop])];
  assert.deepEqual(reaches(entries, [22, 3306, 80]), ['open', 'closed', 'closed']);
});

test('when there is no chain for what comes in, everything is open; chains for other protocols do not count', () => {
  assert.deepEqual(reaches([], [22]), ['open']);
  assert.deepEqual(reaches([base('drop', { family: 'ip6' })], [22]), ['open']);
  assert.deepEqual(reaches([base('drop', { hook: 'output' })], [22]), ['open']);
});

test('when two chains see what comes in, one that drops is enough', () => {
  const second = {
    chain: { family: 'ip', table: 'own', name: 'input', hook: 'input', type: 'filter', prio: 10, policy: 'drop' },
  };
  assert.deepEqual(reaches([base('accept'), second], [22]), ['closed']);
});

test('when chains call each other for ever, it ends', () => {
  const entries = [base('drop'), rule([{ jump: { target: 'input' } }])];
  assert.deepEqual(reaches(entries, [22]), ['closed']);
});

test('when nft prints something else, nothing is told', () => {
  for (const text of ['', 'not json', '[]', '{"nftables": 3}']) assert.equal(parseRules(text), null);
});

test('T15: when rules include a file, whatever they hide it behind, they are refused', () => {
  assert.equal(whyNotWhole('#!/usr/sbin/nft -f\n\nflush ruleset\ntable inet a { }\n'), null);
  const hidden = [
    'flush ruleset\ninclude "/etc/shadow"\n',
    'flush ruleset; include "/etc/shadow"',
    'flush ruleset\ntable inet a { comment "\n# "\n include "/etc/shadow"\n}',
    'flush ruleset\n# include "/etc/nftables.d/*"\n',
  ];
  for (const text of hidden) assert.match(whyNotWhole(text) ?? '', /the word include/, text);
});

test('when rules do not stand for the whole ruleset, they are refused', () => {
  for (const text of ['table inet a { }\n', '# flush ruleset\ntable inet a { }', 'flush table inet a\n', ''])
    assert.match(whyNotWhole(text) ?? '', /has to begin with `flush ruleset`/, text);
});
