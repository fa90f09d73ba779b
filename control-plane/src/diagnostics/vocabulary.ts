/**
 * The words by which people speak of trouble, and the diagnostic that each hints at. A table: nothing here runs anything.
 * Text is matched in lower case, without apostrophes (`can't` is `cant`).
 */
import type { DiagnosticId } from '@countersign/protocol';

/** A hint: when the pattern is found, the diagnostic gains that many points. 3 says it outright, 1 is a faint trace. */
export interface Hint {
  readonly diagnostic: DiagnosticId;
  readonly points: number;
  readonly pattern: RegExp;
}

const hint = (diagnostic: DiagnosticId, points: number, pattern: RegExp): Hint => ({ diagnostic, points, pattern });

export const hints: readonly Hint[] = [
  hint('disk', 3, /\b(?:disks?|drives?|volumes?|partitions?|file ?systems?|mounts?)\b/),
  hint(
    'disk',
    3,
    /\b(?:no|not enough|out of|low on|free|enough|running out of|eating(?: up)?|taking up(?: all)?)\b.{0,20}\b(?:space|room|storage)\b/,
  ),
  hint('disk', 3, /\benospc\b|\bspace (?:didnt|did not|never) come back\b|\bread[- ]only file ?system\b/),
  hint('disk', 2, /\b(?:storage|space|full|filled|fills)\b/),
  hint('disk', 2, /\b(?:df|du)\b|\b(?:gb|gigs?|gigabytes?|tb)\b/),
  hint('disk', 2, /(?:^|\s)\/[a-z0-9._/-]*.{0,12}\b\d{2,3} ?(?:%|percent)|\b\d{2,3} ?(?:%|percent).{0,16}\s\/[a-z]*/),
  hint('disk', 1, /\b(?:write|upload|uploads|backup|backups|deploy)\b/),

  hint('inodes', 4, /\binodes?\b|\bdf -i\w*|\biuse%?/),
  hint(
    'inodes',
    4,
    /\b(?:millions?|thousands|zillions?|tons|loads|too many|lots|gazillions?)\b.{0,12}\b(?:small |tiny )?(?:files|entries)\b/,
  ),
  hint('inodes', 4, /\b\d[\d.,]* ?(?:m|k|million|thousand)? (?:files|entries)\b/),
  hint(
    'inodes',
    4,
    /\b(?:no space|cannot create|cant create|cannot write|cant write|nothing can be created)\b.*\b(?:free|plenty|available|left over|empty)\b/,
  ),
  hint(
    'inodes',
    2,
    /\b(?:cannot|cant|unable to) create (?:new )?(?:files?|folders?|director(?:y|ies))\b|\b(?:sessions? (?:dir|director|folder)|mail spool)/,
  ),
  hint('inodes', 1, /\bno space left\b|\benospc\b/),

  hint('memory_oom', 4, /\boom\b|\boom[- ]?kill\w*|\bout ?of ?memory\w*|\bcannot allocate\b|\bmalloc\b/),
  hint('memory_oom', 3, /\b(?:memory|mem|ram|swap|swaps|swapping|swapped|heap|rss)\b/),
  hint(
    'memory_oom',
    3,
    /\b(?:sigkill\w*|signal 9|exit(?:ed)?(?: code| status)? 137|code 137|killed process|total-vm)\b/,
  ),
  hint('memory_oom', 2, /\bkilled\b|\bleak\w*\b|\bthrash\w*\b/),

  hint('cpu_runaway', 4, /\b(?:cpus?|cores?|processor|steal)\b/),
  hint(
    'cpu_runaway',
    4,
    /\bload(?: ?avg| average)\b|\b(?:high|heavy|huge|big|insane|crazy|the) load\b|\bload (?:is|of|at|over|above|went|goes|spikes?)\b/,
  ),
  hint(
    'cpu_runaway',
    3,
    /\b(?:runaway|pegged|spinning|maxed|busy loop|stuck in a loop|infinite loop|throttled|mining|miner|noisy neighbou?r)\b/,
  ),
  hint('cpu_runaway', 2, /\b[1-9]\d{2,} ?%|\bin (?:h?top)\b/),
  hint('cpu_runaway', 1, /\b(?:slow|sluggish|laggy|lagging|unresponsive|hangs?|hanging|frozen|freezes)\b/),

  hint(
    'service',
    3,
    /\b(?:start|starts|starting|stop|stops|stopped|stopping|crash\w*|died|dies|dead|dying|down|running|restart\w*|flapping|exits?|exited|hangs?|wont|refuses|come up|came up|comes up)\b/,
  ),
  hint('service', 1, /\b(?:services?|daemons?|units?|process)\b/),

  hint(
    'failed_units',
    4,
    /\bsystemctl\b|\bsystemd\b|\bdegraded\b|\bstart[- ](?:request|limit)\b|\bfailed (?:units?|state|services?)\b|\bunits? (?:have |has )?failed\b/,
  ),
  hint('failed_units', 3, /\b(?:services|units|jobs|timers?|cron\w*|scheduled)\b/),
  hint('failed_units', 3, /\b(?:reboot\w*|boot|booted|power ?cycled?)\b/),
  hint('failed_units', 1, /\b(?:failed|failing|fails|died|crash\w*|down|after (?:the |an? )?(?:update|upgrade))\b/),
  hint('failed_units', 1, /\b50[0234]s?\b|\bbad gateway\b|\b5xx\b/),

  hint('logs', 4, /\b(?:logs?|journal|journalctl|syslog|dmesg|logfiles?|tail|grep)\b/),
  hint(
    'logs',
    3,
    /\b(?:errors?|exceptions?|\w+exceptions?|stack ?traces?|traceback\w*|panics?|segfault\w*|warnings?|messages?|spam)\b/,
  ),
  hint('logs', 3, /\bwhat happened\b|\bhappened at\b|\bbrute.?forc\w*\b|\bkernel\b/),
  hint('logs', 3, /"[^"]{3,}"/),
  hint('logs', 1, /\b(?:permission denied|strange|weird|since|at \d{1,2}(?::\d{2}|am|pm))\b/),

  hint(
    'network_ports',
    4,
    /\bports?\b|\blisten(?:s|ing|er)?\b|\baddress already in use\b|\beaddrinuse\b|\beconnrefused\b|\bconnection refused\b/,
  ),
  hint('network_ports', 4, /(?:localhost|\d+\.\d+\.\d+\.\d+|::1?\]?):\d{2,5}\b/),
  hint(
    'network_ports',
    3,
    /\b(?:reach|reachable|unreachable|bind|binding|socket|sockets|exposed|firewall|load balancer|health ?checks? on)\b/,
  ),
  hint('network_ports', 3, /\bon \d{4,5}\b/),
  hint('network_ports', 2, /\bconnect(?:ion|ions|ing)?\b|\btimed? ?out\b|\bfrom outside\b/),

  hint(
    'nginx',
    4,
    /\bnginx\b|\bvhosts?\b|\bsites-(?:enabled|available)\b|\bupstream\b|\breverse proxy\b|\bproxy_pass\b/,
  ),
  hint('nginx', 4, /\b(?:bad gateway|gateway time-?out|internal server error|service unavailable|5xx|4xx)\b/),
  hint('nginx', 4, /\b(?:4(?:00|03|04|13|29|99)|50[0-4])s?\b/),
  hint(
    'nginx',
    3,
    /\b(?:web ?sites?|sites?|web ?pages?|home ?page|web ?server|webserver|frontend|shop|store|checkout|landing page|browsers?|https?)\b/,
  ),
  hint('nginx', 2, /\b(?:customers?|users?|visitors?|people|pages?|requests?|certbot|ssl|tls)\b/),

  hint(
    'overview',
    3,
    /\b(?:slow|sluggish|laggy|lagging|unresponsive|acting up|weird|broken|wrong|paged|pager|screaming|health|healthy|status|overview|general)\b/,
  ),
  hint(
    'overview',
    3,
    /\b(?:is|are) (?:this|the|my|it|everything)\b.*\b(?:ok|okay|fine|alive|up|alright)\b|\btake a look\b|\bhow is\b|\bidea why\b/,
  ),
  hint('overview', 1, /\b(?:server|box|machine|host|vps)\b/),
];

/** Words that people mistype often enough to mend. Only words that are close to no other are here. */
export const mendable: readonly string[] = [
  'nginx',
  'memory',
  'inodes',
  'journal',
  'systemd',
  'service',
  'services',
  'partition',
  'filesystem',
  'process',
  'upstream',
  'gateway',
  'restarting',
  'website',
  'storage',
  'listening',
  'postgres',
  'connection',
  'exception',
];

/** Programs that people name without calling them a service, and the unit that they run as. Aliases of Debian and Fedora included. */
export const knownUnits: Readonly<Record<string, string>> = {
  apache: 'apache2',
  apache2: 'apache2',
  httpd: 'httpd',
  nginx: 'nginx',
  caddy: 'caddy',
  traefik: 'traefik',
  haproxy: 'haproxy',
  varnish: 'varnish',
  mysql: 'mysql',
  mysqld: 'mysql',
  mariadb: 'mariadb',
  postgres: 'postgresql',
  postgresql: 'postgresql',
  redis: 'redis',
  valkey: 'valkey',
  mongo: 'mongod',
  mongod: 'mongod',
  mongodb: 'mongod',
  memcached: 'memcached',
  elasticsearch: 'elasticsearch',
  opensearch: 'opensearch',
  rabbitmq: 'rabbitmq-server',
  kafka: 'kafka',
  zookeeper: 'zookeeper',
  clickhouse: 'clickhouse-server',
  influxdb: 'influxdb',
  minio: 'minio',
  docker: 'docker',
  dockerd: 'docker',
  containerd: 'containerd',
  podman: 'podman',
  kubelet: 'kubelet',
  k3s: 'k3s',
  ssh: 'sshd',
  sshd: 'sshd',
  postfix: 'postfix',
  dovecot: 'dovecot',
  exim: 'exim4',
  bind9: 'named',
  named: 'named',
  unbound: 'unbound',
  dnsmasq: 'dnsmasq',
  fail2ban: 'fail2ban',
  cron: 'cron',
  crond: 'crond',
  rsyslog: 'rsyslog',
  journald: 'systemd-journald',
  resolved: 'systemd-resolved',
  chrony: 'chrony',
  chronyd: 'chronyd',
  grafana: 'grafana-server',
  prometheus: 'prometheus',
  alertmanager: 'alertmanager',
  loki: 'loki',
  telegraf: 'telegraf',
  node_exporter: 'node_exporter',
  vault: 'vault',
  consul: 'consul',
  nomad: 'nomad',
  jenkins: 'jenkins',
  tomcat: 'tomcat',
  gunicorn: 'gunicorn',
  uwsgi: 'uwsgi',
  supervisor: 'supervisor',
  supervisord: 'supervisor',
  celery: 'celery',
  sidekiq: 'sidekiq',
  puma: 'puma',
  openvpn: 'openvpn',
  wireguard: 'wg-quick@wg0',
  squid: 'squid',
};

/** Words beside `service`, `unit` or `daemon` that name no unit. */
export const noUnitNames = new Set(
  (
    'a an the this that these those my our your some any all each every which what its his their no other one few several ' +
    'is are was be not and or of in on at to for with after before since when why how web systemd failed failing critical ' +
    'web-service background main same new old internal external status restart start stop reload whole entire system ' +
    'does did do has have had will can could of logs log file error errors message cant wont isnt doesnt'
  ).split(' '),
);
