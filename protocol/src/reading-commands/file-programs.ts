/**
 * Programs that tell of files. What is not here was left out for a reason: `sort -o`, `uniq IN OUT`, `tee`, `sed -i`, `awk` write
 * or start programs; `less`, `man`, `git` start pagers and hooks; `grep`, `cmp`, `cut`, `od`, `xxd` and `head -c` would answer
 * questions about a secret that redaction no longer sees. `search_files` looks for text in what is left after redaction.
 * Sources: the manual pages of GNU coreutils, findutils, diffutils and file(1).
 */
import { readFind } from './grammars.ts';
import { type Program, some, upTo } from './program.ts';
import { dateFormat, few, file, fileFormat, lines, name, oneOf, place, someOf, time, wildcard } from './value-kinds.ts';

const never = oneOf('never');

export const filePrograms = {
  cat: {
    tells: 'what a file holds',
    takes: { letters: 'nbs', long: ['--number', '--number-nonblank', '--squeeze-blank'], operands: some(file) },
  },
  head: {
    tells: 'the first lines of a file',
    takes: {
      letters: 'qv',
      long: ['--quiet', '--silent', '--verbose'],
      values: { '-n': lines, '--lines': lines },
      digits: true,
      operands: some(file),
    },
  },
  tail: {
    tells: 'the last lines of a file',
    takes: {
      letters: 'qv',
      long: ['--quiet', '--silent', '--verbose'],
      values: { '-n': lines, '--lines': lines },
      digits: true,
      operands: some(file),
    },
  },
  wc: {
    tells: 'how many lines, words and bytes a file has',
    takes: {
      letters: 'lwcmL',
      long: ['--lines', '--words', '--bytes', '--chars', '--max-line-length'],
      operands: some(file),
    },
  },
  diff: {
    tells: 'how two files differ',
    takes: {
      letters: 'uqsiwbBEZ',
      long: [
        '--unified',
        '--brief',
        '--report-identical-files',
        '--ignore-case',
        '--ignore-all-space',
        '--ignore-space-change',
        '--ignore-blank-lines',
      ],
      values: { '-U': few },
      operands: { kind: file, least: 2, most: 2 },
    },
  },
  sha256sum: { tells: 'the SHA-256 of a file', takes: { letters: 'bt', long: ['--tag'], operands: some(file) } },
  md5sum: { tells: 'the MD5 of a file', takes: { letters: 'bt', long: ['--tag'], operands: some(file) } },
  file: {
    tells: 'what kind of file it is',
    takes: { letters: 'bi', long: ['--brief', '--mime', '--mime-type'], operands: some(file) },
  },
  ls: {
    tells: 'names, sizes and times of files',
    takes: {
      letters: 'aAlhrRSt1dFinspcuUXqvCGgmokN',
      long: [
        '--all',
        '--almost-all',
        '--human-readable',
        '--full-time',
        '--reverse',
        '--recursive',
        '--inode',
        '--size',
        '--directory',
        '--group-directories-first',
        '--numeric-uid-gid',
        '--si',
        '--no-group',
        '--author',
      ],
      values: {
        '--sort': oneOf('none', 'size', 'time', 'version', 'extension', 'name'),
        '--time-style': oneOf('full-iso', 'long-iso', 'iso'),
        '--time': oneOf('atime', 'ctime', 'mtime', 'birth'),
        '--ignore': wildcard,
        '-I': wildcard,
      },
      maybe: { '--color': never },
      operands: some(place),
    },
  },
  stat: {
    tells: 'size, owner and times of a file',
    takes: {
      letters: 'ft',
      long: ['--file-system', '--terse'],
      values: { '-c': fileFormat, '--format': fileFormat },
      operands: some(place),
    },
  },
  du: {
    tells: 'how much space folders take',
    takes: {
      letters: 'xhscakmbS0',
      long: [
        '--one-file-system',
        '--human-readable',
        '--summarize',
        '--total',
        '--all',
        '--apparent-size',
        '--bytes',
        '--inodes',
        '--separate-dirs',
        '--si',
      ],
      values: {
        '-d': few,
        '--max-depth': few,
        '--exclude': wildcard,
        '--time-style': oneOf('full-iso', 'long-iso', 'iso'),
      },
      maybe: { '--time': oneOf('atime', 'ctime') },
      operands: some(place),
    },
  },
  df: {
    tells: 'how full file systems are',
    takes: {
      letters: 'hHTiPalkm',
      long: ['--human-readable', '--si', '--print-type', '--inodes', '--portability', '--all', '--local', '--total'],
      values: { '-t': name, '-x': name, '--type': name, '--exclude-type': name },
      maybe: {
        '--output': someOf(
          'source',
          'fstype',
          'itotal',
          'iused',
          'iavail',
          'ipcent',
          'size',
          'used',
          'avail',
          'pcent',
          'file',
          'target',
        ),
      },
      operands: upTo(10, place),
    },
  },
  readlink: {
    tells: 'where a link leads',
    takes: {
      letters: 'fem',
      long: ['--canonicalize', '--canonicalize-existing', '--canonicalize-missing'],
      operands: some(place),
    },
  },
  realpath: {
    tells: 'where a path really is',
    takes: {
      letters: 'ems',
      long: ['--canonicalize-existing', '--canonicalize-missing', '--no-symlinks'],
      operands: some(place),
    },
  },
  namei: {
    tells: 'owner and mode of every part of a path',
    takes: {
      letters: 'lmonvx',
      long: ['--long', '--modes', '--owners', '--mountpoints', '--vertical'],
      operands: some(place),
    },
  },
  find: { tells: 'names of files', takes: readFind },
  date: {
    tells: 'the time',
    takes: {
      letters: 'uR',
      long: ['--utc', '--universal', '--rfc-email'],
      values: { '-d': time, '--date': time, '--rfc-3339': oneOf('date', 'seconds', 'ns') },
      maybe: {
        '-I': oneOf('date', 'hours', 'minutes', 'seconds', 'ns'),
        '--iso-8601': oneOf('date', 'hours', 'minutes', 'seconds', 'ns'),
      },
      operands: upTo(1, dateFormat),
    },
  },
} satisfies Readonly<Record<string, Program>>;
