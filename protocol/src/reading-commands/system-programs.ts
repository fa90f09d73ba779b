/**
 * Programs that tell of the system. What wakes a sleeping service is not here (`docker`, `loginctl`, `hostnamectl`, `timedatectl`, `resolvectl`),
 * nor what keeps a cache (`apt-cache`, `blkid`), asks the network (`dig`, `curl`, `ping`) or leaves a lock or a socket behind (`iptables`, `chronyc`).
 * Sources: the manual pages of util-linux, procps and iproute2.
 */
import { socketFilter } from './grammars.ts';
import { type Program, upTo } from './program.ts';
import { few, name, oneOf, someOf, time } from './value-kinds.ts';

const levels = someOf('emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug');
const columns = (word: string) => (/^[A-Za-z%][A-Za-z0-9%:_,-]{0,300}$/.test(word) ? [] : null);

export const systemPrograms = {
  dmesg: {
    tells: 'messages of the kernel',
    takes: {
      letters: 'TkuxtPr',
      long: ['--ctime', '--kernel', '--userspace', '--decode', '--notime', '--nopager', '--raw'],
      values: {
        '-l': levels,
        '--level': levels,
        '--since': time,
        '--until': time,
        '-f': someOf('kern', 'user', 'daemon', 'auth', 'syslog'),
        '--facility': someOf('kern', 'user', 'daemon', 'auth', 'syslog'),
        '--time-format': oneOf('ctime', 'reltime', 'delta', 'notime', 'iso', 'raw'),
      },
    },
    always: ['--nopager'],
  },
  ss: {
    tells: 'sockets and who listens',
    takes: {
      letters: 'HntulpaxwW46emoisO',
      long: [
        '--numeric',
        '--tcp',
        '--udp',
        '--listening',
        '--processes',
        '--all',
        '--unix',
        '--raw',
        '--ipv4',
        '--ipv6',
        '--extended',
        '--memory',
        '--options',
        '--info',
        '--summary',
        '--oneline',
        '--no-header',
      ],
      operands: upTo(20, socketFilter),
    },
  },
  netstat: {
    tells: 'sockets and who listens',
    takes: {
      letters: 'tulpnaW46xsri',
      long: [
        '--tcp',
        '--udp',
        '--listening',
        '--program',
        '--numeric',
        '--all',
        '--route',
        '--interfaces',
        '--statistics',
        '--wide',
      ],
    },
  },
  free: {
    tells: 'how much memory is in use',
    takes: {
      letters: 'hbkmgtwvl',
      long: ['--human', '--bytes', '--kibi', '--mebi', '--gibi', '--total', '--wide', '--si', '--lohi'],
    },
  },
  uptime: { tells: 'how long it has been up, and its load', takes: { letters: 'ps', long: ['--pretty', '--since'] } },
  uname: {
    tells: 'the kernel',
    takes: {
      letters: 'asnrvmpio',
      long: [
        '--all',
        '--kernel-name',
        '--nodename',
        '--kernel-release',
        '--kernel-version',
        '--machine',
        '--operating-system',
      ],
    },
  },
  hostname: {
    tells: 'the name of the server',
    takes: { letters: 'fsId', long: ['--fqdn', '--short', '--all-ip-addresses', '--domain'] },
  },
  arch: { tells: 'the kind of processor', takes: {} },
  nproc: { tells: 'how many processors there are', takes: { long: ['--all'] } },
  whoami: { tells: 'as whom it runs', takes: {} },
  id: {
    tells: 'the groups of a user',
    takes: { letters: 'ugGnr', long: ['--user', '--group', '--groups', '--name', '--real'], operands: upTo(5, name) },
  },
  groups: { tells: 'the groups of a user', takes: { operands: upTo(5, name) } },
  getent: {
    tells: 'an entry of a system database',
    takes: {
      verbs: { passwd: upTo(5, name), group: upTo(5, name), services: upTo(5, name), protocols: upTo(5, name) },
    },
  },
  who: {
    tells: 'who is logged in',
    takes: { letters: 'abdHlmpqrstTuw', long: ['--all', '--boot', '--heading', '--users', '--count'] },
  },
  w: {
    tells: 'who is logged in and what they do',
    takes: { letters: 'hsfi', long: ['--no-header', '--short', '--from', '--ip-addr'], operands: upTo(1, name) },
  },
  last: {
    tells: 'the last logins',
    takes: { letters: 'aiFwxRd', values: { '-n': few, '--limit': few }, digits: true, operands: upTo(3, name) },
  },
  lastb: {
    tells: 'the last failed logins',
    takes: { letters: 'aiFwxR', values: { '-n': few, '--limit': few }, digits: true, operands: upTo(3, name) },
  },
  lsblk: {
    tells: 'disks and their partitions',
    takes: {
      letters: 'abfJlnprtmdS',
      long: [
        '--all',
        '--bytes',
        '--fs',
        '--json',
        '--list',
        '--noheadings',
        '--paths',
        '--topology',
        '--nodeps',
        '--scsi',
      ],
      values: { '-o': columns, '--output': columns },
    },
  },
  lscpu: { tells: 'the processors', takes: { letters: 'Jabcy', long: ['--json', '--all', '--online', '--offline'] } },
  lsmem: {
    tells: 'the memory',
    takes: { letters: 'aJbnr', long: ['--all', '--json', '--bytes', '--noheadings', '--summary'] },
  },
  lsmod: { tells: 'the modules of the kernel', takes: {} },
  findmnt: {
    tells: 'what is mounted where',
    takes: {
      letters: 'JlnraDbAik',
      long: [
        '--json',
        '--list',
        '--noheadings',
        '--raw',
        '--ascii',
        '--df',
        '--bytes',
        '--all',
        '--real',
        '--pseudo',
        '--kernel',
      ],
      values: { '-o': columns, '--output': columns, '-t': columns, '--types': columns },
    },
  },
  swapon: {
    tells: 'the swap space',
    takes: {
      letters: 's',
      long: ['--show', '--summary', '--bytes', '--noheadings', '--raw'],
      needs: ['--show', '--summary', '-s'],
      maybe: { '--show': columns },
    },
  },
  pstree: { tells: 'the processes as a tree', takes: { letters: 'paulnscT', operands: upTo(1, name) } },
} satisfies Readonly<Record<string, Program>>;
