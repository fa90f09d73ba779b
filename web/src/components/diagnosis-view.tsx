/** What diagnostics found: worst first, with evidence, causes, and the playbooks that would help as buttons. */
import type { Suggestion } from '@countersign/protocol/findings';
import type { Diagnosis } from '@countersign/protocol/operator-api/index';
import { stripControl } from '@countersign/protocol/text';
import { CircleCheck, Wrench } from 'lucide-react';
import { useState } from 'react';
import { Tag } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { Disclosure } from '../ui/disclosure.tsx';
import { Notice } from '../ui/notice.tsx';
import { ScrollBox } from '../ui/scroll-box.tsx';
import { duration, When } from '../ui/time.tsx';
import { RunPlaybook } from './run-playbook.tsx';
import { SeverityBadge } from './states.tsx';

type Finding = Diagnosis['findings'][number];

export function DiagnosisView({ diagnosis }: { diagnosis: Diagnosis }) {
  const [suggested, setSuggested] = useState<Suggestion | null>(null);
  const { findings, diagnostics, server } = diagnosis;
  const bad = findings.filter(({ severity }) => severity === 'critical' || severity === 'warning').length;
  return (
    <div className="space-y-3">
      <p role="status" className="text-sm text-dim">
        <span className="font-medium text-ink">
          {bad === 0 ? 'Nothing stands out' : `${bad} ${bad === 1 ? 'finding stands' : 'findings stand'} out`}
        </span>{' '}
        on {server.name}, <When at={diagnosis.at} />
        {diagnosis.redactions > 0 && `. ${diagnosis.redactions} secrets were blacked out`}
        {diagnosis.truncated && '. Shortened'}.
        {diagnosis.chosen_because && <span className="block">{stripControl(diagnosis.chosen_because)}</span>}
      </p>
      {diagnostics
        .filter(({ error }) => error !== null)
        .map(({ diagnostic, error }) => (
          <Notice key={diagnostic} tone="warn" title={`${diagnostic}: ${error?.message}`}>
            {error?.next_step}
          </Notice>
        ))}
      {findings.length === 0 && (
        <p className="flex items-center gap-2 rounded-xl border border-line bg-surface px-4 py-3 text-dim">
          <CircleCheck aria-hidden className="size-4 text-ok" /> The diagnostics found nothing to report.
        </p>
      )}
      {findings.length > 0 && (
        <ol className="divide-y divide-line rounded-xl border border-line bg-surface shadow-lift">
          {findings.map((finding, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: findings have no id
            <FindingRow key={at} finding={finding} onSuggested={setSuggested} />
          ))}
        </ol>
      )}
      <Figures diagnostics={diagnostics} />
      {suggested && (
        <RunPlaybook
          playbook={suggested.playbook}
          given={suggested.parameters}
          server={server}
          onClose={() => setSuggested(null)}
        />
      )}
    </div>
  );
}

function FindingRow({ finding, onSuggested }: { finding: Finding; onSuggested: (suggestion: Suggestion) => void }) {
  const { severity, title, since, evidence, causes, suggestions, diagnostic, together } = finding;
  return (
    <li className="px-4 py-3">
      <div className="flex flex-wrap items-start gap-x-3 gap-y-1">
        <SeverityBadge severity={severity} />
        <p className="min-w-0 flex-1 basis-52 font-medium [overflow-wrap:anywhere]">{stripControl(title)}</p>
        <span className="text-xs leading-5 text-faint">
          {diagnostic}
          {since && !Number.isNaN(Date.parse(since)) && (
            <>
              {' '}
              · since <When at={since} />
            </>
          )}
        </span>
      </div>
      {together && <Together {...together} />}
      {causes.length > 0 && (
        <ul className="mt-1.5 list-disc space-y-0.5 pl-5 text-sm text-dim">
          {causes.map((cause) => (
            <li key={cause}>{stripControl(cause)}</li>
          ))}
        </ul>
      )}
      {suggestions.length > 0 && (
        <ul className="mt-2 flex flex-wrap gap-2">
          {suggestions.map((suggestion) => (
            <li
              key={`${suggestion.playbook} ${suggestion.why}`}
              className="flex max-w-full flex-wrap items-center gap-2"
            >
              <Button
                size="sm"
                icon={Wrench}
                disabled={suggestion.unfit !== undefined}
                onClick={() => onSuggested(suggestion)}
                title={suggestion.why}
              >
                {suggestion.playbook}
              </Button>
              <span className="text-sm text-dim">
                {stripControl(suggestion.why)}
                {suggestion.missing && ` You add: ${suggestion.missing.join(', ')}.`}
                {suggestion.unfit && ` Not here: ${stripControl(suggestion.unfit)}.`}
              </span>
            </li>
          ))}
        </ul>
      )}
      {evidence.length > 0 && (
        <div className="mt-2">
          <Disclosure summary="Evidence" open={severity === 'critical'}>
            <div className="space-y-2">
              {evidence.map(({ source, untrusted_output }, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: evidence has no id
                <div key={at} className="overflow-hidden rounded-lg border border-line bg-sunken">
                  <p className="truncate border-b border-line px-3 py-1 font-mono text-2xs text-dim">
                    {stripControl(source)}
                  </p>
                  <ScrollBox label={`Output ${at + 1} of “${title}”: ${source}`} className="max-h-56">
                    <pre className="w-fit px-3 py-2 font-mono text-xs leading-5">{stripControl(untrusted_output)}</pre>
                  </ScrollBox>
                </div>
              ))}
            </div>
          </Disclosure>
        </div>
      )}
    </li>
  );
}

/** Why several findings are shown as one, and which they are. */
function Together({ why, parts }: NonNullable<Finding['together']>) {
  return (
    <div className="mt-1.5 text-sm text-dim">
      {why.map((sentence) => (
        <p key={sentence}>{stripControl(sentence)}</p>
      ))}
      <ul aria-label="Findings that belong together" className="mt-1 space-y-0.5 border-l-2 border-line pl-3">
        {parts.map(({ diagnostic, action, title, since }, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: findings have no id
          <li key={at} className="[overflow-wrap:anywhere]">
            <span className="text-xs text-faint">{diagnostic ?? action}</span> {stripControl(title)}
            {since && !Number.isNaN(Date.parse(since)) && (
              <span className="text-xs text-faint">
                {' '}
                · since <When at={since} />
              </span>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Figures({ diagnostics }: { diagnostics: Diagnosis['diagnostics'] }) {
  const some = diagnostics.some(({ figures }) => Object.keys(figures).length > 0);
  if (!some) return null;
  return (
    <Disclosure summary="All figures">
      <div className="space-y-3">
        {diagnostics.map(({ diagnostic, ms, figures }) => (
          <div key={diagnostic}>
            <p className="mb-1 text-sm">
              <span className="font-medium">{diagnostic}</span> <span className="text-faint">took {duration(ms)}</span>
            </p>
            <p className="flex flex-wrap gap-1">
              {Object.entries(figures).map(([name, value]) => (
                <Tag key={name} mono>
                  {name}={typeof value === 'string' ? stripControl(value) : String(value)}
                </Tag>
              ))}
            </p>
          </div>
        ))}
      </div>
    </Disclosure>
  );
}
