/**
 * Programs that start another program, and where in their words it stands. Sources: env(1), sudo(8), xargs(1), timeout(1), ssh(1),
 * find(1) and their like. What is missing here is told as what it is: a program that nobody looked into.
 */

/** What stands behind a program: another program with its words, or a text that a shell reads. */
export type Inner =
  /** `guessed`: an option stands before it that we do not know, so it may be the value of that. */
  | { readonly kind: 'argv'; readonly argv: readonly string[]; readonly guessed?: true }
  | { readonly kind: 'text'; readonly text: string; readonly where?: string }
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
}

const wrappers: Readonly<Record<string, Wrapper>> = {
  env: { valued: '-u --unset -C --chdir -a --argv0', variables: true },
  sudo: { valued: '-u -g -h -p -C -r -t -T -U -D -R --user --group --host --prompt --chdir --chroot', variables: true },
  doas: { valued: '-u -C' },
  nohup: {},
  setsid: {},
  command: {},
  exec: { valued: '-a' },
  builtin: {},
  time: { valued: '-f -o' },
  nice: { valued: '-n --adjustment' },
  ionice: { valued: '-c -n -p -P -u --class --classdata' },
  timeout: { valued: '-s -k --signal --kill-after', own: 1 },
  stdbuf: { valued: '-i -o -e' },
  chrt: { own: 1 },
  taskset: { own: 1 },
  chroot: { valued: '--userspec --groups', own: 1 },
  flock: { valued: '-w -E --timeout', own: 1 },
  xargs: { valued: '-I -n -P -a -d -L -s -E --max-args --max-procs --arg-file --delimiter --replace' },
  parallel: { valued: '-j -a --jobs' },
  strace: { valued: '-o -e -p -s -u' },
  ltrace: { valued: '-o -e -p -s -u' },
  unshare: { valued: '-S -G -R -w' },
  nsenter: { valued: '-t -S -G --target' },
  setpriv: { valued: '--reuid --regid --groups --inh-caps' },
  runuser: { valued: '-u -g -G --user --group' },
  'systemd-run': { valued: '-u -p -E -M -H --unit --property --setenv --uid --gid --slice --on-active' },
  'start-stop-daemon': { valued: '--pidfile --chuid --user --name' },
  busybox: {},
  toybox: {},
  eval: { joined: 'here' },
  watch: { valued: '-n --interval', joined: 'here' },
  ssh: { valued: '-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w', own: 1, joined: 'elsewhere' },
};

const SHELLS = /^(sh|bash|dash|ash|zsh|ksh|mksh|rbash)$/;
const INTERPRETERS =
  /^(perl|python[\d.]*|ruby|node|php\d*|lua[\d.]*|awk|gawk|mawk|nawk|tclsh|expect|sed|ed|vim?|emacs|make|gdb|psql|mysql|sqlite3|redis-cli)$/;

/** What a command starts besides its own program; empty when that is all. `argv` as a person wrote it. */
export function innerOf(argv: readonly string[]): Inner[] {
  const [first = '', ...words] = argv;
  const program = baseName(first);
  if (SHELLS.test(program)) return [shellInner(program, words)];
  if (program === 'su') return suInner(words);
  if (program === 'script') return optionText(words, ['-c', '--command']);
  if (program === 'find') return findInner(words);
  if (program === 'docker' || program === 'podman' || program === 'kubectl') return containerInner(words);
  if (INTERPRETERS.test(program))
    return [{ kind: 'unclear', because: `${program} can do whatever its own text says, and that was not looked into` }];
  if (!Object.hasOwn(wrappers, program)) return [];
  if (program === 'env' && words.some((word) => /^(-[a-zA-Z]*S|--split-string)/.test(word)))
    return [{ kind: 'unclear', because: 'env takes a text apart by itself (-S)' }];
  return wrapped(wrappers[program] ?? {}, words);
}

/** The name of a program without its folder. */
export const baseName = (word: string): string => word.slice(word.lastIndexOf('/') + 1);

function wrapped({ valued = '', own = 0, joined, variables }: Wrapper, words: readonly string[]): Inner[] {
  const takesValue = new Set(valued.split(' '));
  let [n, left, guessed] = [0, own, false];
  for (; n < words.length; n += 1) {
    const word = words[n] ?? '';
    if (word === '--') {
      n += 1 + left;
      break;
    }
    if (takesValue.has(word)) n += 1;
    else if (word.startsWith('-') && word !== '-') guessed ||= !word.includes('=');
    else if (variables && /^[A-Za-z_]\w*=/.test(word)) continue;
    else if (left > 0) left -= 1;
    else break;
  }
  const rest = words.slice(n);
  if (rest.length === 0) return [];
  if (joined === undefined) return [{ kind: 'argv', argv: rest, ...(guessed ? { guessed: true } : {}) }];
  const where = joined === 'elsewhere' ? { where: 'on another machine' } : {};
  return [{ kind: 'text', text: rest.join(' '), ...where }];
}

function shellInner(program: string, words: readonly string[]): Inner {
  const at = words.findIndex((word) => /^-[a-zA-Z]*c[a-zA-Z]*$/.test(word));
  const text = at < 0 ? undefined : words.slice(at + 1).find((word) => !/^[-+]/.test(word));
  if (text !== undefined) return { kind: 'text', text };
  const file = words.find((word) => !/^[-+]/.test(word));
  return {
    kind: 'unclear',
    because:
      file === undefined
        ? `${program} runs what it is given to read`
        : `${program} runs the file ${file}, which was not looked into`,
  };
}

function suInner(words: readonly string[]): Inner[] {
  const found = optionText(words, ['-c', '--command', '--session-command']);
  return found.length > 0 ? found : [{ kind: 'unclear', because: 'su starts a shell' }];
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
  const dashes = words.indexOf('--', at);
  if (dashes >= 0) return wrapped({}, words.slice(dashes + 1));
  return wrapped(
    { valued: '-u -w -e -v -p --user --workdir --env --name -n --namespace -c --network', own: 1 },
    words.slice(at + 1),
  );
}
