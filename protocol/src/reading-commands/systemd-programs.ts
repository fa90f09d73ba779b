/** Programs of systemd that tell of units and of the journal. Sources: systemctl(1), journalctl(1), systemd-analyze(1). */
import { none, type Operands, type Options, type Program } from './program.ts';
import { name, number, oneOf, someOf, time, unit } from './value-kinds.ts';

const units: Operands = { kind: unit, least: 0, most: 20 };
const oneUnit: Operands = { kind: unit, least: 1, most: 20 };

const UNIT_PROPERTIES =
  'Id Names Description LoadState ActiveState SubState UnitFileState UnitFilePreset FragmentPath DropInPaths MainPID ControlPID ExecMainStatus ExecMainCode ExecMainPID ExecMainStartTimestamp ExecMainExitTimestamp ActiveEnterTimestamp ActiveExitTimestamp InactiveEnterTimestamp StateChangeTimestamp NRestarts Result Restart RestartUSec MemoryCurrent MemoryPeak MemoryMax MemoryHigh MemoryAvailable CPUUsageNSec CPUQuotaPerSecUSec TasksCurrent TasksMax LimitNOFILE LimitNPROC OOMPolicy Type User Group Slice ControlGroup Requires Wants After Before WantedBy RequiredBy Conflicts NextElapseUSecRealtime LastTriggerUSec InvocationID CanReload CanStart CanStop NeedDaemonReload TimeoutStartUSec TimeoutStopUSec'.split(
    ' ',
  );
const properties = someOf(...UNIT_PROPERTIES);
const states = someOf(
  ...'active inactive failed activating deactivating reloading running exited dead waiting listening mounted plugged enabled disabled static masked loaded not-found'.split(
    ' ',
  ),
);
const types = someOf(...'service socket timer target mount path slice scope swap automount device'.split(' '));

const systemctl: Options = {
  letters: 'alqr',
  long: [
    '--all',
    '--full',
    '--no-pager',
    '--no-legend',
    '--plain',
    '--failed',
    '--reverse',
    '--quiet',
    '--recursive',
    '--value',
  ],
  values: {
    '-n': number,
    '--lines': number,
    '-t': types,
    '--type': types,
    '--state': states,
    '-p': properties,
    '--property': properties,
    '-o': oneOf('short', 'short-iso', 'cat', 'json'),
    '--output': oneOf('short', 'short-iso', 'cat', 'json'),
  },
  verbs: {
    status: oneUnit,
    'is-active': oneUnit,
    'is-enabled': oneUnit,
    'is-failed': units,
    'list-units': units,
    'list-timers': units,
    'list-sockets': units,
    'list-unit-files': units,
    'list-dependencies': units,
  },
};

/** A row of its own beside the other verbs: without properties named, `show` prints the environment of a unit too. */
export const systemctlShow: Options = { ...systemctl, needs: ['-p', '--property'], verbs: { show: units } };

const OUTPUTS = oneOf(
  'short',
  'short-iso',
  'short-iso-precise',
  'short-precise',
  'short-full',
  'short-unix',
  'short-monotonic',
  'with-unit',
  'cat',
);
const priority = (word: string) =>
  /^(emerg|alert|crit|err|error|warning|notice|info|debug|[0-7])(\.\.(emerg|alert|crit|err|warning|notice|info|debug|[0-7]))?$/.test(
    word,
  )
    ? []
    : null;
const boot = (word: string) => (/^(-?\d{1,3}|[0-9a-f]{32})$/.test(word) ? [] : null);
const match = (word: string) =>
  /^(_PID=\d{1,10}|_UID=\d{1,10}|_SYSTEMD_UNIT=[\w:.@-]{1,200}|_TRANSPORT=[a-z]{1,20})$/.test(word) ? [] : null;

/** No `-g`: to search what redaction hides is to ask about it. No `-f`: it never ends. */
const journalctl: Options = {
  letters: 'kaqrxlm',
  long: [
    '--dmesg',
    '--no-pager',
    '--quiet',
    '--reverse',
    '--all',
    '--no-full',
    '--full',
    '--utc',
    '--no-hostname',
    '--list-boots',
    '--disk-usage',
    '--no-tail',
    '--catalog',
  ],
  values: {
    '-u': unit,
    '--unit': unit,
    '-n': number,
    '--lines': number,
    '-S': time,
    '--since': time,
    '-U': time,
    '--until': time,
    '-p': priority,
    '--priority': priority,
    '-t': name,
    '--identifier': name,
    '-o': OUTPUTS,
    '--output': OUTPUTS,
    '--facility': someOf('kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'cron', 'authpriv'),
  },
  maybe: { '-b': boot, '--boot': boot },
  operands: { kind: match, least: 0, most: 5 },
};

export const systemdPrograms = {
  systemctl: { tells: 'the state of units', takes: systemctl, always: ['--no-pager'] },
  journalctl: { tells: 'lines of the journal', takes: journalctl, always: ['--no-pager'] },
  'systemd-analyze': {
    tells: 'how long the start took',
    takes: { long: ['--no-pager'], verbs: { time: none, blame: none, 'critical-chain': units } },
    always: ['--no-pager'],
  },
  'systemd-cgls': {
    tells: 'the processes of every unit',
    takes: { letters: 'l', long: ['--no-pager', '--full'] },
    always: ['--no-pager'],
  },
} satisfies Readonly<Record<string, Program>>;
