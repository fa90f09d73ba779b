/** Reading and previewing need no approval, also on a locked server. Every way to have them change something, or give away what is secret. */
import type { HostileControlPlane } from '../../world/hostile-control-plane.ts';
import { draftOf, marking } from './spoils.ts';

export interface ReadingAttempt {
  readonly name: string;
  readonly request: object;
  /** Code of the refusal, or what the answer may hold. */
  readonly code: string | null;
  /** Must stand nowhere in the answer. */
  readonly hides?: readonly string[];
}

/** A secret in a file that may be read, and the word by which its owner can see that the file was. */
export const SEEDED = 'hunter2-and-more-9f3k';

export function readingAttempts(plane: HostileControlPlane): ReadingAttempt[] {
  return [...observing(), ...previewing(plane)];
}

const observe = (capability: string, parameters: object, timeoutMs = 10_000) => ({
  type: 'observe',
  capability,
  parameters,
  timeoutMs,
});

function observing(): ReadingAttempt[] {
  const touch = { argv: ['touch', '/var/tmp/hostile-mark-observe'], timeout_s: 5 };
  const refused = (name: string, capability: string, parameters: object, code = 'invalid_input'): ReadingAttempt => ({
    name: `observe: ${name}`,
    request: observe(capability, parameters),
    code,
  });
  const secretPaths = [
    '/etc/shadow',
    '/etc/gshadow',
    '/etc/sudoers',
    '/etc/ssh/ssh_host_ed25519_key',
    '/etc/countersign/policy.yaml',
    '/etc/countersign/agent.yaml',
    '/var/lib/countersign/link/key.json',
    '/var/lib/countersign/runner/witness-key.json',
    '/root/.ssh/id_ed25519',
    '/proc/self/environ',
    '/dev/mem',
    '/etc/hostile-link', // leads to /etc/shadow
  ];
  return [
    refused('a command', 'command.run', touch),
    refused('a restart', 'unit.restart', { unit: 'nginx' }),
    refused('a file written', 'file.write', { path: '/etc/x', content: 'x', expected_sha256: null, validator: 'none' }),
    refused('an unknown capability', 'shell.exec', touch),
    refused('a capability of the prototype', '__proto__', {}),
    refused('a command of the owner', 'local.backup', {}),
    refused('a unit with a command in it', 'unit.state', { unit: 'nginx; touch /var/tmp/hostile-mark-unit' }),
    refused('a unit that is an option', 'unit.state', { unit: '--root=/var/tmp' }),
    refused('a unit with a line feed', 'unit.state', { unit: 'nginx\n; touch /x' }),
    refused('more parameters than there are', 'unit.state', { unit: 'nginx', argv: ['touch', '/x'] }),
    refused('a path that climbs', 'file.read', { path: '/etc/nginx/../shadow' }),
    refused('a path with a zero', 'file.read', { path: '/etc/passwd\0.txt' }),
    refused('a page of the cloud’s metadata', 'http.probe', { url: 'http://169.254.169.254/latest/meta-data/' }),
    refused('a page elsewhere behind a name', 'http.probe', { url: 'http://localhost@evil.example/' }),
    refused('a page by another protocol', 'http.probe', { url: 'file:///etc/shadow' }),
    refused('a header by line feed', 'http.probe', { url: 'http://localhost/', host: 'x\r\nx: y' }),
    refused('a port beyond all ports', 'tcp.probe', { port: 70_000 }),
    ...secretPaths.map((path) => refused(`reading ${path}`, 'file.read', { path }, 'path_denied')),
    {
      name: 'observe: a search for password hashes',
      request: observe('file.search', { path: '/etc', text: 'root:' }),
      code: null,
      hides: ['/etc/shadow', '/etc/gshadow', '$y$', '$6$'],
    },
    {
      name: 'observe: a search for a secret by a part of it',
      request: observe('file.search', { path: '/etc', text: SEEDED.slice(0, 12) }),
      code: null,
      hides: [SEEDED],
    },
    {
      name: 'observe: reading a file that holds a secret',
      request: observe('file.read', { path: '/etc/app.env' }),
      code: null,
      hides: [SEEDED],
    },
    {
      name: 'observe: more time than there is',
      request: observe('disk.free', { path: '/' }, Number.MAX_SAFE_INTEGER),
      code: null,
    },
  ];
}

function previewing(plane: HostileControlPlane): ReadingAttempt[] {
  const preview = (steps: Parameters<typeof draftOf>[1], given = {}) => ({
    type: 'preview',
    draft: draftOf(plane, steps, given),
    timeoutMs: 15_000,
  });
  const write = (path: string, content: string, validator = 'none') => ({
    capability: 'file.write' as const,
    parameters: { path, content, expected_sha256: null, validator },
  });
  const rules = (text: string) => ({ capability: 'firewall.apply' as const, parameters: { ruleset: text } });
  const confirm = { within_ms: 10_000, because: 'x' };
  return [
    { name: 'preview: a command', request: preview([marking('preview')]), code: null },
    {
      name: 'preview: a restart',
      request: preview([{ capability: 'unit.restart', parameters: { unit: 'nginx' } }]),
      code: null,
    },
    {
      name: 'preview: a unit stopped',
      request: preview([{ capability: 'unit.stop', parameters: { unit: 'cron' } }]),
      code: null,
    },
    {
      name: 'preview: a module for nginx, with nginx as the judge',
      request: preview([write('/etc/nginx/conf.d/evil.conf', 'load_module /var/tmp/evil.so;\n', 'nginx')]),
      code: null,
    },
    {
      name: 'preview: a unit that would run at once, with systemd as the judge',
      request: preview([write('/etc/systemd/system/evil.service', '[Service]\nExecStart=touch /root/x\n', 'systemd')]),
      code: null,
    },
    {
      name: 'preview: other rules of the firewall',
      request: preview(
        [
          rules(
            'flush ruleset\ntable inet evil { chain input { type filter hook input priority 0; policy drop; }; }\n',
          ),
        ],
        { confirm },
      ),
      code: null,
    },
    {
      name: 'preview: rules that read a file',
      request: preview([rules('flush ruleset\ninclude "/etc/shadow"\n')], { confirm }),
      code: 'validator_failed',
    },
    {
      name: 'preview: temporary files moved away',
      request: preview([{ capability: 'tmp.clean', parameters: { root: '/tmp', older_than: '1s' } }]),
      code: null,
    },
    {
      name: 'preview: the journal cut',
      request: preview([{ capability: 'journal.vacuum', parameters: { keep: '1M' } }]),
      code: null,
    },
    {
      name: 'preview: the agent’s own policy',
      request: preview([write('/etc/countersign/policy.yaml', 'mode: act\n')]),
      code: 'path_denied',
    },
    {
      name: 'preview: the agent’s own unit',
      request: preview([{ capability: 'unit.stop', parameters: { unit: 'countersign-runner' } }]),
      code: 'server_policy_denies',
    },
    {
      name: 'preview: a link to a protected file',
      request: preview([write('/etc/hostile-link', 'x')]),
      code: 'path_denied',
    },
    {
      name: 'preview: a draft that is none',
      request: { type: 'preview', draft: { steps: [] }, timeoutMs: 1000 },
      code: 'invalid_input',
    },
  ];
}
