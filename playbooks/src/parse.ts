/** From the text of a file to a playbook. */
import { playbookFileSchema } from './format.ts';
import { lint } from './lint.ts';
import { type PlacedProblem, parseYaml } from './parse-yaml.ts';
import { type Playbook, playbookOf } from './playbook.ts';

export type ParsedPlaybook =
  | { readonly playbook: Playbook; readonly problems?: undefined }
  | { readonly playbook?: undefined; readonly problems: readonly PlacedProblem[] };

/** Parses and lints a playbook. `file` is only used to say where a problem is. */
export function parsePlaybook(yamlText: string, { file }: { readonly file: string }): ParsedPlaybook {
  const parsed = parseYaml(yamlText, { file, schema: playbookFileSchema, what: 'a playbook', judge: lint });
  return parsed.problems ? { problems: parsed.problems } : { playbook: playbookOf(parsed.value, yamlText) };
}
