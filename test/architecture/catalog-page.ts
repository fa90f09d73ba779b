/** docs/catalog.md, made from the tables themselves. */
import { loadLibrary, type Playbook } from '@countersign/playbooks';
import { capability, diagnosticIds } from '@countersign/protocol';

const HEAD = `# Catalog

Made from the tables of the product; a test keeps it so (\`COUNTERSIGN_RENEW_DOCS=1 node --test test/architecture/catalog.test.ts\` writes
it anew). How a playbook is proved on a real server stands in [how-it-is-tested.md](how-it-is-tested.md).
`;

/** The whole page. */
export async function catalogPage(): Promise<string> {
  const { playbooks } = await loadLibrary();
  const all = [...playbooks.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return [
    HEAD,
    '## Diagnostics\n',
    "They read, need nobody's approval, and return findings. `run_diagnostic` chooses among them by a description.\n",
    table(['id', 'what it looks at', 'parameters'], diagnosticIds.toSorted().map(diagnosticRow)),
    '\n## Playbooks that only read\n',
    table(
      ['id', 'what it is for'],
      all.filter(({ effect }) => effect === 'observe').map((it) => [`\`${it.id}\``, it.summary]),
    ),
    '\n## Playbooks that change something\n',
    'Each waits for a human, is checked afterwards, and is taken back once when the check fails, where that is possible.\n',
    table(
      ['id', 'what it is for', 'risk', 'needs', 'taken back'],
      all.filter(({ effect }) => effect === 'mutate').map(playbookRow),
    ),
    '',
  ].join('\n');
}

function diagnosticRow(id: (typeof diagnosticIds)[number]): string[] {
  const { summary, parameters } = capability(id);
  const names = Object.keys(parameters.shape).map((name) => `\`${name}\``);
  return [`\`${id}\``, summary, names.join(', ')];
}

function playbookRow({ id, summary, risk, needs, reversible }: Playbook): string[] {
  return [`\`${id}\``, summary, risk, needs.join(', '), reversible ? 'yes' : 'no'];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
