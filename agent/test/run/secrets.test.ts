/** T14: secrets by reference. The value is put in at the moment of the step, and neither kept, shown nor told anywhere. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Json } from '@countersign/protocol';
import { changers } from '../../src/capabilities/index.ts';
import { judgePlan } from '../../src/run/judge-plan.ts';
import { parsePolicy } from '../../src/run/local-policy.ts';
import { type Bed, draftOf, grantOf, makeBed, planOf, Watched } from './bed.ts';

const VALUE = 'correct"horse$battery-9';
const PEM = [
  '-----BEGIN CERTIFICATE-----',
  'MIIBszCCAVmgAwIBAgIUQ2',
  'x9Zk3vTq8LmPw',
  '-----END CERTIFICATE-----',
].join('\n');

function bedWithSecrets(): Bed {
  const bed = makeBed();
  mkdirSync(join(bed.folder, 'etc'));
  writeFileSync(join(bed.folder, 'etc/shop.env'), `USER=shop\nDB_PASSWORD='${VALUE}'\nSHORT=abc\n`, { mode: 0o600 });
  writeFileSync(join(bed.folder, 'etc/cert.pem'), `${PEM}\n`, { mode: 0o600 });
  writeFileSync(join(bed.folder, 'shop.conf'), 'user=shop\nDB_URL=old\n');
  return bed;
}

const policyText = (bed: Bed) => `mode: act
max_risk: critical
commands: true
write_roots: [${bed.folder}]
secrets:
  db_password: { file: ${bed.folder}/etc/shop.env, key: DB_PASSWORD }
  short: { file: ${bed.folder}/etc/shop.env, key: SHORT }
  missing: { file: ${bed.folder}/etc/none }
  cert: { file: ${bed.folder}/etc/cert.pem }
`;

function portsOf(bed: Bed) {
  return { ...bed.ports, changers, policy: () => parsePolicy(policyText(bed), 'policy.yaml') };
}

const step = (capability: string, parameters: Record<string, Json>) =>
  draftOf([{ id: 'one', capability, parameters, timeout_ms: 20_000 } as never], { risk: 'high' });

/** Runs a plan to its end; returns its result and everything that left the runner or was written in its folder. */
async function carriedOut(bed: Bed, draft: ReturnType<typeof step>) {
  const ports = portsOf(bed);
  const grant = grantOf(bed, await planOf({ ...bed, ports }, draft));
  await using watched = new Watched(bed, ports);
  watched.runner.accept(grant, 0);
  const ending = await watched.ending(grant.grant.actionId);
  if (ending.kind !== 'finished') throw new Error(JSON.stringify(ending));
  const told = JSON.stringify([watched.told, grant, bed.logged]);
  return {
    result: ending.result,
    output: watched.output(grant.grant.actionId),
    told,
    kept: filesBelow(bed.ports.stateDir),
  };
}

function filesBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && !path.includes('/backups/'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
}

const refused = (bed: Bed, draft: ReturnType<typeof step>) => judgePlan(portsOf(bed).policy(), draft);
const previewed = (bed: Bed, draft: ReturnType<typeof step>) => planOf({ ...bed, ports: portsOf(bed) }, draft);

test('T14: when a file is written with a reference, the file has the value, and everything else the reference', async () => {
  using bed = bedWithSecrets();
  const path = join(bed.folder, 'new.env');
  const content = 'user=shop\nDB_PASSWORD={{secret:db_password}}\n';
  const draft = step('file.write', { path, content, expected_sha256: null });
  const { preview } = await previewed(bed, draft);
  assert.match(preview.steps[0]?.diff ?? '', /^\+DB_PASSWORD=\{\{secret:db_password\}\}$/m);
  assert.match(preview.steps[0]?.effects[0] ?? '', /the value of secret db_password/);
  const { result, told, kept } = await carriedOut(bed, draft);
  assert.equal(result.outcome, 'succeeded', result.summary);
  assert.equal(readFileSync(path, 'utf8'), `user=shop\nDB_PASSWORD=${VALUE}\n`);
  for (const text of [told, kept, JSON.stringify(preview)]) assert.ok(!text.includes('horse$battery'), text);
});

test('T14: when a key is set to a reference, the diff shows it and the file has the value', async () => {
  using bed = bedWithSecrets();
  const path = join(bed.folder, 'shop.conf');
  const draft = step('config.set_key', {
    path,
    format: 'env',
    key: 'DB_URL',
    value: 'postgres://shop:{{secret:db_password}}@db/shop',
  });
  const { preview } = await previewed(bed, draft);
  assert.match(preview.steps[0]?.diff ?? '', /secret:db_password|\[redacted\]/);
  const { result, told, kept } = await carriedOut(bed, draft);
  assert.equal(result.outcome, 'succeeded', result.summary);
  assert.match(readFileSync(path, 'utf8'), /horse/);
  for (const text of [told, kept, JSON.stringify(preview)]) assert.ok(!text.includes('battery-9'), text);
  const several = step('config.set_key', { path, format: 'env', key: 'DB_URL', value: '{{secret:cert}}' });
  await assert.rejects(previewed(bed, several), /several lines/);
});

test('T14: when a command is given secrets, it gets them on standard input and in its environment, and what it prints of them is blacked out', async () => {
  using bed = bedWithSecrets();
  const script =
    'read line; echo "in $line"; echo "env $PGPASSWORD"; printf "%s" "$PGPASSWORD" | base64; echo "$CERT"; echo plain';
  const draft = step('command.run', {
    argv: ['sh', '-c', script],
    timeout_s: 60,
    stdin: 'pw {{secret:db_password}}\n',
    environment: { PGPASSWORD: '{{secret:db_password}}', CERT: '{{secret:cert}}', PGUSER: 'shop' },
  });
  const { preview } = await previewed(bed, draft);
  assert.deepEqual(preview.steps[0]?.argv, [['sh', '-c', script]]);
  assert.match(preview.steps[0]?.effects.join('\n') ?? '', /standard input is the value of secret db_password/);
  const { result, output, told, kept } = await carriedOut(bed, draft);
  assert.equal(result.outcome, 'succeeded', result.summary);
  assert.match(output, /^in pw \[redacted\]\nenv \[redacted\]\n/);
  assert.match(output, /plain\n$/);
  for (const text of [told, kept])
    for (const part of ['horse$battery', Buffer.from(VALUE).toString('base64').slice(0, 20), 'x9Zk3vTq8LmPw'])
      assert.ok(!text.includes(part), part);
});

test('T14: when a reference stands in argv, in a path or in a wrong form, the plan is refused', () => {
  using bed = bedWithSecrets();
  const secret = '{{secret:db_password}}';
  const wrong: [string, Record<string, Json>, string][] = [
    ['command.run', { argv: ['mysql', `--password=${secret}`] }, 'argv'],
    ['command.run', { argv: ['true'], cwd: `/srv/${secret}` }, 'cwd'],
    ['command.run', { argv: ['true'], environment: { A: '{{ secret:db_password }}' } }, 'environment'],
    ['command.run', { argv: ['true'], stdin: '{{secret:DB}}' }, 'stdin'],
    ['file.write', { path: join(bed.folder, secret), content: '', expected_sha256: null }, 'path'],
    [
      'config.set_key',
      { path: join(bed.folder, 'a'), format: 'env', key: 'A', value: 'b', section: secret },
      'section',
    ],
  ];
  for (const [capability, parameters, name] of wrong) {
    const fault = refused(bed, step(capability, parameters));
    assert.deepEqual([fault?.code, fault?.slots.parameter], ['secret_parameter', name]);
  }
});

test('when a secret is not named here, or has no value, or one too short to be blacked out, that is said at preview', async () => {
  using bed = bedWithSecrets();
  const write = (name: string) =>
    step('file.write', { path: join(bed.folder, 'n'), content: `{{secret:${name}}}`, expected_sha256: null });
  assert.equal(refused(bed, write('nobody_named_it'))?.code, 'secret_unknown');
  assert.equal(refused(bed, write('constructor'))?.code, 'secret_unknown');
  assert.equal(refused(bed, write('db_password')), null);
  await assert.rejects(previewed(bed, write('missing')), /secret missing has no value/);
  await assert.rejects(previewed(bed, write('short')), /secret short has fewer than 6 characters/);
});

test('T16: when only named commands may run, none may be given input or variables', () => {
  const policy = parsePolicy(
    `mode: act\nmax_risk: critical\ncommands: [{name: ok, argv: [/bin/true]}]\n`,
    'policy.yaml',
  );
  const judge = (more: Record<string, Json>) =>
    judgePlan(policy, step('command.run', { argv: ['/bin/true'], ...more }))?.code;
  assert.equal(judge({}), undefined);
  assert.equal(judge({ environment: { LD_PRELOAD: '/tmp/x.so' } }), 'server_policy_denies');
  assert.equal(judge({ stdin: 'x' }), 'server_policy_denies');
});

test('T14: when a validator refuses a text with a secret in it, its complaint quotes nothing of it', async () => {
  using bed = bedWithSecrets();
  for (const [validator, content] of [
    ['json', '{"a": {{secret:db_password}}}'],
    ['yaml', 'a: [{{secret:db_password}}'],
  ] as const) {
    const path = join(bed.folder, `new.${validator}`);
    const draft = step('file.write', { path, content, expected_sha256: null, validator });
    await assert.rejects(previewed(bed, draft), (error: Error) => {
      assert.ok(!JSON.stringify([error.message, Object.entries(error)]).includes(VALUE.slice(0, 4)), error.message);
      return /with its secrets put in, it is not valid/.test(error.message);
    });
  }
});
