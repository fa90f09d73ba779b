/** Programs that a server may have and playbooks may need, and how to tell that one is there. Pure. */
/** Name → the programs of which one has to be there. Looked for in the usual folders of `PATH`. */
export const softwarePrograms = {
  apt: ['apt-get'],
  certbot: ['certbot'],
  chrony: ['chronyc'],
  compose: [
    'docker-compose',
    '/usr/libexec/docker/cli-plugins/docker-compose',
    '/usr/lib/docker/cli-plugins/docker-compose',
  ],
  cron: ['crontab'],
  docker: ['docker'],
  fail2ban: ['fail2ban-client'],
  git: ['git'],
  kubectl: ['kubectl'],
  logrotate: ['logrotate'],
  nftables: ['nft'],
  nginx: ['nginx'],
  postgresql: ['psql'],
  redis: ['redis-cli', 'valkey-cli'],
  sshd: ['sshd'],
  timesyncd: ['/usr/lib/systemd/systemd-timesyncd', '/lib/systemd/systemd-timesyncd'],
  resolved: ['resolvectl'],
  unattended_upgrades: ['unattended-upgrade'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Software = keyof typeof softwarePrograms;
