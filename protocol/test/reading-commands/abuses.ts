/**
 * Every way that we know to make a program of the reading table write, start a program, wait, or tell what it must not: its options
 * in every spelling that getopt takes, verbs, operands, wrappers and shells. None of them may count as reading, on a server whose
 * owner opened the whole file system for reading. Sources: the manual pages, GTFOBins.
 */
import { readingPrograms } from '../../src/reading-commands/judge.ts';

/** Short letter, long name, value. A `null` is left out. */
type Option = readonly [string | null, string | null, (string | null)?];

const OUT = '/etc/cron.d/x';
const FILE = '/etc/hosts';
const o = (short: string | null, long: string | null, value: string | null = null): Option => [short, long, value];

/** Options that write, start, follow, slice, or read what redaction no longer knows; what stands behind them to be a whole command. */
const options: Readonly<
  Record<string, { readonly flags?: string; readonly rest?: readonly string[]; readonly of: readonly Option[] }>
> = {
  head: { flags: 'qv', rest: [FILE], of: [o('c', 'bytes', '20'), o('z', 'zero-terminated')] },
  tail: {
    flags: 'qv',
    rest: [FILE],
    of: [
      o('f', 'follow'),
      o('F', null),
      o('c', 'bytes', '20'),
      o('s', 'sleep-interval', '9'),
      o(null, 'retry'),
      o(null, 'pid', '1'),
      o('z', 'zero-terminated'),
    ],
  },
  cat: {
    flags: 'nb',
    rest: [FILE],
    of: [o('v', 'show-nonprinting'), o('A', 'show-all'), o('e', null), o('E', 'show-ends'), o('T', 'show-tabs')],
  },
  wc: { flags: 'lw', of: [o(null, 'files0-from', FILE)] },
  diff: {
    flags: 'uq',
    rest: [FILE, '/etc/hostname'],
    of: [
      o('l', 'paginate'),
      o('r', 'recursive'),
      o('X', 'exclude-from', FILE),
      o('S', 'starting-file', 'x'),
      o('y', 'side-by-side'),
      o('D', 'ifdef', 'x'),
      o(null, 'from-file', '/etc/shadow'),
      o(null, 'to-file', '/etc/shadow'),
      o(null, 'line-format', '%L'),
      o(null, 'old-line-format', '%L'),
      o('N', 'new-file'),
      o('F', 'show-function-line', 'x'),
      o('I', 'ignore-matching-lines', 'x'),
    ],
  },
  sha256sum: { flags: 'b', rest: [FILE], of: [o('c', 'check'), o('z', 'zero')] },
  md5sum: { flags: 'b', rest: [FILE], of: [o('c', 'check'), o('z', 'zero')] },
  file: {
    flags: 'bi',
    rest: [FILE],
    of: [
      o('f', 'files-from', FILE),
      o('m', 'magic-file', OUT),
      o('C', 'compile'),
      o('z', 'uncompress'),
      o('Z', 'uncompress-noreport'),
      o('s', 'special-files'),
      o('S', 'no-sandbox'),
      o('L', 'dereference'),
      o('p', 'preserve-date'),
      o('d', null),
    ],
  },
  ls: {
    flags: 'la',
    rest: ['/etc/nginx'],
    of: [
      o('L', 'dereference'),
      o('H', 'dereference-command-line'),
      o('D', 'dired'),
      o('Z', 'context'),
      o(null, 'hyperlink', 'always'),
    ],
  },
  stat: {
    flags: 't',
    rest: [FILE],
    of: [o('L', 'dereference'), o(null, 'printf', '\\x41%n'), o(null, 'cached', 'never')],
  },
  du: {
    flags: 'sh',
    rest: ['/etc/nginx'],
    of: [o('L', 'dereference'), o('D', 'dereference-args'), o('X', 'exclude-from', FILE), o(null, 'files0-from', FILE)],
  },
  df: { flags: 'hT', of: [o(null, 'sync'), o('v', null)] },
  date: {
    flags: 'u',
    of: [
      o('s', 'set', '@0'),
      o('f', 'file', '/etc/shadow'),
      o('r', 'reference', '/etc/shadow'),
      o(null, 'debug'),
      o('d', 'date', 'TZ="/dev/mem" now'),
      o('d', 'date', '@0/../x'),
    ],
  },
  systemctl: {
    flags: 'l',
    rest: ['status', 'nginx'],
    of: [
      o('H', 'host', 'root@evil.example'),
      o('M', 'machine', 'x'),
      o(null, 'root', '/srv'),
      o(null, 'image', '/srv/x.img'),
      o(null, 'user'),
      o(null, 'global'),
      o('f', 'force'),
      o(null, 'now'),
      o(null, 'runtime'),
      o('i', null),
      o(null, 'job-mode', 'replace'),
      o('s', 'signal', 'KILL'),
      o(null, 'what', 'all'),
      o(null, 'kill-whom', 'all'),
      o(null, 'message', 'x'),
      o(null, 'drop-in', 'x'),
      o(null, 'boot-loader-entry', 'x'),
      o('P', null, 'Environment'),
      o('p', 'property', 'Environment'),
      o('p', 'property', 'MainPID,Environment'),
      o('p', 'property', 'ExecStart'),
      o('p', 'property', 'PassEnvironment'),
      o('p', 'property', 'LoadCredential'),
      o('o', 'output', 'export'),
      o('o', 'output', 'json-pretty'),
      o(null, 'wait'),
      o(null, 'preset-mode', 'full'),
      o(null, 'read-only'),
      o(null, 'mkdir'),
      o(null, 'stdin'),
    ],
  },
  journalctl: {
    flags: 'qr',
    of: [
      o(null, 'vacuum-size', '1K'),
      o(null, 'vacuum-time', '1s'),
      o(null, 'vacuum-files', '1'),
      o(null, 'rotate'),
      o(null, 'flush'),
      o(null, 'sync'),
      o(null, 'relinquish-var'),
      o(null, 'smart-relinquish-var'),
      o(null, 'setup-keys'),
      o(null, 'update-catalog'),
      o(null, 'list-catalog'),
      o(null, 'dump-catalog'),
      o(null, 'cursor-file', OUT),
      o('c', 'cursor', 'x'),
      o(null, 'after-cursor', 'x'),
      o(null, 'show-cursor'),
      o('D', 'directory', '/srv'),
      o('i', 'file', FILE),
      o(null, 'root', '/srv'),
      o(null, 'image', '/srv/x'),
      o('M', 'machine', 'x'),
      o(null, 'namespace', 'x'),
      o('f', 'follow'),
      o('g', 'grep', 'password=a'),
      o(null, 'case-sensitive'),
      o('o', 'output', 'json'),
      o('o', 'output', 'export'),
      o('o', 'output', 'verbose'),
      o('o', 'output', 'json-seq'),
      o(null, 'output-fields', '_CMDLINE'),
      o('e', 'pager-end'),
      o(null, 'interval', '1'),
      o(null, 'force'),
      o(null, 'verify'),
      o(null, 'verify-key', 'x'),
      o(null, 'new-id128'),
      o('F', 'field', '_CMDLINE'),
      o('N', 'fields'),
      o(null, 'header'),
      o(null, 'user'),
      o('T', 'exclude-identifier', 'x'),
      o(null, 'synchronize-on-exit', 'yes'),
    ],
  },
  dmesg: {
    flags: 'T',
    of: [
      o('c', 'read-clear'),
      o('C', 'clear'),
      o('D', 'console-off'),
      o('E', 'console-on'),
      o('n', 'console-level', '8'),
      o('F', 'file', '/etc/shadow'),
      o('K', 'kmsg-file', '/etc/shadow'),
      o('H', 'human'),
      o('w', 'follow'),
      o('W', 'follow-new'),
      o('s', 'buffer-size', '9'),
      o('S', 'syslog'),
      o('J', 'json'),
    ],
  },
  'systemd-analyze': {
    rest: ['blame'],
    of: [
      o('H', 'host', 'evil'),
      o('M', 'machine', 'x'),
      o(null, 'user'),
      o(null, 'root', '/srv'),
      o(null, 'image', '/srv/x'),
      o(null, 'man'),
      o(null, 'generators'),
      o(null, 'profile', '/etc/hosts'),
      o(null, 'security-policy', '/etc/hosts'),
    ],
  },
  'systemd-cgls': {
    flags: 'l',
    of: [
      o('M', 'machine', 'x'),
      o('u', 'unit', 'x'),
      o(null, 'user-unit'),
      o('a', 'all'),
      o('k', null),
      o('x', 'xattr', 'yes'),
    ],
  },
  ss: {
    flags: 'tn',
    of: [
      o('K', 'kill'),
      o('D', 'diag', OUT),
      o('F', 'filter', FILE),
      o('N', 'net', 'x'),
      o('E', 'events'),
      o('A', 'query', 'all'),
      o('b', 'bpf'),
      o('r', 'resolve'),
      o('Z', 'context'),
      o('z', 'contexts'),
      o('f', 'family', 'inet'),
      o('M', 'mptcp'),
    ],
  },
  netstat: {
    flags: 'tn',
    of: [o('c', 'continuous'), o('C', 'cache'), o('g', 'groups'), o('M', 'masquerade'), o('Z', 'context')],
  },
  lsblk: {
    flags: 'fl',
    of: [
      o(null, 'sysroot', '/srv'),
      o('o', 'output', '/etc/x'),
      o('P', 'pairs'),
      o('E', 'dedup', 'x'),
      o('e', 'exclude', '7'),
    ],
  },
  lscpu: { of: [o('s', 'sysroot', '/srv'), o('x', 'hex')] },
  lsmem: { of: [o('s', 'sysroot', '/srv')] },
  findmnt: {
    flags: 'l',
    of: [
      o('F', 'tab-file', '/etc/shadow'),
      o('p', 'poll'),
      o('N', 'task', '1'),
      o('w', 'timeout', '9'),
      o('x', 'verify'),
      o('s', 'fstab'),
      o('m', 'mtab'),
    ],
  },
  swapon: {
    rest: ['--show'],
    of: [
      o('a', 'all'),
      o('d', 'discard'),
      o('e', 'ifexists'),
      o('f', 'fixpgsz'),
      o('p', 'priority', '1'),
      o('o', 'options', 'x'),
      o('L', null, 'x'),
      o('U', null, 'x'),
      o('T', 'fstab', FILE),
    ],
  },
  hostname: {
    flags: 's',
    of: [o('F', 'file', '/etc/hostname'), o('b', 'boot'), o('a', 'alias'), o('A', 'all-fqdns'), o('y', 'yp')],
  },
  free: { flags: 'h', of: [o('s', 'seconds', '1'), o('c', 'count', '9')] },
  vmstat: { flags: 's', of: [o('p', 'partition', 'sda'), o('f', 'forks')] },
  pgrep: {
    flags: 'l',
    rest: ['nginx'],
    of: [
      o('f', 'full'),
      o('a', 'list-full'),
      o('F', 'pidfile', '/etc/shadow'),
      o(null, 'signal', 'KILL'),
      o('L', 'logpidfile'),
      o('d', 'delimiter', 'x'),
      o('g', 'pgroup', '0'),
      o(null, 'ns', '1'),
    ],
  },
  pstree: {
    flags: 'p',
    of: [o('H', 'highlight-pid', '1'), o('Z', 'security-context'), o('A', 'ascii'), o('g', 'show-pgids')],
  },
  last: { flags: 'a', of: [o('f', 'file', '/etc/shadow'), o('s', 'since', 'x'), o('p', 'present', 'x')] },
  lastb: { flags: 'a', of: [o('f', 'file', '/etc/shadow')] },
  who: { flags: 'b', of: [o(null, 'lookup')] },
  getent: { rest: ['passwd'], of: [o('s', 'service', 'files'), o('i', 'no-idn'), o('A', 'no-addrconfig')] },
  id: { flags: 'u', of: [o('Z', 'context'), o('z', 'zero')] },
  uname: { of: [o('x', null), o(null, 'set-hostname', 'x')] },
  uptime: { of: [o('c', 'container'), o('r', 'raw')] },
  readlink: { rest: ['/etc/localtime'], flags: 'f', of: [o('z', 'zero'), o('v', 'verbose')] },
  realpath: {
    rest: ['/etc/localtime'],
    of: [
      o('z', 'zero'),
      o(null, 'relative-to', '/root'),
      o(null, 'relative-base', '/root'),
      o('L', 'logical'),
      o('P', 'physical'),
    ],
  },
  namei: { rest: ['/etc/localtime'], flags: 'l', of: [o('Z', 'context')] },
};

/** Whole tails, one per line, for what is no option. `¤` stands for a blank inside a word. */
const tails: Readonly<Record<string, string>> = {
  find: `/etc -exec id ;|/etc -exec sh -c id ;|/etc -exec id {} +|/etc -execdir id ;|/etc -ok id ;|/etc -okdir id ;|/etc -delete|/etc -name x -delete|/etc -type f -o -delete|/etc ( -delete )|/etc ! -delete|/etc -fprint /etc/x|/etc -fprint0 /etc/x|/etc -fprintf /etc/x %p|/etc -fls /etc/x|-files0-from /etc/hosts|/etc -newer /etc/shadow|/etc -anewer /etc/shadow|/etc -cnewer /etc/shadow|/etc -samefile /etc/shadow|/etc -newerXY x|-L /etc|-H /etc|-P /etc|-D exec /etc|-O3 /etc|/etc -follow|/etc -lname *|/etc -regex .*|/etc -name|/etc -printf|/etc -name x -exec|/etc -printf %p\\0%p\\x41|/etc -quit|/etc -maxdepth|-delete|-name x|.|etc|/etc ..|/etc -context x|/etc -fstype ext4 -delete|/proc -name environ|/proc/1/environ|/dev -type b|/sys -name x|/etc/ssl/private -name *|/etc -name x -print /etc/x|/etc -size|/etc -perm|/etc -user /etc/shadow|/etc -printf %{x}|/etc -daystart -execdir`,
  systemctl: `start nginx|stop nginx|restart nginx|reload nginx|try-restart nginx|reload-or-restart nginx|try-reload-or-restart nginx|isolate rescue.target|kill nginx|clean nginx|freeze nginx|thaw nginx|set-property nginx MemoryMax=1M|bind nginx /etc /srv|mount-image nginx /x|service-log-level nginx debug|reset-failed|reset-failed nginx|enable nginx|disable nginx|reenable nginx|preset nginx|preset-all|mask nginx|unmask nginx|link /etc/x.service|revert nginx|add-wants x y|add-requires x y|edit nginx|edit --full nginx|get-default|set-default x.target|list-machines|list-jobs|cancel|cancel 1|show-environment|set-environment A=1|unset-environment A|import-environment|daemon-reload|daemon-reexec|log-level debug|log-target console|service-watchdogs no|is-system-running --wait|default|rescue|emergency|halt|poweroff|reboot|kexec|soft-reboot|exit|switch-root /srv|sleep|suspend|hibernate|hybrid-sleep|suspend-then-hibernate|whoami|cat nginx|cat /etc/shadow|help nginx|show|show nginx|show --all|show --value nginx|show -p|show -pEnvironment nginx|show --propert=MainPID nginx|status /etc/shadow|status ../../etc/shadow|status -- -H|status nginx --property|list-units start nginx /x|is-active|status|show stop -p MainPID /x|stop show|start status|restart --no-pager nginx|-- stop nginx|--no-pager -- restart nginx|status nginx;id|status $(id)`,
  journalctl: `/usr/bin/ls|/dev/sda|-u|-n|--since|--since=$(id)|-u nginx;id|_CMDLINE=secret|MESSAGE=x|_COMM=a*|+|-u nginx + _PID=1|-o|--vacuum-size=1M --rotate|-n 1 --vacuum-time 1s|--output=cat --output json|-b --rotate|-k --flush`,
  ps: `e|auxe|axe|aexww|-auxe|-axe|aux e|-ef e|ax e|eww|-eu nosuch|-eu root|-u root|-U root|-C nginx|-t pts/0|-o environ|-eo environ|-eo pid,environ|-eo args:1|-eo pid -o environ|-e -f -o pid|-ef -o pid|-eo pid e|-p 1 e|-p 1 eww|p 1 e|E|-E|axE|-eo pid=x,environ|--ppid 1 e|-N|--deselect|aux --sort=environ|-p 1 -o environ|-eoenviron|k pid|O pid|-O environ|--format environ|--info|--context|Z|-M|-p 1;id|-p x|-G x|-e -e e|-eZ|-Aef`,
  top: `-b|-b -d 1|-n 1|-s|-b -n|-b -n 999999|-bn999|-b -n 1 -U root|-b -n 1 -u root|-W -b -n 1|-b -n 1 -E g|-h|-v|-b -n1 -o /etc/x|-O -b -n1|-b -S -n1 x|-b -n 1 -1 -W`,
  ip: `link set eth0 down|link set dev eth0 mtu 100|link add x type dummy|link delete x|l s eth0 down|addr add 192.0.2.1/24 dev eth0|addr del 192.0.2.1/24 dev eth0|addr flush dev eth0|a a 192.0.2.1/24 dev eth0|a f dev eth0|addr save|addr restore|addr showdump|route add default via 192.0.2.1|route del default|route replace default via 192.0.2.1|route flush cache|route flush table main|route save|route restore|r s|r d default|neigh flush all|neigh del 192.0.2.1 dev eth0|neigh add 192.0.2.1 lladdr x dev eth0|rule add from all table 1|rule del prio 1|rule flush|rule save|-batch /etc/x|-b /etc/x|-force -batch /etc/x|-n x addr|-netns x addr|-all netns exec id|netns exec x id|netns add x|netns delete x|netns list|netns identify|netns pids x|netns monitor|netns set x 1|monitor|monitor file /etc/x|-rc 9 monitor|vrf exec x id|tuntap add mode tap|tunnel add x|tunnel del x|xfrm state|xfrm state flush|maddr add x dev eth0|mroute|token set ::1 dev eth0|macsec add x|l2tp add x|fou add x|sr tunsrc set ::1|nexthop flush|tcp_metrics flush|addrlabel add x|ntable change x|link property add dev eth0 altname x|addr change x|addr show dev|route show table|addr show up dev eth0;id|route get|route get 192.0.2.1 mark 1|route get $(id)|ioam schema add 1 x|stats set dev x|mptcp endpoint flush|help|link help|-V x|-c=always addr|-M link`,
  nft: `flush ruleset|list ruleset ; flush ruleset|list ruleset; flush ruleset|list ruleset;flush¤ruleset|list¤ruleset;¤flush¤ruleset|add table inet x|delete table inet filter|destroy table inet x|insert rule inet filter input drop|add rule inet filter input drop|replace rule inet filter input handle 1 drop|reset counters|reset rules|reset quotas|reset element inet f s { 1 }|rename chain inet filter a b|create table inet x|-f /etc/x|--file /etc/x|--file=/etc/x|--fil=/etc/x|-f/etc/x|-nf /etc/x|-cf /etc/x|-i|--interactive|-D x=1 -f /etc/x|--define x=1|-I /etc|--includepath /etc list ruleset|-e add table x|-o -f /etc/x|-c flush ruleset|monitor|monitor ruleset|export ruleset json|import ruleset json|describe tcp|get element inet f s { 1 }|list|list hooks|list meter inet f s|list table inet filter ; flush ruleset|list table inet "filter"|list chain inet filter input extra|list ruleset inet extra|list table inet filter}flush|list table inet filter\nflush|-d all list ruleset|--debug=all list ruleset`,
  lsof: `|+D /etc|+d /etc|-D b|-D /etc/x|-Db/etc/x|-r|-r 1|+r1|-k /etc/x|-m /etc/x|-o|-S 1|-u root|-c nginx|-cnginx|+c 0|-g|-T|-x|-A /etc/x|-e /srv|+e /srv|-F pcfn|-Fn|/etc/shadow|/dev/sda|-nP /etc/hosts|-i @evil.example|-i@evil.example:80|-i :http|-p ^1|-p 1|+L|-b|-K|+f g|-V|-X|-h|-z|-Z|+m|+m m|-d mem|-N|-U -r|-t -D b`,
  sysctl: `-w net.ipv4.ip_forward=1|net.ipv4.ip_forward=1|-w net.ipv4.ip_forward = 1|--write net.ipv4.ip_forward=1|-q -w vm.drop_caches=3|vm.drop_caches=3|-p|-p /etc/x|-p/etc/x|--load=/etc/x|--load /etc/x|-f /etc/x|-f|--system|-a|--all|-A|-X|-ar net|--pattern x --system|-r x|-b kernel.hostname|-e kernel.x=1|-N -a|-n -w kernel.hostname=x|kernel.hostname=x|-nw kernel.hostname=x|net/ipv4/ip_forward|kernel/../../../etc/shadow|kernel.x/../../../../etc/shadow|net.ipv4.tcp_fastopen_key|net.ipv6.conf.all.stable_secret|vm.stat_refresh|vm.compact_memory|vm.drop_caches|net.ipv4.route.flush|-|--dry-run -w kernel.x=1|debug.x|dev.cdrom.info|user.max_user_namespaces|abi.x|/proc/sys/kernel/hostname`,
  dpkg: `-l|--list|-i x.deb|--install x.deb|-r nginx|--remove nginx|-P nginx|--purge nginx|--configure -a|--configure nginx|--unpack x.deb|-A x.deb|--record-avail x|--triggers-only -a|-V nginx|--verify|--update-avail /etc/x|--merge-avail /etc/x|--clear-avail|--forget-old-unavail|--set-selections|--get-selections --root=/srv|--clear-selections|--yet-to-unpack|--predep-package|--add-architecture i386|--remove-architecture i386|--compare-versions 1 lt 2|--validate-pkgname x|-b /etc x.deb|--build /etc|-c x.deb|-e x.deb /etc|-x x.deb /etc|-X x.deb /etc|-f x.deb|--ctrl-tarfile x.deb|--fsys-tarfile x.deb|-I x.deb|--info x.deb|-W nginx|--show nginx|-p nginx|--print-avail nginx|--root=/srv -s nginx|--root /srv -s nginx|--admindir=/srv -s nginx|--instdir=/srv -s nginx|-s nginx --admindir=/srv|--log=/etc/x -s nginx|--force-all -s nginx|--pre-invoke=id -s nginx|--post-invoke=id -s nginx|--status-logger=id -s nginx|--status-fd 1 -s nginx|-D777 -s nginx|--path-exclude=x -s nginx|--abort-after=1 -s nginx|-R /etc -s nginx|-s|-L|-S|-s ../x|-s NGINX;id|-L $(id)|--statu nginx|--audi|-S -x|-s -D|--command-fd 0|--assert-support-predepends`,
  'dpkg-query': `-W|-W nginx|--show nginx|-W -f=$\{Package}|-f x -W|--showformat=x -W|--admindir=/srv -l|--admindir /srv -l|--root=/srv -l|-c nginx|--control-path nginx|--control-list nginx|--control-show nginx postinst|-p nginx|--load-avail -l|--no-pager --root=/srv -l|-l --admindir=/srv|--audit|-C|--lis|-s|-L|-S|-l $(id)|-l NGINX;id`,
  nginx: `|-t|-T|-tq|-q|-s stop|-s reload|-s quit|-s reopen|-c /etc/x|-c/etc/x|-p /srv|-g daemon¤off;|-g error_log¤/etc/x;|-e /etc/x|-vc /etc/x|-v -s stop|-V -c /etc/x|-h|-?|-vt|-v x`,
  date: `010100002030|-u 010100002030.00|0101|+%s 010100002030|@0|-s|--set|-d|+%s;id|+$(id)|+%s +%s|--date=TZ="../../etc/shadow"|-dTZ="/etc/shadow"`,
  hostname: `evil|-f evil|evil.example|--file=/etc/hostname|-F/etc/hostname|-s x|-- evil`,
  swapon: `|/dev/sdb|-a|--all|-s /dev/sdb|--show /dev/sdb|--show -a|/swapfile|-v /swapfile|--show=NAME /swapfile|--bytes|-sa|-as`,
  getent: `shadow|shadow root|gshadow|hosts evil.example|ahosts evil.example|ahostsv4 x|ahostsv6 x|networks x|netgroup x|aliases|initgroups root|ethers x|rpc|-s files shadow|--service=files shadow|passwd -s dns|publickey x`,
  who: `/etc/shadow|am i|/var/log/wtmp|-a /etc/shadow|mom likes|-m x`,
  last: `-f /etc/shadow|-f/etc/shadow|--file=/etc/shadow|--fil=/etc/shadow|/etc/shadow|-R -f /etc/hosts`,
  lastb: `-f /etc/shadow|--file /etc/shadow|/etc/shadow`,
  findmnt: `/etc|--fstab --tab-file=/etc/shadow|/dev/sda|--target /root|-T /root|--source x|-S x`,
  lsblk: `/dev/sda|/etc/shadow|--output-all /dev/sda`,
  vmstat: `1|999999|1 999999|0 0|-p /dev/sda1|1 2 3|-S x`,
  file: `-|/dev/sda|/proc/1/environ|-m|-bf /etc/hosts|-bm/etc/x /etc/hosts|--magic-fil=/etc/x -C`,
  'systemd-analyze': `log-level debug|set-log-level debug|log-target console|set-log-target null|service-watchdogs no|dump|plot|dot|cat-config systemd/system.conf|verify /etc/x.service|unit-paths|unit-files|exit-status|capability|condition x|syscall-filter|filesystems|calendar x|timestamp x|timespan x|security nginx|security --root=/srv nginx|inspect-elf /etc/x|malloc|fdstore nginx|image-policy x|has-tpm2|pcrs|srk /x|smbios11|architectures|chid|transient-settings service|blame nginx|time x|critical-chain /etc/shadow`,
  'systemd-cgls': `/system.slice|nginx.service|--xattr=yes|/etc`,
  ss: `dst $(id)|state established;id|sport = :80 > /etc/x|-tKn|-tnK dst 192.0.2.1|-KD /etc/x|-D/etc/x|-tnD /etc/x|-F/etc/x|--diag=/etc/x|--dia=/etc/x|--kil|-t FILTER|cgroup /x|dev eth0|autobound|fwmark = 1|sport = :80 | tee|-a < /etc/x`,
  netstat: `-tc|-tulpnc|1|eth0|/etc/x|--continuou`,
  pidof: `|/usr/sbin/nginx|-o 1 nginx|-S ; nginx|-c nginx|-z nginx|-t nginx|-d x nginx|nginx;id`,
  pgrep: `|-f password=a|-lf password=a|-fl x|nginx extra|.*|^n|-F /etc/shadow|--pidfile=/etc/shadow|--ful x|-U root x|-u root,/etc x|-t pts x|-s 0 x|-G x x|--inverse x|-v x|-i x|-w x|-A x|-H x|-Q x|--signal 9 nginx|-9 nginx|-KILL nginx`,
  pstree: `/etc/x|root 1|-H1|-N mnt|--ns-sort=mnt`,
  free: `-s1|-s 1|-hs 1|--second=1|1`,
  uname: `x|-a x|--al`,
  uptime: `x`,
  arch: `x|-m|--help|--version`,
  nproc: `--ignore=1|--ignore 1|x|--al`,
  whoami: `x|--help`,
  lsmod: `x|-s|-v`,
  lscpu: `x|--sysroot=/srv|--sysroo=/srv|-e=CPU|-p=CPU /x`,
  lsmem: `x|--sysroot /srv|-o RANGE`,
  w: `/etc/x|a b|-p x;id`,
  id: `/etc/x|-un;id|$(id)`,
  groups: `/etc/x|-x|--help|$(id)`,
  ls: `|.|..|~|*|/etc/*|-|-l|/proc/1|/dev|/sys|/root/.ssh/id_rsa|/etc/ssl/private|--color=always /etc|--dereferenc /etc|-lL /etc|-lH /etc/x|--block-size=/x /etc|--sort=x /etc|--quoting-style=x /etc|--format=x /etc|--time=/x /etc|-T /x /etc|-w 0 /etc|-I /x /etc`,
  du: `|-sh|.|/proc|/sys|-sh /dev|--files0-from=- |--exclude-from=/etc/shadow /etc|--max-dept=1 /etc|-t 1G /etc|-B 1 /etc|--time=x /etc|-shL /etc|-shD /etc/x`,
  df: `--sync|-hT --sync|--syn|/proc|/dev/sda|/sys|.|--output=/etc/x|-B 1|--block-size=1|--outpu=pcent|-t /x`,
  stat: `|-|/dev/sda|/proc/1/environ|-c %n;$(id) /etc/hosts|--printf=%n /etc/hosts|--printf %n /etc/hosts|-L /etc/hosts|-c|--forma=%n /etc/hosts|-c \\x41 /etc/hosts|-tL /etc/hosts`,
  readlink: `|/proc/1/exe|/proc/self/root|/dev/stdin|x|-fz /etc/localtime`,
  realpath: `|/proc/1/root|/dev/stdin|x|--relative-to=/root /etc/hosts`,
  namei: `|/proc/1/root|/dev/sda|x|-lZ /etc/hosts`,
  diff: `/etc/hosts|/etc/hosts -|/etc/hosts /etc/shadow|/etc/hosts /dev/zero|/etc/hosts /proc/1/environ|-r /etc /srv|-ru /etc /srv|-l /etc/hosts /etc/fstab|-ul /etc/hosts /etc/fstab|--paginat /etc/hosts /etc/fstab|--from-file=/etc/hosts /etc/fstab|/etc/a /etc/b /etc/c|-U /etc/x /etc/y|--unified=3 --to-file=/etc/x /etc/y|--color=always /etc/a /etc/b|--palette=x /etc/a /etc/b|--horizon-lines=/x /etc/a /etc/b|-W 1 -y /etc/a /etc/b`,
  cat: `|-|/etc/shadow|/etc/gshadow|/etc/shadow-|/etc/sudoers|/etc/sudoers.d/x|/etc/countersign/policy.yaml|/opt/countersign/x|/var/lib/countersign/x|/root/.ssh/id_ed25519|/root/.ssh/id_rsa|/home/a/.aws/credentials|/root/.kube/config|/root/.docker/config.json|/root/.gnupg/x|/root/.pgpass|/root/.netrc|/root/.my.cnf|/etc/ssl/private/a.pem|/etc/letsencrypt/live/x/privkey.pem|/etc/letsencrypt/archive/x/a.pem|/etc/ssh/ssh_host_ed25519_key|/etc/wireguard/wg0.conf|/srv/a.key|/srv/a.p12|/srv/.htpasswd|/srv/.git-credentials|/proc/1/environ|/proc/self/environ|/proc/1/mem|/proc/kcore|/proc/1/root/etc/shadow|/proc/1/cwd/x|/dev/mem|/dev/sda|/dev/stdin|/dev/tty|/dev/random|/dev/tcp/x/1|/sys/kernel/x|/run/x|/var/run/x|/etc/../etc/shadow|/etc/./hosts|//etc/shadow|/etc//hosts|/etc/hosts/..|etc/hosts|./x|../x|~/x|$HOME/x|@/etc/hosts|@hosts|-- -x|/etc/hosts -v|-vn /etc/hosts|--show-al /etc/hosts|--numbe /etc/hosts|/etc/hosts|tee|/etc/*|/etc/{hosts,shadow}|/etc/h?sts|/etc/hosts;id|/etc/hosts&&id|/etc/$(id)|/etc/\`id\`|/etc/hosts\nid|/etc/x\u202eyz|file:///etc/hosts`.replace(
    '|/etc/hosts|tee|',
    '|/etc/hosts | tee|',
  ),
};

/** How a harmless command is dressed so that something else runs. `PROGRAM` and its words follow. */
const wrappers: readonly (readonly string[])[] = `
env|env A=1|env -S|env -i|env LD_PRELOAD=/tmp/x.so|env PAGER=/tmp/x|env LESSOPEN=/tmp/x|env GIT_PAGER=x|env SYSTEMD_PAGER=/tmp/x|env TOPRC=/tmp/x|sudo|sudo -u root|doas|su -c|nohup|setsid|timeout 5|nice|nice -n 5|ionice -c3|chrt 1|taskset 1|stdbuf -o0|time|command|exec|builtin|eval|xargs|xargs -a /etc/hosts|parallel|watch|watch -n1|strace -o /etc/x|ltrace|script -c|flock /etc/x|unshare|nsenter -t 1 -m|chroot /|ssh host|docker exec x|kubectl exec x --|systemd-run|systemd-run --pipe|busybox|toybox|sh -c|bash -c|bash -lc|dash -c|/bin/sh -c|perl -e|python3 -c|awk|find /etc -exec|tee /etc/x|PAGER=x|LD_PRELOAD=/tmp/x.so|IFS=x|rlwrap|expect -c|at now|run-parts|start-stop-daemon --start --exec|ld.so|/lib64/ld-linux-x86-64.so.2|capsh --|setpriv|runuser -u root --|machinectl shell|dbus-run-session|su - root -c|pkexec|unbuffer|socat - EXEC:|gdb --args|valgrind|proot|fakeroot|logger`
  .trim()
  .split('|')
  .map((words) => words.split(' '));

/** Other files under the name of a program. */
const impostors = [
  './',
  '../',
  '/tmp/',
  '/usr/local/bin/',
  '/usr/local/sbin/',
  '/home/a/bin/',
  '/root/',
  '/usr/bin/../../tmp/',
  '/usr/bin//',
  '//usr/bin/',
  '/proc/self/root/usr/bin/',
  'usr/bin/',
  '/snap/bin/',
  '/opt/bin/',
  '~/bin/',
];

/** What a shell would have understood. As a word of argv it must not pass either. */
const shellWords: readonly (readonly string[])[] = [
  ['>', OUT],
  ['>>', OUT],
  [`>${OUT}`],
  ['2>', OUT],
  ['&>', OUT],
  ['>|', OUT],
  ['<', '/etc/shadow'],
  ['<>', OUT],
  ['|', 'tee', OUT],
  ['|', 'sh'],
  [';', 'id'],
  [';id'],
  ['&&', 'id'],
  ['||', 'id'],
  ['&', 'id'],
  ['$(id)'],
  ['`id`'],
  ['<(id)'],
  ['>(id)'],
  ['$IFS;id'],
  ['x\nid'],
  ['x\rid'],
  ['x\u001b[2Jy'],
  ['{a,b}'],
  ['@/etc/shadow'],
  ['\\x41'],
  [''],
  ['\ud800'],
  ['--', '-x'],
  ['--help=x'],
  ['--output', '/proc/x'],
  ['--outp=/root/x'],
  ['--exec=id'],
  ['--pager=id'],
  ['--config=/root/x'],
  ['--log-file=/root/x'],
  ['--init-file=/root/x'],
  ['--files0-from=/etc/shadow'],
];

/** Every spelling that getopt_long(3) takes for an option: attached, apart, abbreviated, behind flags in one word. */
function spellings([short, long, value = null]: Option, flags = ''): string[][] {
  const all: string[][] = [];
  if (short !== null) {
    all.push(value === null ? [`-${short}`] : [`-${short}${value}`], ...(value === null ? [] : [[`-${short}`, value]]));
    for (const flag of flags) all.push(value === null ? [`-${flag}${short}`] : [`-${flag}${short}`, value]);
    if (value !== null && flags !== '') all.push([`-${flags}${short}${value}`]);
  }
  if (long !== null)
    for (const name of new Set([long, long.slice(0, -1), long.slice(0, Math.ceil(long.length / 2) + 1)])) {
      if (name.length < 3) continue;
      all.push(value === null ? [`--${name}`] : [`--${name}=${value}`]);
      if (value !== null) all.push([`--${name}`, value]);
    }
  return all;
}

/** Each as argv; no two are the same. */
export function readingAbuses(): string[][] {
  const all: string[][] = [];
  for (const program of Object.keys(readingPrograms)) {
    const { flags, rest = [], of = [] } = options[program] ?? {};
    for (const option of of)
      for (const words of spellings(option, flags))
        all.push([program, ...words, ...rest], [`/usr/bin/${program}`, ...rest, ...words]);
    for (const tail of (tails[program] ?? '').split('|'))
      if (tails[program] !== undefined)
        all.push([
          program,
          ...tail
            .split(' ')
            .map((word) => word.replaceAll('¤', ' '))
            .filter((word, _, words) => word !== '' || words.length > 1),
        ]);
    for (const wrapper of wrappers) all.push([...wrapper, program, FILE]);
    for (const folder of impostors) all.push([`${folder}${program}`, FILE]);
    for (const words of shellWords) all.push([program, FILE, ...words]);
    all.push(
      [program.toUpperCase(), FILE],
      [`${program} ${FILE}`],
      [`${program};id`],
      [`${program}\n`],
      [` ${program}`],
      ['', program],
    );
  }
  return [...new Map(all.map((argv) => [JSON.stringify(argv), argv])).values()];
}
