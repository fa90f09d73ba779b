/** Random mixes of the real options of programs, of operands and of what a shell would take for a redirection. Seeded. */
import { type ReadingRules, readingOf, readingPrograms } from '../../src/reading-commands/judge.ts';
import { type Random, seededRandom } from '../seeded-random.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const OPERANDS = [
  '/etc/hosts',
  '/etc/fstab',
  '/etc',
  '/var/log',
  '/etc/canary',
  '/etc/canary/file',
  '/etc/canary/link',
  'nginx',
  'ssh.service',
  'root',
  'status',
  'show',
  'list',
  'list-units',
  'blame',
  'passwd',
  'addr',
  'route',
  'ruleset',
  'MainPID',
  '1',
  '5',
  '-1',
  '+5',
  'aux',
  'ax',
  'e',
  '-name',
  '-type',
  'f',
  '-print',
  '-ls',
  '-delete',
  '-exec',
  '>',
  '/etc/canary/out',
  '@0',
  '+%s',
  '--',
  '!',
  'kernel.hostname',
  'vm.swappiness',
  'dev',
  'eth0',
  'state',
  'established',
  'sport',
  '=',
  ':22',
];

/**
 * So many different mixes that count as reading, out of as many tries as that takes (at most `tries`). `optionsOf` gives the long
 * options that a program itself says it has.
 */
export function readingMixes(
  seed: number,
  wanted: number,
  rules: ReadingRules,
  optionsOf: (program: string) => readonly string[],
  tries = 2_000_000,
): { readonly taken: string[][]; readonly tried: number } {
  const random = seededRandom(seed);
  const programs = Object.keys(readingPrograms);
  const taken = new Map<string, string[]>();
  const perProgram = new Map<string, number>();
  const most = Math.ceil((wanted / programs.length) * 2);
  let tried = 0;
  for (; tried < tries && taken.size < wanted; tried += 1) {
    const program = random.pick(programs);
    if ((perProgram.get(program) ?? 0) >= most) continue;
    const long = optionsOf(program);
    const argv = [program, ...Array.from({ length: random.int(6) }, () => word(random, long))];
    const key = JSON.stringify(argv);
    if (taken.has(key) || readingOf(argv, rules) === null) continue;
    taken.set(key, argv);
    perProgram.set(program, (perProgram.get(program) ?? 0) + 1);
  }
  return { taken: [...taken.values()], tried };
}

function word(random: Random, long: readonly string[]): string {
  const kind = random.int(10);
  if (kind < 3) return `-${random.text(1 + random.int(3), LETTERS)}`;
  if (kind < 4) return `-${random.text(1, LETTERS)}${random.pick(OPERANDS)}`;
  if (kind < 6 && long.length > 0)
    return `${random.pick(long)}${random.int(3) === 0 ? `=${random.pick(OPERANDS)}` : ''}`;
  return random.pick(OPERANDS);
}
