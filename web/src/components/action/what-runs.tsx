/** Exactly what will be started on the server, step by step, word for word. */
import { capability } from '@countersign/protocol/capabilities/index';
import type { Plan, PlanStep, StepPreview } from '@countersign/protocol/plan';
import { Escaped } from '../../ui/escaped.tsx';
import { Notice } from '../../ui/notice.tsx';

export function WhatRuns({ plan, explained = [] }: { plan: Plan; explained?: readonly string[] | undefined }) {
  return (
    <div className="space-y-3">
      {!plan.preview.predictable && (
        <Notice tone="warn" title="What this does cannot be predicted.">
          The program is shown exactly; what it changes is not known before it runs.
        </Notice>
      )}
      <ol className="space-y-3">
        {plan.steps.map((step, at) => (
          <Step
            key={step.id}
            number={at + 1}
            step={step}
            preview={plan.preview.steps.find((preview) => preview.step === step.id)}
          />
        ))}
      </ol>
      {explained.length > 0 && (
        <Notice tone="info" title="Explained (our reading, not proof)">
          <ul className="list-disc space-y-1 pl-4">
            {explained.map((words) => (
              <li key={words}>
                <Escaped text={words} />
              </li>
            ))}
          </ul>
        </Notice>
      )}
    </div>
  );
}

interface StepProps {
  number: number;
  step: PlanStep;
  preview: StepPreview | undefined;
}

function Step({ number, step, preview }: StepProps) {
  const argvs = preview?.argv ?? [];
  return (
    <li className="flex gap-3">
      <span
        aria-hidden
        className="mt-px flex size-5 shrink-0 items-center justify-center rounded-full bg-sunken text-2xs font-semibold text-dim"
      >
        {number}
      </span>
      <div className="min-w-0 flex-1">
        <p className="text-sm">
          {capability(step.capability).summary} <span className="font-mono text-xs text-faint">{step.capability}</span>
        </p>
        {argvs.length === 0 ? (
          <p className="mt-1 text-sm text-dim">No process is started: the agent makes this change itself.</p>
        ) : (
          <div className="mt-1.5 space-y-1">
            {argvs.map((argv, line) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the lines of one step
              <Argv key={line} argv={argv} />
            ))}
          </div>
        )}
      </div>
    </li>
  );
}

/** One process: each word in a box of its own, so that no space inside a word can pass for one between words. */
function Argv({ argv }: { argv: readonly string[] }) {
  return (
    <p className="flex flex-wrap gap-1 rounded-lg border border-line bg-sunken p-1.5 text-sm">
      {argv.map((word, at) => (
        <code
          // biome-ignore lint/suspicious/noArrayIndexKey: the words of one command line
          key={at}
          className={`whitespace-pre-wrap rounded border border-line bg-surface px-1.5 ${at === 0 ? 'font-semibold' : ''}`}
        >
          {word === '' ? <span className="text-faint">(empty)</span> : <Escaped text={word} />}
        </code>
      ))}
    </p>
  );
}
