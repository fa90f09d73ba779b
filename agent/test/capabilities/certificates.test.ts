import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { certificateRenew } from '@countersign/agent/capabilities/certificates/certificate-renew';
import { lineageOf, versionOf } from '@countersign/agent/capabilities/certificates/lineage';
import { tlsCerts } from '@countersign/agent/capabilities/certificates/tls-certs';
import { chainProblem, daysLeft, names, parseChain, parsePem } from '@countersign/agent/capabilities/certificates/x509';
import { execute } from '@countersign/agent/host/exec';
import { capability } from '@countersign/protocol';
import { Place } from './context.ts';

async function openssl(...words: string[]): Promise<string> {
  const done = await execute({ argv: ['openssl', ...words], timeoutMs: 10_000 });
  assert.equal(done.exitCode, 0, done.stderr);
  return done.stdout;
}

/** A root and a certificate for shop.test of it, as PEM. */
async function makePair(place: Place): Promise<{ root: string; leaf: string }> {
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const root = await openssl(
    ...['req', '-x509', ...ec, '-keyout', place.at('ca.key'), '-subj', '/CN=Root', '-days', '30'],
    ...['-addext', 'basicConstraints=critical,CA:TRUE'],
  );
  writeFileSync(place.at('ca.pem'), root);
  const leaf = await openssl(
    ...['req', '-x509', ...ec, '-keyout', place.at('leaf.key'), '-subj', '/CN=other.test', '-days', '5'],
    ...['-addext', 'subjectAltName=DNS:shop.test,DNS:*.shop.test'],
    ...['-CA', place.at('ca.pem'), '-CAkey', place.at('ca.key')],
  );
  return { root, leaf };
}

test('when a chain is judged, what is missing, unknown or signed by itself is told apart', async () => {
  using place = new Place();
  const pair = await makePair(place);
  const [[root], [leaf]] = [parsePem(pair.root), parsePem(pair.leaf)];
  assert.ok(root && leaf);
  assert.equal(chainProblem([leaf], [root]), null);
  assert.equal(chainProblem([leaf, root], [root]), null);
  assert.equal(chainProblem([leaf], []), 'incomplete');
  assert.equal(chainProblem([leaf, root], []), 'untrusted');
  assert.equal(chainProblem([root], []), 'self_signed');
  assert.equal(chainProblem([leaf, leaf], []), 'incomplete');
  assert.equal(chainProblem([], []), 'incomplete');
  assert.equal(daysLeft(leaf, Date.now()), 4);
  assert.equal(names(leaf, 'shop.test'), true);
  assert.equal(names(leaf, 'www.shop.test'), true);
  assert.equal(names(leaf, 'other.test'), false, 'the subject does not count');
});

test('when a file or an answer holds no certificate, it holds none', () => {
  assert.deepEqual(parsePem('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'), []);
  assert.deepEqual(parsePem('hello'), []);
  assert.deepEqual(parseChain(['', 'AAAA', '%%%']), []);
});

test('when a certificate file is asked for by path, its end is told, and no other path is read', async () => {
  using place = new Place();
  const { leaf } = await makePair(place);
  writeFileSync(place.at('shop.pem'), leaf);
  const ask = async (path: string) =>
    (await tlsCerts({ paths: [path], warn_days: 21 }, place.observe())).findings.filter(
      ({ kind }) => kind !== 'tls.renewal_off',
    );
  const found = await ask(place.at('shop.pem'));
  const expiring = found.find(({ kind }) => kind === 'tls.expiring');
  assert.match(expiring?.title ?? '', /ends in 4 days/);
  assert.deepEqual(expiring?.suggestions, [], 'certbot does not keep it');
  assert.ok(found.some(({ kind }) => kind === 'tls.chain_incomplete'));
  for (const path of ['/etc/passwd', '/etc/shadow', '/etc/letsencrypt/live/a/privkey.pem']) {
    const said = await ask(path);
    assert.ok(
      said.some(({ kind, title }) => kind === 'diagnostic.blind_spot' && title.startsWith(path)),
      path,
    );
  }
});

test('T15: when a certificate of certbot is named, only its public files are known, and no name leads elsewhere', async () => {
  assert.equal(lineageOf('/etc/letsencrypt/live/shop.test/fullchain.pem'), 'shop.test');
  assert.equal(lineageOf('/etc/letsencrypt/live/shop.test/privkey.pem'), null);
  assert.equal(lineageOf('/etc/letsencrypt/live/a/b/fullchain.pem'), null);
  const { parameters } = capability('certificate.renew');
  for (const bad of ['../../x', '-a', '.', '..', 'a/b', '', 'a b'])
    assert.equal(parameters.safeParse({ name: bad }).success, false, bad);
  assert.equal(versionOf({ 'cert.pem': '../../archive/shop/cert12.pem' }), 12);
  using place = new Place();
  await assert.rejects(certificateRenew.preview({ name: 'no-such-certificate' }, place.observe()), {
    code: 'precondition_failed',
  });
});
