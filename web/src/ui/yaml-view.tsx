/** YAML to read: keys, comments and templates set apart. Colours help; the text alone says it all. */
import type { ReactNode } from 'react';
import { CopyButton } from './copy.tsx';
import { ScrollBox } from './scroll-box.tsx';

export function YamlView({ text, label }: { text: string; label: string }) {
  return (
    <div className="overflow-hidden rounded-xl border border-line bg-surface shadow-lift">
      <div className="flex items-center justify-between gap-3 border-b border-line py-1.5 pr-1.5 pl-4 text-xs text-dim">
        <span className="truncate">{label}</span>
        <CopyButton text={text} />
      </div>
      <ScrollBox label={label}>
        <pre className="w-fit px-4 py-3 font-mono text-xs leading-5">
          {text
            .replace(/\n$/, '')
            .split('\n')
            .map((line, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the lines of one text
              <span key={at}>
                {paint(line)}
                {'\n'}
              </span>
            ))}
        </pre>
      </ScrollBox>
    </div>
  );
}

function paint(line: string): ReactNode {
  const [, body = line, comment = ''] = /^(.*?)((?:^|\s)#.*)?$/.exec(line) ?? [];
  const [, indent = '', key = '', rest = body] = /^(\s*(?:- )?)([\w."'-]+:)(.*)$/.exec(body) ?? [];
  return (
    <>
      {indent}
      {key && <span className="text-accent">{key}</span>}
      {templates(rest)}
      {comment && <span className="text-faint">{comment}</span>}
    </>
  );
}

function templates(text: string): ReactNode {
  return text.split(/(\{\{\w+\}\})/).map((part, at) =>
    at % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one line
      <span key={at} className="text-odd">
        {part}
      </span>
    ) : (
      part
    ),
  );
}
