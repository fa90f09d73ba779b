/** Names by which people speak of units. */

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

/** Words beside `container`, `app`, `database` and their like that name nothing. */
export const noNames = new Set([
  ...noUnitNames,
  ...(
    'keeps keep died dies dead down up gone unhealthy healthy exits exited crashes crashed crashing restarts restarting ' +
    'running runs stuck hangs again logs image images stack project compose docker container containers app apps ' +
    'application database databases db server deploy deployed deployment release releases version code now then today ' +
    'yesterday tonight night nights last first next new latest previous current half still never always broke broken bad ' +
    'slow fast full locked connection connections pool query queries user users lock locks went go goes going got gets ' +
    'gives gave says said shows through since until while under over out into off back like but so too very just ' +
    'only also there here something anything nothing everything somebody we you they he she it i am been being were ' +
    'unknown wrong right good node nodes pod pods port ports host hosts prod production minutes hours oomkilled k8s kubernetes ' +
    'postgres pg mysql redis this which some'
  ).split(' '),
]);
