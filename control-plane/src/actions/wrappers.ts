/**
 * Programs that start another program, and where in their words it stands. Sources: env(1), sudo(8), xargs(1), timeout(1), ssh(1),
 * find(1) and their like. What is missing here is told as what it is: a program that nobody looked into.
 */

/** What stands behind a program: another program with its words, or a text that a shell reads. */
export type Inner =
  /** `guessed`: an option stands before it that we do not know, so it may be the value of that. */
  | { readonly kind: 'argv'; readonly argv: readonly string[]; readonly guessed?: true }
  | { readonly kind: 'text'; readonly text: string; readonly where?: string; readonly guessed?: true }
  /** It runs something, and what cannot be said. */
  | { readonly kind: 'unclear'; readonly because: string };

interface Wrapper {
  /** Options that take their value from the next word. */
  readonly valued?: string;
  /** Words of its own before the program: the time of `timeout`, the folder of `chroot`. */
  readonly own?: number;
  /** The rest is joined and read by a shell. */
  readonly joined?: 'here' | 'elsewhere';
  /** Whether `NAME=value` may stand before the program. */
  readonly variables?: true;
  /** Without a program it starts a shell, which reads what it is given. */
  readonly shell?: true;
}

const wrappers: Readonly<Record<string, Wrapper>> = {
  env: { valued: '-u --unset -C --chdir -a --argv0', variables: true },
  sudo: {
    valued: '-u -g -h -p -C -r -t -T -U -D -R --user --group --host --prompt --chdir --chroot',
    variables: true,
    shell: true,
  },
  doas: { valued: '-u -C', shell: true },
  nohup: {},
  setsid: {},
  command: {},
  exec: { valued: '-a' },
  builtin: {},
  pkexec: { valued: '--user', shell: true },
  prlimit: {},
  numactl: {},
  fakeroot: {},
  time: { valued: '-f -o' },
  nice: { valued: '-n --adjustment' },
  ionice: { valued: '-c -n -p -P -u --class --classdata' },
  timeout: { valued: '-s -k --signal --kill-after', own: 1 },
  stdbuf: { valued: '-i -o -e' },
  chrt: { own: 1 },
  taskset: { own: 1 },
  chroot: { valued: '--userspec --groups', own: 1, shell: true },
  flock: { valued: '-w -E --timeout', own: 1 },
  xargs: { valued: '-I -n -P -a -d -L -s -E --max-args --max-procs --arg-file --delimiter --replace' },
  parallel: { valued: '-j -a --jobs', joined: 'here', shell: true },
  strace: { valued: '-o -e -p -s -u' },
  ltrace: { valued: '-o -e -p -s -u' },
  unshare: { valued: '-S -G -R -w', shell: true },
  nsenter: { valued: '-t -S -G --target', shell: true },
  setpriv: { valued: '--reuid --regid --groups --inh-caps' },
  runuser: { valued: '-u -g -G --user --group', shell: true },
  'systemd-run': { valued: '-u -p -E -M -H --unit --property --setenv --uid --gid --slice --on-active' },
  'start-stop-daemon': { valued: '--pidfile --chuid --user --name' },
  busybox: {},
  toybox: {},
  eval: { joined: 'here' },
  watch: { valued: '-n --interval', joined: 'here' },
  ssh: {
    valued: '-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w',
    own: 1,
    joined: 'elsewhere',
    shell: true,
  },
};

const SHELLS = /^(sh|bash|dash|ash|zsh|ksh|mksh|rbash|yash|posh|fish|csh|tcsh)$/;
/** With the version that distributions put behind their names. */
const INTERPRETERS =
  /^(perl|python|pypy|ruby|node|nodejs|deno|bun|php|lua|luajit|awk|gawk|mawk|nawk|tclsh|expect|sed|ed|vim?|emacs|make|gdb|psql|mysql|mariadb|sqlite|redis-cli|socat|at|batch|crontab|screen|tmux|ld-linux.*\.so\.)[\d.]*$/;
/** Words of a shell itself by which it runs a text or a file, or by which a name comes to mean something else. */
const SHELL_WORDS = /^(\.|source|alias|trap|hash|enable|bind|complete)$/;

/** Variables by which a program is made to load, start or look up something else. Sources: ld.so(8), bash(1), git(1), environ(7). */
const STEERING =
  /^(LD_\w+|GLIBC_TUNABLES|GCONV_PATH|PATH|CDPATH|IFS|ENV|BASH_ENV|BASH_FUNC_.*|SHELLOPTS|BASHOPTS|PS4|PROMPT_COMMAND|SHELL|EDITOR|VISUAL|BROWSER|HOME|XDG_CONFIG_\w+|LESS(OPEN|CLOSE)|GIT_\w*(SSH|CONFIG|EXEC|ASKPASS|DIR|PROXY)\w*|PERL5?(LIB|OPT|DB)\w*|PYTHON(PATH|HOME|STARTUP|BREAKPOINT|USERBASE)|RUBY(OPT|LIB)|NODE_(OPTIONS|PATH)|\w*JAVA_(TOOL_)?OPTIONS|\w*(PAGER|ASKPASS|_COMMAND|_PRELOAD|_EDITOR))$/;

export const steers = (variable: string): boolean => STEERING.test(variable);
const STEERED: Inner = { kind: 'unclear', because: 'a variable is set by which programs load or start others' };

/** What a command starts besides its own program; empty when that is all. `argv` as a person wrote it. */
export function innerOf(argv: readonly string[]): Inner[] {
  const [first = '', ...words] = argv;
  const program = baseName(first);
  if (SHELLS.test(program)) return [shellInner(program, words)];
  if (program === 'su') return suInner(words);
  if (program === 'script') return scriptInner(words);
  if (SHELL_WORDS.test(first))
    return [{ kind: 'unclear', because: `${first} has the shell run what was not looked into` }];
  if (program === 'find') return findInner(words);
  if (program === 'docker' || program === 'podman' || program === 'kubectl') return containerInner(words);
  if (INTERPRETERS.test(program))
    return [{ kind: 'unclear', because: `${program} can do whatever its own text says, and that was not looked into` }];
  if (!Object.hasOwn(wrappers, program)) return [];
  if (program === 'env' && words.some((word) => /^(-[a-zA-Z]*S|--split-string)/.test(word)))
    return [{ kind: 'unclear', because: 'env takes a text apart by itself (-S)' }];
  if (program === 'ssh' && words.some((word) => /command|^-F/i.test(word)))
    return [
      { kind: 'unclear', because: 'ssh may be told to start programs here' },
      ...wrapped(wrappers.ssh ?? {}, words),
    ];
  return wrapped(wrappers[program] ?? {}, words);
}

/** The name of a program without its folder. */
export const baseName = (word: string): string => word.slice(word.lastIndexOf('/') + 1);

function wrapped({ valued = '', own = 0, joined, variables, shell }: Wrapper, words: readonly string[]): Inner[] {
  const takesValue = new Set(valued.split(' '));
  let [n, left, guessed, ended, steered] = [0, own, false, false, false];
  for (; n < words.length; n += 1) {
    const word = words[n] ?? '';
    if (variables && (ended ? /^[^=]+=/ : /^[^=-][^=]*=/).test(word))
      steered ||= steers(word.slice(0, word.indexOf('=')));
    else if (!ended && word === '--') ended = true;
    else if (!ended && takesValue.has(word)) n += 1;
    // `env -` is `env -i`.
    else if (!ended && word.startsWith('-')) guessed ||= !word.includes('=');
    else if (left > 0) left -= 1;
    else break;
  }
  const rest = words.slice(n);
  if (rest.length === 0)
    return shell ? [{ kind: 'unclear', because: 'no program is named, so it starts a shell' }] : [];
  const more = steered ? [STEERED] : [];
  const unsure = guessed ? ({ guessed: true } as const) : {};
  if (joined === undefined) return [...more, { kind: 'argv', argv: rest, ...unsure }];
  const where = joined === 'elsewhere' ? { where: 'on another machine' } : {};
  return [...more, { kind: 'text', text: rest.join(' '), ...where, ...unsure }];
}

/**
 * `-c` counts among the options only: behind the first other word it belongs to the script that this names. Each `o` and `O` among the
 * letters takes a value from the words behind. Source: bash(1), dash(1).
 */
function shellInner(program: string, words: readonly string[]): Inner {
  let isText = false;
  for (let n = 0; n < words.length; n += 1) {
    const word = words[n] ?? '';
    const next = word === '--' || word === '-' ? words[n + 1] : /^[-+]/.test(word) ? null : word;
    if (next !== null) return isText && next !== undefined ? { kind: 'text', text: next } : unseenFile(program, next);
    if (/^--(rcfile|init-file)$/.test(word)) return unseenFile(program, words[n + 1]);
    if (!/^[-+][a-zA-Z]+$/.test(word)) continue;
    isText ||= word.startsWith('-') && word.includes('c');
    n += word.match(/o/gi)?.length ?? 0;
  }
  return unseenFile(program, undefined);
}

const unseenFile = (program: string, file: string | undefined): Inner => ({
  kind: 'unclear',
  because:
    file === undefined
      ? `${program} runs what it is given to read`
      : `${program} runs the file ${file}, which was not looked into`,
});

function suInner(words: readonly string[]): Inner[] {
  const found = optionText(words, ['-c', '--command', '--session-command']);
  return found.length > 0 ? found : [{ kind: 'unclear', because: 'su starts a shell' }];
}

function scriptInner(words: readonly string[]): Inner[] {
  const found = optionText(words, ['-c', '--command']);
  return found.length > 0 ? found : [{ kind: 'unclear', because: 'script starts a shell' }];
}

function optionText(words: readonly string[], names: readonly string[]): Inner[] {
  for (const [n, word] of words.entries()) {
    const at = word.indexOf('=');
    if (at > 0 && names.includes(word.slice(0, at))) return [{ kind: 'text', text: word.slice(at + 1) }];
    const next = words[n + 1];
    const isNamed = names.includes(word) || /^-[a-zA-Z]+c$/.test(word);
    if (isNamed && next !== undefined) return [{ kind: 'text', text: next }];
  }
  return [];
}

/** Every `-exec`, up to its `;` or `+`. */
function findInner(words: readonly string[]): Inner[] {
  return words.flatMap((word, n): Inner[] => {
    if (!/^-(exec|execdir|ok|okdir)$/.test(word)) return [];
    const rest = words.slice(n + 1);
    const end = rest.findIndex((each) => each === ';' || each === '+');
    return [{ kind: 'argv', argv: end < 0 ? rest : rest.slice(0, end) }];
  });
}

/** `docker exec NAME PROGRAM …`, `docker run IMAGE PROGRAM …`, `kubectl exec POD -- PROGRAM …`. */
function containerInner(words: readonly string[]): Inner[] {
  const at = words.findIndex((word) => word === 'exec' || word === 'run');
  if (at < 0) return [];
  if (words.some((word) => word.startsWith('--entrypoint')))
    return [{ kind: 'unclear', because: 'the container starts another program than its words say (--entrypoint)' }];
  const dashes = words.indexOf('--', at);
  if (dashes >= 0) return wrapped({}, words.slice(dashes + 1));
  return wrapped(
    { valued: '-u -w -e -v -p --user --workdir --env --name -n --namespace -c --network', own: 1 },
    words.slice(at + 1),
  );
}
