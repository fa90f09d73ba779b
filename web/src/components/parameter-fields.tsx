/** A form made from the declared parameters of a playbook or a diagnostic. */
import type { PlaybookView } from '@countersign/protocol/operator-api/index';
import { Check, Field, Input, Select } from '../ui/field.tsx';

export type ParameterSpec = PlaybookView['parameters'][number];
/** What stands in the fields. Missing: untouched. */
export type ParameterTexts = Readonly<Record<string, string>>;

const examples: Readonly<Record<string, string>> = {
  unit: 'nginx.service',
  path: '/etc/nginx/nginx.conf',
  url: 'http://127.0.0.1/health',
  host: 'example.org',
  duration: '30s, 15m, 24h, 7d',
  size: '500M, 2G',
  port: '8080',
};

/** What the fields hold at first: given values, else the defaults. */
export function firstTexts(
  specs: readonly ParameterSpec[],
  given: Readonly<Record<string, unknown>> = {},
): ParameterTexts {
  return Object.fromEntries(
    specs.flatMap(({ name, default: usual }) => {
      const value = given[name] ?? usual;
      return value === undefined ? [] : [[name, typeof value === 'string' ? value : JSON.stringify(value)]];
    }),
  );
}

/** The values to send. Empty optional fields are left out; the control plane judges the rest. */
export function valuesOf(
  specs: readonly ParameterSpec[],
  texts: ParameterTexts,
): Record<string, string | number | boolean> {
  return Object.fromEntries(
    specs.flatMap(({ name, type }): [string, string | number | boolean][] => {
      const text = texts[name] ?? '';
      if (text === '') return [];
      if (type === 'boolean') return [[name, text === 'true']];
      if ((type === 'integer' || type === 'port') && /^-?\d+$/.test(text)) return [[name, Number(text)]];
      return [[name, text]];
    }),
  );
}

interface ParameterFieldsProps {
  specs: readonly ParameterSpec[];
  texts: ParameterTexts;
  onChange: (texts: ParameterTexts) => void;
}

export function ParameterFields({ specs, texts, onChange }: ParameterFieldsProps) {
  const set = (name: string, text: string) => onChange({ ...texts, [name]: text });
  return specs.map((spec) => {
    const { name, type, summary, required, choices } = spec;
    const text = texts[name] ?? '';
    if (type === 'boolean')
      return (
        <Check
          key={name}
          label={name}
          hint={summary}
          checked={text === 'true'}
          onChange={(event) => set(name, String(event.target.checked))}
        />
      );
    return (
      <Field key={name} label={name} hint={summary} note={noteOf(spec, text)}>
        {(props) =>
          choices ? (
            <Select
              {...props}
              className="w-full"
              value={text}
              required={required}
              onChange={(event) => set(name, event.target.value)}
            >
              {(!required || text === '') && <option value="">—</option>}
              {choices.map((choice) => (
                <option key={choice}>{choice}</option>
              ))}
            </Select>
          ) : (
            <Input
              {...props}
              mono
              required={required}
              spellCheck={false}
              autoCapitalize="off"
              inputMode={type === 'integer' || type === 'port' ? 'numeric' : undefined}
              placeholder={examples[type]}
              value={text}
              onChange={(event) => set(name, event.target.value)}
            />
          )
        }
      </Field>
    );
  });
}

function noteOf({ required, default: usual, minimum, maximum }: ParameterSpec, text: string) {
  const bounds =
    minimum !== undefined && maximum !== undefined
      ? `${minimum} to ${maximum}`
      : minimum !== undefined
        ? `at least ${minimum}`
        : maximum !== undefined
          ? `at most ${maximum}`
          : null;
  const usually = usual === undefined ? null : typeof usual === 'string' ? usual : JSON.stringify(usual);
  const changed = usually !== null && text !== usually;
  return [changed ? `default ${usually}` : null, bounds, !required && usual === undefined ? 'optional' : null]
    .filter((part) => part !== null)
    .join(' · ');
}
