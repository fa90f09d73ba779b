/** Reads the names of things out of a plain description: containers, projects, databases, apps, hosts. Pure. */
import { noNames } from './unit-names.ts';

/** What a description names. Absent: it does not say. */
export interface Names {
  readonly container?: string;
  /** A project of Compose. */
  readonly project?: string;
  readonly database?: string;
  readonly app?: string;
  /** A namespace of Kubernetes. */
  readonly namespace?: string;
  readonly hosts?: readonly string[];
}

const NAME = '([a-z0-9_][a-z0-9_.-]{1,60})';
const QUOTE = '["\'`“”]?';

/** Where the name stands beside the word that says what it is. The first pattern that gives a name counts. */
const PLACES: Readonly<Record<Exclude<keyof Names, 'hosts'>, readonly RegExp[]>> = {
  container: [
    new RegExp(`\\bcontainer (?:called |named )?${QUOTE}${NAME}`, 'g'),
    new RegExp(`(?<![\\w/.-])${NAME}${QUOTE} container\\b`, 'g'),
    new RegExp(`\\bdocker (?:logs|inspect|restart|start|stop|exec(?: -it)?) ${NAME}`, 'g'),
  ],
  project: [
    new RegExp(`\\b(?:compose )?project (?:called |named )?${QUOTE}${NAME}`, 'g'),
    new RegExp(`(?<![\\w/.-])${NAME}${QUOTE} (?:compose )?(?:project|stack)\\b`, 'g'),
    new RegExp(`\\bcompose -p ${NAME}`, 'g'),
  ],
  database: [
    new RegExp(`\\b(?:database|datenbank|db|dbname)[ =](?:called |named )?${QUOTE}${NAME}`, 'g'),
    new RegExp(`(?<![\\w/.-])${NAME}${QUOTE} (?:database|datenbank|db)(?![\\w.-])`, 'g'),
  ],
  app: [
    new RegExp(`\\b(?:app|application) (?:called |named )?${QUOTE}${NAME}`, 'g'),
    new RegExp(`(?<![\\w/.-])${NAME}${QUOTE} (?:app|application|deploy|deployment|release)\\b`, 'g'),
    new RegExp(`\\b(?:deploy(?:ed|ing|ment)?|release|rollback|rolled back|roll back)(?: of)?(?: the)? ${NAME}`, 'g'),
  ],
  namespace: [new RegExp(`\\b(?:namespace|ns|-n) ${QUOTE}${NAME}`, 'g')],
};

/** `text` is in lower case. */
export function readNames(text: string): Names {
  const found = Object.entries(PLACES).flatMap(([what, patterns]) => {
    const name = firstName(text, patterns);
    return name === undefined ? [] : [[what, name] as const];
  });
  const hosts = readHosts(text);
  return { ...Object.fromEntries(found), ...(hosts.length === 0 ? {} : { hosts }) };
}

function firstName(text: string, patterns: readonly RegExp[]): string | undefined {
  for (const pattern of patterns)
    for (const match of text.matchAll(pattern)) {
      const name = match[1]?.replace(/[.:-]+$/, '') ?? '';
      if (name.length > 1 && !noNames.has(name) && /[a-z]/.test(name) && !/\.\w+$/.test(name)) return name;
    }
  return undefined;
}

/** Endings of words with dots that are files, units and classes, not hosts. */
const NO_DOMAIN =
  /\.(?:service|socket|timer|target|mount|slice|scope|log|conf|cfg|ya?ml|json|ini|env|sh|py|js|ts|rb|php|go|rs|java|sql|txt|gz|tar|zip|sock|pid|out|err|lock|[a-z]*(?:error|exception))$/;
const HOSTS_MOST = 5;

function readHosts(text: string): string[] {
  const words = text.matchAll(/(?<![\w/@.-])((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,6}[a-z]{2,20})(?![\w-])/g);
  const hosts = [...words].map((match) => match[1] ?? '').filter((host) => !NO_DOMAIN.test(host));
  const fromLinks = [...text.matchAll(/\bhttps?:\/\/([a-z0-9.-]+\.[a-z]{2,20})\b/g)].map((match) => match[1] ?? '');
  return [...new Set([...fromLinks, ...hosts])].slice(0, HOSTS_MOST);
}
