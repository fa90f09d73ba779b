import { commandLineOf, type Process, readProcesses, unitOfProcess } from '../../host/processes.ts';
import type { Found } from './discover.ts';

/** Name of the main process → what it is. */
const DATABASES: Readonly<Record<string, string>> = {
  postgres: 'PostgreSQL',
  'redis-server': 'Redis',
  'valkey-server': 'Valkey',
  mysqld: 'MySQL',
  mariadbd: 'MariaDB',
  mongod: 'MongoDB',
  memcached: 'Memcached',
  'clickhouse-serv': 'ClickHouse',
};

/** Databases that run, one for each main process. */
export function findDatabases(processes: readonly Process[] = readProcesses()): Found[] {
  const names = new Map(processes.map(({ pid, name }) => [pid, name]));
  return processes
    .filter(({ name, parent }) => Object.hasOwn(DATABASES, name) && names.get(parent) !== name)
    .map(({ pid, name }) => {
      const unit = unitOfProcess(pid);
      const product = DATABASES[name] ?? name;
      return { name: unit === null ? product : `${product} (${unit})`, state: 'running', detail: placeOf(pid, name) };
    });
}

/** Where its data or its settings are, from its own command line; nothing else of that is shown, since it may hold a password. */
function placeOf(pid: number, name: string): string {
  const place = /(?:-D\s+|--datadir=|--dbpath[ =]|config_file=)(\/[^\s]+)/.exec(commandLineOf(pid))?.[1];
  return place === undefined ? name : `${name}, ${place}`;
}
