/** For each rule of the correlation, findings that belong together by it: the one that leads, and its parts. */
import type { Found } from '../../src/diagnostics/things-of.ts';
import { found, minutesAgo } from './found.ts';

const failed = (output: string, since = 4) =>
  found('service.failed', 'shop.service (Shop) has failed: exit-code, status 1.', { since, output });
const logged = (output: string) =>
  found('logs.errors', 'The journal has 12 error lines and 0 warnings.', { severity: 'warning', output });

export const belonging: Readonly<Record<string, { readonly lead: Found; readonly parts: readonly Found[] }>> = {
  killed_for_memory: {
    lead: found(
      'service.crash_loop',
      'shop.service keeps ending with signal KILL and being restarted: 12 times so far.',
      { since: 1 },
    ),
    parts: [
      found('memory.oom_kill', 'shop.service lost 12 processes to the out-of-memory killer in the last 24h.', {
        since: 9,
        output: `${minutesAgo(2)} kernel: Killed process 12 (node)`,
      }),
    ],
  },
  disk_full: {
    lead: found('disk.mount_full', '/var is 100 % full; 0 bytes of 4 GB are free.', { diagnostic: 'disk' }),
    parts: [failed('write: No space left on device')],
  },
  disk_failing: {
    lead: found(
      'storage.read_only',
      '/srv (ext4 on /dev/sdb1) is read-only, and /etc/fstab does not say that it should be.',
    ),
    parts: [found('storage.io_errors', 'The kernel told of 7 I/O errors.', { since: 30 })],
  },
  read_only: {
    lead: found(
      'storage.read_only',
      '/srv (ext4 on /dev/sdb1) is read-only, and /etc/fstab does not say that it should be.',
    ),
    parts: [failed('open /srv/shop/db: Read-only file system')],
  },
  names_not_found: {
    lead: found('dns.all_failing', 'No name server answers: 10.0.0.2 is silent.'),
    parts: [logged('Error: getaddrinfo EAI_AGAIN api.stripe.com')],
  },
  clock_wrong: {
    lead: found('time.off', 'The clock is 4 minutes behind.'),
    parts: [logged('JsonWebTokenError: token used before issued')],
  },
  certificate: {
    lead: found('tls.expired', 'The certificate of shop.example.org ended 2 days ago.'),
    parts: [logged('SSL_do_handshake() failed: certificate has expired')],
  },
  files_used_up: {
    lead: found('fd.near_limit', 'node (process 812 of shop.service) has 1020 files open of 1024 at most (99 %).'),
    parts: [logged('accept: Too many open files')],
  },
  load_of_one: {
    lead: found('load.high', 'The load is 6.2 per core.'),
    parts: [found('cpu.runaway', 'ffmpeg (process 77) used 400 % of a core for 2 s.', { severity: 'warning' })],
  },
  memory_short: {
    lead: found('memory.low', 'Only 40 MB of 2 GB of memory can still be given out.'),
    parts: [found('memory.hog', 'java (process 12) uses most memory: 1.8 GB, 90 % of all.', { severity: 'warning' })],
  },
  slow_disk: {
    lead: found('pressure.io', 'In the last minute tasks waited for io 80 % of the time.', { severity: 'warning' }),
    parts: [
      found('cpu.waiting_for_disk', '6 processes wait for a disk and cannot be interrupted.', { severity: 'warning' }),
    ],
  },
  sessions_held: {
    lead: found(
      'postgres.blocked',
      'Session 812 of shop in orders, idle in a transaction for 20 minutes, keeps 90 sessions waiting for a lock.',
    ),
    parts: [found('postgres.connections', '98 of 100 connections of PostgreSQL are taken (98 %).')],
  },
  sessions_short: {
    lead: found(
      'postgres.full',
      'PostgreSQL on port 5432 has no connection left, not even the ones kept for its superuser.',
    ),
    parts: [logged('FATAL: sorry, too many clients already')],
  },
  database_down: {
    lead: found('postgres.down', 'PostgreSQL does not answer on port 5432: connection refused.'),
    parts: [logged('could not connect to server: Connection refused')],
  },
  redis_refuses: {
    lead: found('redis.memory_full', 'Redis on port 6379 has used 100 % of its memory limit.'),
    parts: [logged("OOM command not allowed when used memory > 'maxmemory'")],
  },
  packages_stuck: {
    lead: found('packages.half_configured', '3 packages are half installed.'),
    parts: [
      found('schedule.job_failed', 'The last run of apt-daily-upgrade.service failed: exit-code, status 100.', {
        severity: 'warning',
        since: 300,
      }),
    ],
  },
  nginx_config: {
    lead: found('nginx.config_invalid', 'nginx refuses its configuration at /etc/nginx/nginx.conf:12.'),
    parts: [found('nginx.not_running', 'nginx does not run: nginx.service has failed.', { since: 3 })],
  },
  behind_nginx_closed: {
    lead: found(
      'nginx.upstream_errors',
      'http://127.0.0.1:3000 refused the connection: 40 requests failed in the last 15 minutes.',
    ),
    parts: [found('network.port_closed', 'Nobody listens on port 3000.')],
  },
  behind_nginx: {
    lead: found(
      'nginx.upstream_errors',
      'http://127.0.0.1:3000 refused the connection: 40 requests failed in the last 15 minutes.',
    ),
    parts: [failed('exiting')],
  },
  since_deploy: {
    lead: found('deploy.recent', 'shop runs release 42, deployed 9 minutes ago, and it is well; before it was 41.', {
      severity: 'info',
      since: 9,
    }),
    parts: [failed('cannot find module')],
  },
  since_boot: {
    lead: found('host.booted', 'The server was booted 9 minutes ago.', { severity: 'info', since: 9 }),
    parts: [failed('cannot mount', 8)],
  },
  open_store: {
    lead: found('firewall.data_store_open', 'Everybody outside can reach Redis on port 6379.'),
    parts: [
      found('network.data_store_exposed', 'Redis (port 6379) listens on all addresses.', { severity: 'warning' }),
    ],
  },
};
