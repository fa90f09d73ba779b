/** Programs that read their words in a manner of their own. Sources: find(1), ip(8), ps(1), nft(8), ss(8), lsof(8), dpkg(1). */
import type { Grammar, Program } from './program.ts';
import {
  address,
  few,
  fileFormat,
  type Kind,
  type Looked,
  name,
  number,
  oneOf,
  place,
  someOf,
  time,
  wildcard,
} from './value-kinds.ts';

/** Tests that take a value, with its kind. `-newer`, `-samefile`, `-files0-from` and all that writes or starts are not here. */
const FIND_VALUES: Readonly<Record<string, Kind>> = {
  '-name': wildcard,
  '-iname': wildcard,
  '-type': oneOf('f', 'd', 'l', 's', 'p', 'b', 'c'),
  '-user': name,
  '-group': name,
  '-maxdepth': few,
  '-mindepth': few,
  '-size': (word) => (/^[+-]?\d{1,12}[bcwkMG]?$/.test(word) ? [] : null),
  '-perm': (word) => (/^[-/]?[0-7]{1,4}$/.test(word) ? [] : null),
  '-newermt': time,
  '-links': days,
  '-mtime': days,
  '-ctime': days,
  '-atime': days,
  '-mmin': days,
  '-cmin': days,
  '-amin': days,
  '-printf': fileFormat,
};
const FIND_WORDS = new Set(
  '-xdev -mount -empty -print -print0 -ls -nouser -nogroup -not ! -a -and -o -or ( ) -true -false -prune -daystart -depth'.split(
    ' ',
  ),
);

function days(word: string): readonly Looked[] | null {
  return /^[+-]?\d{1,7}$/.test(word) ? [] : null;
}

/** Folders first, then tests. No folder: it would be the working folder, which is `/`. */
export const readFind: Grammar = (words, rules) => {
  const first = words.findIndex((word) => /^[-(!]/.test(word));
  const folders = first < 0 ? words : words.slice(0, first);
  const looked = inOrder(folders.map((word) => place(word, rules)));
  if (folders.length === 0 || looked === null) return null;
  const tests = words.slice(folders.length);
  for (let n = 0; n < tests.length; n += 1) {
    const test = tests[n] ?? '';
    if (FIND_WORDS.has(test)) continue;
    const kind = Object.hasOwn(FIND_VALUES, test) ? FIND_VALUES[test] : undefined;
    n += 1;
    const value = tests[n];
    if (kind === undefined || value === undefined || kind(value, rules) === null) return null;
  }
  return looked;
};

const IP_OPTIONS = new Set(
  '-4 -6 -s -d -o -j -p -br -brief -json -pretty -details -statistics -stats -oneline'.split(' '),
);
const IP_OBJECTS = new Set(
  'a addr address l link r ro route ru rule n neigh neighbour neighbor maddr maddress'.split(' '),
);
const IP_WORDS = new Set(
  'up dynamic permanent primary reachable stale scope global link host main local default all type'.split(' '),
);

/** Only `show` and `list`, spelled out: `ip route s` may be `save` or `set` one day. */
export const readIp: Grammar = (words, rules) => {
  const first = words.findIndex((word) => !IP_OPTIONS.has(word));
  if (first < 0) return null;
  const [object = '', verb, ...rest] = words.slice(first);
  if (!IP_OBJECTS.has(object)) return null;
  if (verb === undefined) return [];
  if (verb === 'get' && /^r(o|oute)?$/.test(object)) return rest.length === 1 ? address(rest[0] ?? '', rules) : null;
  if (!['show', 'list', 'ls', 'lst'].includes(verb)) return null;
  for (let n = 0; n < rest.length; n += 1) {
    const word = rest[n] ?? '';
    if (IP_WORDS.has(word)) continue;
    if (!['dev', 'table', 'to'].includes(word)) return n === 0 && rest.length === 1 ? name(word, rules) : null;
    n += 1;
    if ((name(rest[n] ?? '', rules) ?? address(rest[n] ?? '', rules)) === null) return null;
  }
  return [];
};

const PS_FIELDS = someOf(
  ...'pid ppid pgid sid user uid euser ruser group gid rss rsz vsz vsize pcpu %cpu pmem %mem etime etimes stat state s comm args cmd command ni nice pri cls psr nlwp tty tt time cputime start start_time lstart wchan unit cgroup slice sz f'.split(
    ' ',
  ),
);
const PS_SORT: Kind = (word, rules) => PS_FIELDS(word.replace(/(^|,)[-+]/g, '$1'), rules);
const PIDS: Kind = (word) => (/^\d{1,10}(,\d{1,10}){0,50}$/.test(word) ? [] : null);

/**
 * Whole forms only. When ps cannot make sense of its words it reads them once more in the manner of BSD, and then the `e` of `-ef`
 * shows the environment of every process: so nothing is taken here that may fail, and no name of a user.
 */
export const readPs: Grammar = (words, rules) => {
  const [how = '', ...rest] = words;
  if (/^(aux|ax|axf|auxf|axjf|axl|auxw{1,2}|axu|axw{1,2})$/.test(how)) return sortedPs(rest, rules);
  if (/^-(e|A|ef|eF|ely|el|Af|efH|efww|eLf)$/.test(how)) return rest.length === 0 ? [] : null;
  if (how === '-eo' || how === '-Ao') return PS_FIELDS(rest[0] ?? '', rules) && sortedPs(rest.slice(1), rules);
  if (how === '-p') {
    if (PIDS(rest[0] ?? '', rules) === null) return null;
    if (rest.length === 1 || (rest.length === 2 && rest[1] === '-f')) return [];
    return rest[1] === '-o' && PS_FIELDS(rest[2] ?? '', rules) ? sortedPs(rest.slice(3), rules) : null;
  }
  return how === '' ? [] : null;
};

function sortedPs(words: readonly string[], rules: Parameters<Kind>[1]): readonly Looked[] | null {
  return inOrder(
    words.map((word) =>
      word.startsWith('--sort=') ? PS_SORT(word.slice(7), rules) : oneOf('--no-headers', '--forest')(word, rules),
    ),
  );
}

const NFT_LISTS = 'ruleset tables chains sets maps counters quotas limits flowtables'.split(' ');
const NFT_FAMILIES = 'ip ip6 inet arp bridge netdev'.split(' ');

/** `list` and what it lists. nft puts its words together and reads them as a script, so none may hold a `;` or a line break. */
export const readNft: Grammar = (words) => {
  const rest = words.filter((word) => !/^-[najsty]{1,4}$/.test(word));
  const [verb, what = '', family = '', ...names] = rest;
  if (verb !== 'list') return null;
  if (NFT_LISTS.includes(what))
    return names.length === 0 && (family === '' || NFT_FAMILIES.includes(family)) ? [] : null;
  const needed = { table: 1, chain: 2, set: 2, map: 2 }[what];
  const isNamed = NFT_FAMILIES.includes(family) && names.length === needed;
  return isNamed && names.every((word) => /^[A-Za-z_][\w-]{0,63}$/.test(word)) ? [] : null;
};

const SS_TOKEN =
  /^(state|exclude|established|syn-sent|syn-recv|fin-wait-[12]|time-wait|closed|close-wait|last-ack|listening|closing|connected|synchronized|all|sport|dport|src|dst|=|==|!=|eq|ne|ge|le|>=|<=|and|or|not|\(|\)|:\d{1,5}|:[a-z]{1,20}|[0-9A-Fa-f.:]{2,45}(\/\d{1,3})?)$/;

/** Words of a filter of ss. No `>` and no `<` that stand alone: they are comparisons there, but nobody should have to know. */
export const socketFilter: Kind = (word) =>
  word
    .trim()
    .split(/ +/)
    .every((token) => SS_TOKEN.test(token))
    ? []
    : null;

const LSOF_WORDS =
  /^(-n|-P|-nP|-Pn|-t|-a|-w|-l|\+L1|-i|-i[46]|-i(tcp|udp|TCP|UDP)?(:\d{1,5}(-\d{1,5})?)?|-i[46](tcp|udp|TCP|UDP)(:\d{1,5})?|-s(TCP|UDP):[A-Z_]{2,20}|-p\d{1,10}(,\d{1,10}){0,20})$/;

const words =
  (pattern: RegExp, least = 0): Grammar =>
  (given) =>
    given.length >= least && given.every((word) => pattern.test(word)) ? [] : null;

const DPKG_VERB = /^(-l|--list|-s|--status|-L|--listfiles)$/;
const PACKAGE = /^[a-z0-9*?][a-z0-9.+:*?-]{0,99}$/;
const readDpkg: Grammar = ([verb = '', ...names]) => {
  if (/^(-C|--audit|--print-architecture|--version)$/.test(verb)) return names.length === 0 ? [] : null;
  if (/^(-S|--search)$/.test(verb))
    return names.length > 0 && names.every((word) => /^[\w.+/-]{1,200}$/.test(word) && !word.startsWith('-'))
      ? []
      : null;
  const least = /^(-l|--list)$/.test(verb) ? 0 : 1;
  return DPKG_VERB.test(verb) && names.length >= least && names.every((word) => PACKAGE.test(word)) ? [] : null;
};
const readQuery: Grammar = (given, rules) =>
  /^(-C|--audit|--print-architecture)$/.test(given[0] ?? '') ? null : readDpkg(given, rules);
/** Its list is that of dpkg-query, which nobody knows as a way to a pager. */
const readDpkgItself: Grammar = (given, rules) =>
  /^(-l|--list)$/.test(given[0] ?? '') ? null : readDpkg(given, rules);

const TOP_FIELDS = oneOf('%CPU', '%MEM', 'PID', 'RES', 'TIME+', 'VIRT', '-%CPU', '-%MEM', '+%CPU', '+%MEM');
const TOP_VALUES: Readonly<Record<string, Kind>> = {
  '-n': oneOf('1', '2', '3', '4', '5'),
  '-w': few,
  '-p': PIDS,
  '-o': TOP_FIELDS,
  '-d': oneOf('1', '2', '3'),
};
/** In a batch, and a few times only: so it takes no keys and ends by itself. */
const readTop: Grammar = (given, rules) => {
  let [batch, ends] = [false, false];
  for (let n = 0; n < given.length; n += 1) {
    const word = given[n] ?? '';
    if (word === '-b' || /^-bn[1-5]$/.test(word)) batch = true;
    if (/^-b?n[1-5]?$/.test(word)) ends = true;
    if (/^(-b|-bn[1-5]|-c|-H|-i|-n[1-5]|-w\d{2,3})$/.test(word)) continue;
    n += 1;
    if (!Object.hasOwn(TOP_VALUES, word) || TOP_VALUES[word]?.(given[n] ?? '', rules) == null) return null;
  }
  return batch && ends ? [] : null;
};

const readSysctl: Grammar = (given) => {
  const names = given.filter((word) => word !== '-n');
  const known = /^(kernel|vm|fs|net)(\.[a-z0-9_-]{1,60}){1,6}$/;
  return names.length > 0 &&
    names.every((word) => known.test(word) && !/key|secret|flush|compact|drop|stat_refresh/.test(word))
    ? []
    : null;
};

function inOrder(parts: readonly (readonly Looked[] | null)[]): readonly Looked[] | null {
  return parts.some((part) => part === null) ? null : parts.flatMap((part) => part ?? []);
}

export const grammarPrograms = {
  ip: { tells: 'addresses, links and routes', takes: readIp },
  ps: { tells: 'the processes', takes: readPs },
  top: { tells: 'the busiest processes', takes: readTop },
  nft: { tells: 'the rules of the firewall', takes: readNft },
  lsof: { tells: 'open files and sockets', takes: words(LSOF_WORDS, 1) },
  dpkg: { tells: 'the installed packages', takes: readDpkgItself },
  'dpkg-query': { tells: 'the installed packages', takes: readQuery },
  sysctl: { tells: 'settings of the kernel', takes: readSysctl },
  nginx: { tells: 'the version of nginx', takes: words(/^-[vV]$/, 1) },
  vmstat: {
    tells: 'memory, paging and processor use',
    takes: {
      letters: 'asdDwtn',
      long: ['--active', '--stats', '--disk', '--disk-sum', '--wide', '--timestamp', '--one-header'],
      values: { '-S': oneOf('k', 'K', 'm', 'M') },
      operands: {
        kind: oneOf(...Array.from({ length: 10 }, (_, n) => String(n + 1))),
        least: 2,
        most: 2,
        orNone: true,
      },
    },
  },
  pidof: { tells: 'process ids by name', takes: { letters: 'sx', operands: { kind: name, least: 1, most: 10 } } },
  pgrep: {
    tells: 'process ids by name',
    takes: { letters: 'lxcno', values: { '-u': name, '-P': number }, operands: { kind: name, least: 1, most: 1 } },
  },
} satisfies Readonly<Record<string, Program>>;
