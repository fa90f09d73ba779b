import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capability } from '../src/index.ts';

/** The only addresses that anybody but the owner of the control plane can have us request: `http.probe`, of the server itself. */
const takes = (url: string) => capability('http.probe').parameters.safeParse({ url }).success;

const metadata = ['169.254.169.254', '[fd00:ec2::254]', 'metadata.google.internal', '100.100.100.200', '192.0.0.192'];
const inside = ['10.0.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1', '198.18.0.1', '[fc00::1]', '[fe80::1]'];
const anywhere = [
  '0.0.0.0',
  '0',
  '[::]',
  '255.255.255.255',
  '224.0.0.1',
  'evil.example',
  '93.184.216.34',
  '[2606:2800::1]',
];
/** Other ways to write an address of the network, the cloud's metadata service above all. */
const written = [
  ...['2852039166', '0xA9FEA9FE', '0251.0376.0251.0376', '0xa9.0xfe.0xa9.0xfe', '169.16689662', '169.254.43518'],
  ...[
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[::169.254.169.254]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:a9fe:a9fe::]',
  ],
  ...[
    '169.254.169.254.nip.io',
    '169-254-169-254.nip.io',
    'localtest.me',
    '127.0.0.1.nip.io',
    'spoofed.burpcollaborator.net',
  ],
  ...['①⑥⑨.②⑤④.①⑥⑨.②⑤④', '169。254。169。254', 'ⓛocalhost.evil.example', 'loc%61lhost.evil.example'],
];
/** Ways to make a reader see localhost where a client sees another host. */
const disguised = [
  ...['http://localhost@evil.example/', 'http://127.0.0.1@evil.example/', 'http://localhost:80@evil.example/'],
  ...['http://localhost:pass@evil.example:80/', 'http://evil.example#@localhost/', 'http://evil.example?@localhost/'],
  ...['http://evil.example\\@localhost/', 'http://localhost\\@evil.example/', 'http://localhost\\.evil.example/'],
  ...['http://localhost.evil.example/', 'http://127.0.0.1.evil.example/', 'http://localhost%2eevil.example/'],
  ...[
    'http://localhost%00.evil.example/',
    'http://localhost%0d%0aHost:%20evil.example/',
    'http://localhost%23.evil.example/',
  ],
  ...[
    'http://localhost\t.evil.example/',
    'http://localhost\n@evil.example/',
    'http://localhost /',
    'http:// localhost/',
  ],
  ...['http:///evil.example/', 'http:/evil.example', 'http:evil.example', '//evil.example/', 'http:\\\\evil.example\\'],
  ...['http://localhost:99999/', 'http://localhost:-1/', 'http://localhost:80:80/', 'http://[::1]evil.example/'],
  ...['http://[::1%25eth0]/', 'http://[::1].evil.example/', 'http://[::ffff:7f00:1]/', 'http://[::127.0.0.1]/'],
  ...[
    'http://127.1/',
    'http://127.0.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://017700000001/',
    'http://0177.0.0.1/',
  ],
  ...[
    'http://0x7f.0.0.1/',
    'http://127.0.0.1./',
    'http://localhost./',
    'http://LOCALHOST.evil.example/',
    'http://①②⑦.⓪.⓪.①/',
  ],
  ...['http://127.0.0.256/', 'http://127.0.0.1.1/', 'http://128.0.0.1/', 'http://127.0.0.0x1/', 'http://1.0.0.127/'],
];
/** Schemes that reach files, mail servers or databases. */
const schemes = [
  ...[
    'file:///etc/shadow',
    'file://localhost/etc/shadow',
    'gopher://localhost:6379/_flushall',
    'dict://localhost:11211/stat',
  ],
  ...[
    'ftp://localhost/',
    'ldap://localhost/',
    'tftp://localhost/x',
    'sftp://localhost/',
    'smb://localhost/c$',
    'jar:http://localhost!/',
  ],
  ...[
    'data:text/plain,x',
    'javascript:alert(1)',
    'ws://localhost/',
    'wss://localhost/',
    'unix:///run/docker.sock',
    'netdoc:///etc/passwd',
  ],
  ...[
    'http+unix://%2Frun%2Fdocker.sock/',
    'redis://localhost:6379/',
    'view-source:http://localhost/',
    'HTTPX://localhost/',
  ],
];
const tricks = [
  ...[...metadata, ...inside, ...anywhere, ...written].flatMap((host) => [
    `http://${host}/`,
    `https://${host}:443/latest/meta-data/`,
  ]),
  ...disguised,
  ...schemes,
];

test('T17: of 120 and more addresses that lead elsewhere, or look as if they did not, none is requested', () => {
  assert.ok(new Set(tricks).size >= 120, `${new Set(tricks).size} tricks`);
  assert.deepEqual(tricks.filter(takes), []);
});

test('T17: when an address is taken, every reader of addresses finds the server itself in it', () => {
  const own = [
    'http://localhost/',
    'https://localhost:8443/health?deep=1#x',
    'http://127.0.0.1:80/',
    'http://127.0.0.53/x',
    'http://[::1]:3000/',
  ];
  for (const url of own) {
    assert.equal(takes(url), true, url);
    assert.match(new URL(url).hostname, /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/, url);
  }
});
