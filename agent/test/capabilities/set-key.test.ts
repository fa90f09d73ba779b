import assert from 'node:assert/strict';
import { test } from 'node:test';
import { locateLine } from '@countersign/agent/capabilities/files/config-edit/nginx';
import { setKey } from '@countersign/agent/capabilities/files/config-edit/set-key';
import { cpuMs } from '../../../test/world/cpu-ms.ts';

const NGINX = `user www-data;
# keep me
events { worker_connections 768; }
http {
    gzip on; # and me
    server {
        listen 80 default_server;
        listen [::]:80 default_server;
        root "/var/www/a b";
        location / { try_files $uri $uri/ =404; }
        location ~ \\.php$ {
            fastcgi_pass unix:/run/php.sock;
        }
    }
    server { listen 8080; return 200 'a;b{c}'; }
}
`;
const set = (
  format: 'nginx' | 'ini' | 'env' | 'json' | 'yaml',
  text: string,
  key: string,
  value: string,
  section?: string,
) => setKey(format, text, { key, value, section }).text;

test('when an nginx directive is set, only its arguments change', () => {
  assert.equal(set('nginx', NGINX, 'worker_connections', '1024', 'events'), NGINX.replace('768', '1024'));
  assert.equal(set('nginx', NGINX, 'gzip', 'off', 'http'), NGINX.replace('gzip on', 'gzip off'));
  assert.equal(set('nginx', NGINX, 'listen', '8081', 'http.server[2]'), NGINX.replace('listen 8080', 'listen 8081'));
  assert.equal(
    set('nginx', NGINX, 'listen:2', '[::]:81', 'http.server[1]'),
    NGINX.replace('[::]:80 default_server', '[::]:81'),
  );
  assert.equal(
    set('nginx', NGINX, 'fastcgi_pass', '127.0.0.1:9000', 'http.server[1].location[~ \\.php$]'),
    NGINX.replace('unix:/run/php.sock', '127.0.0.1:9000'),
  );
  assert.equal(
    setKey('nginx', NGINX, { key: 'root', value: '/srv', section: 'http.server[1]' }).before,
    '"/var/www/a b"',
  );
});

test('when an nginx directive is new, it is added at the end of its block', () => {
  assert.equal(
    set('nginx', NGINX, 'fastcgi_index', 'index.php', 'http.server[1].location[~ \\.php$]'),
    NGINX.replace('php.sock;\n', 'php.sock;\n            fastcgi_index index.php;\n'),
  );
  assert.equal(set('nginx', NGINX, 'pid', '/run/n.pid'), `${NGINX}pid /run/n.pid;\n`);
  assert.match(set('nginx', NGINX, 'multi_accept', 'on', 'events'), /768; \nmulti_accept on;\n\}|multi_accept on;/);
});

test('when it is not plain which nginx directive is meant, the lines are named and nothing is changed', () => {
  assert.throws(() => set('nginx', NGINX, 'listen', '81', 'http.server[1]'), /lines 7, 8.*listen:1/);
  assert.throws(() => set('nginx', NGINX, 'listen', '81', 'http.server'), /2 blocks server.*server\[1\] on line 6/);
  assert.throws(() => set('nginx', NGINX, 'listen', '81', 'http.sever'), /no block sever/);
  assert.throws(() => set('nginx', NGINX, 'server', 'x', 'http'), /stands on lines|is a block/);
  assert.throws(() => set('nginx', 'events {\n', 'a', 'b'), /line 1 .*not closed/);
});

test('when an nginx value would end its directive or begin another, it is refused', () => {
  for (const value of ['80; include /etc/shadow', '80;', '80 { }', '}', '80 # x', '"open', "a'b'c; d"])
    assert.throws(() => set('nginx', NGINX, 'gzip', value, 'http'), { code: 'invalid_input' }, value);
  assert.equal(
    set('nginx', NGINX, 'return', "200 'x; y {'", 'http.server[2]'),
    NGINX.replace("200 'a;b{c}'", "200 'x; y {'"),
  );
});

test('when a line of an nginx file is located, setting its key by the path found changes that line', () => {
  for (const line of [1, 3, 5, 7, 8, 10, 12, 15]) {
    const found = locateLine(NGINX, line);
    assert.ok(found, `line ${line}`);
    if (found.directive.block !== null) continue;
    const changed = setKey('nginx', NGINX, { key: found.key, value: 'changed', section: found.section }).text;
    const differs = changed
      .split('\n')
      .flatMap((text, index) => (text === NGINX.split('\n')[index] ? [] : [index + 1]));
    assert.deepEqual(differs, [line]);
  }
});

test('when an ini key is set, comments, blanks and other sections stay', () => {
  const ini = '; top\nglobal=1\n\n[mysqld]\n# note\nmax_connections = 100   # busy\nport=3306\n\n[client]\nport = 1\n';
  assert.equal(set('ini', ini, 'max_connections', '300', 'mysqld'), ini.replace('= 100 ', '= 300 '));
  assert.equal(set('ini', ini, 'port', '3307', 'mysqld'), ini.replace('port=3306', 'port=3307'));
  assert.equal(set('ini', ini, 'global', '2'), ini.replace('global=1', 'global=2'));
  assert.equal(set('ini', ini, 'new', 'x y', 'mysqld'), ini.replace('port=3306\n', 'port=3306\nnew = x y\n'));
  assert.equal(set('ini', ini, 'a', 'b', 'fresh'), `${ini}\n[fresh]\na = b\n`);
  assert.throws(() => set('ini', '[s]\na=1\na=2\n', 'a', '3', 's'), /lines 2, 3/);
  assert.throws(() => set('ini', '[s]\na=x y ; z\n', 'a', '3', 's'), /may be a comment/);
  assert.throws(() => set('ini', '[s]\na=x \\\n y\n', 'a', '3', 's'), /goes on/);
});

test('when an environment variable is set, its quotes are kept and odd values are quoted', () => {
  const env = '# app\nexport PORT=80\nNAME="old one"\nRAW=\'a\'\n';
  assert.equal(set('env', env, 'PORT', '8080'), env.replace('=80', '=8080'));
  assert.equal(set('env', env, 'NAME', 'new'), env.replace('old one', 'new'));
  assert.equal(set('env', env, 'NAME', '$(rm -rf /)'), env.replace('"old one"', "'$(rm -rf /)'"));
  assert.equal(set('env', env, 'RAW', "it's $5"), env.replace("'a'", '"it\'s \\$5"'));
  assert.equal(set('env', env, 'NEW', ''), `${env}export NEW=\n`);
  assert.throws(() => set('env', env, 'A-B', 'x'), /not the name/);
  assert.throws(() => set('env', 'A=1 # x\n', 'A', '2'), /may be a comment/);
});

test('when a JSON value is set, its type is kept and nothing else moves', () => {
  const json = '{\n  "a": { "pool": 10, "on": true },\n  "list": [ {"x": "1"} ],\n  "empty": {}\n}\n';
  assert.equal(set('json', json, 'pool', '20', 'a'), json.replace('10', '20'));
  assert.equal(set('json', json, 'x', '2', 'list.0'), json.replace('"1"', '"2"'));
  assert.equal(set('json', json, 'new', 'text', 'a'), json.replace('true }', 'true, "new": "text" }'));
  assert.equal(set('json', json, 'top', '5'), json.replace('{}\n}', '{},\n  "top": 5\n}'));
  assert.equal(set('json', json, 'k', 'v', 'empty'), json.replace('{}', '{"k": "v"}'));
  assert.throws(() => set('json', json, 'pool', 'ten', 'a'), /is a number now/);
  assert.throws(() => set('json', json, 'list', '1'), /no single value/);
  assert.throws(() => set('json', '{"a": 1,}', 'a', '2'), /not JSON/);
});

test('when a YAML value is set, comments, quotes and order stay', () => {
  const yaml =
    "# top\nserver:\n  port: 80 # web\n  name: 'old'\n  tags: [a, b]\nlist:\n  - id: 1\n    v: x\nlast: yes\n";
  assert.equal(set('yaml', yaml, 'port', '8080', 'server'), yaml.replace('port: 80 ', 'port: 8080 '));
  assert.equal(set('yaml', yaml, 'name', "it's", 'server'), yaml.replace("'old'", "'it''s'"));
  assert.equal(set('yaml', yaml, 'v', 'a: b', 'list.0'), yaml.replace('v: x', 'v: "a: b"'));
  assert.equal(set('yaml', yaml, 'timeout', '30', 'server'), yaml.replace('[a, b]\n', '[a, b]\n  timeout: 30\n'));
  assert.equal(set('yaml', yaml, 'w', 'y', 'list.0'), yaml.replace('v: x\n', 'v: x\n    w: y\n'));
  assert.equal(set('yaml', yaml, 'more', 'true'), `${yaml}more: true\n`);
  assert.equal(set('yaml', 'a: 1', 'b', '2'), 'a: 1\nb: 2\n');
  assert.throws(() => set('yaml', yaml, 'server', 'x'), /no single value/);
  assert.throws(() => set('yaml', yaml, 'x', 'y', 'nowhere'), /there is no nowhere/);
});

test('when values are generated, a set file reads back as that value and as nothing else', () => {
  const values = [
    'a b',
    '"',
    "'",
    '#x',
    'a # b',
    ': ',
    '- x',
    '{a}',
    '[b',
    '*c',
    '&d',
    '!e',
    '%f',
    '@g',
    '`h',
    'true',
    '012',
    '~',
    '\\',
    '\u00e4',
    'a\tb',
    '$x',
    '|',
    '>',
  ];
  for (const value of values) {
    assert.equal(JSON.parse(set('json', '{"a":"b","c":1}', 'a', value)).a, value);
    const yaml = set('yaml', 'a: "b" # c\nd: 1\n', 'a', value);
    assert.match(yaml, / # c\nd: 1\n$/);
    assert.equal(setKey('yaml', yaml, { key: 'd', value: '2' }).before, '1');
  }
});

test('T13: when a file was made to take for ever, its key is set within seconds', () => {
  const blanks = ' '.repeat(200_000);
  const from = cpuMs();
  const hostile = `a${blanks}b\nc = x${blanks}y\nkey = 1\n`;
  assert.equal(
    setKey('ini', hostile, { section: undefined, key: 'key', value: '2' }).text,
    hostile.replace('key = 1', 'key = 2'),
  );
  const empty = `${'\n'.repeat(200_000)}x = 1\n`;
  assert.equal(setKey('ini', empty, { section: 's', key: 'k', value: 'v' }).text, `${empty}\n[s]\nk = v\n`);
  assert.ok(cpuMs() - from < 3000, `${Math.round(cpuMs() - from)} ms`);
});

test('T13: when a YAML file unfolds without end, it is said to be none that can be changed', () => {
  const levels = Array.from({ length: 9 }, (_, n) => `l${n + 1}: &l${n + 1} [${Array(9).fill(`*l${n}`).join(', ')}]`);
  const bomb = `l0: &l0 x\n${levels.join('\n')}\nport: 1\n`;
  assert.throws(() => setKey('yaml', bomb, { section: undefined, key: 'port', value: '2' }), { code: 'invalid_input' });
});
