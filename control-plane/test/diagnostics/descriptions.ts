/**
 * Descriptions of trouble as tired people write them, each with the diagnostic that ought to be among the first three, and
 * the parameters that ought to be read out of it. All were written before the vocabulary; it was fitted to `known` alone, so
 * that `unseen` tells how it does with words that nobody thought of.
 */
import { known } from './known-descriptions.ts';
import { unseen } from './unseen-descriptions.ts';

/** The families of the catalog. */
export const families = [
  'overview',
  'disk',
  'inodes',
  'memory_oom',
  'swap',
  'cpu_runaway',
  'zombies',
  'service',
  'failed_units',
  'logs',
  'network_ports',
  'conntrack_fd',
  'nginx',
  'tls_certs',
  'dns',
  'time_sync',
  'docker',
  'compose',
  'postgres',
  'redis',
  'cron_timers',
  'ssh_auth',
  'packages',
  'firewall',
  'deploy',
  'storage_hw',
  'k8s',
] as const;
export type Family = (typeof families)[number];

export interface Labelled {
  readonly says: string;
  readonly wants: Family;
  readonly parameters?: Readonly<Record<string, unknown>>;
}

export { known, unseen };
