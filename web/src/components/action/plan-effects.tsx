/** What the server says will happen: sentences with figures, diffs, and how success is judged afterwards. */
import { describeCondition } from '@countersign/protocol/expectation';
import type { Plan, PlanProbe } from '@countersign/protocol/plan';
import { ArrowRight } from 'lucide-react';
import { DiffView } from '../../ui/diff-view.tsx';
import { Escaped } from '../../ui/escaped.tsx';
import { duration } from '../../ui/time.tsx';

export function PlanEffects({ plan }: { plan: Plan }) {
  const effects = plan.preview.steps.flatMap(({ effects: said }) => said);
  const diffs = plan.preview.steps.filter(({ diff }) => diff !== null);
  return (
    <div className="space-y-3">
      {effects.length > 0 && (
        <ul className="space-y-1">
          {effects.map((effect, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the sentences of one plan
            <li key={at} className="flex gap-2 text-sm">
              <ArrowRight aria-hidden className="mt-0.5 size-4 shrink-0 text-faint" />
              <Escaped text={effect} mono={false} />
            </li>
          ))}
        </ul>
      )}
      {diffs.map(
        ({ step, diff }) => diff !== null && <DiffView key={step} diff={diff} label={`Change by step ${step}`} />,
      )}
      {effects.length === 0 && diffs.length === 0 && (
        <p className="text-sm text-dim">The server says nothing about effects beforehand.</p>
      )}
    </div>
  );
}

/** What must hold before and after, in words. */
export function PlanChecks({ plan }: { plan: Plan }) {
  const { probes, settle_ms, stable_ms } = plan.check;
  return (
    <div className="space-y-2 text-sm">
      {plan.preconditions.length > 0 && <Probes title="Before it starts, this must hold" probes={plan.preconditions} />}
      {probes.length > 0 ? (
        <Probes
          title={`Afterwards${settle_ms > 0 ? `, ${duration(settle_ms)} later` : ''}${stable_ms > 0 ? ` and again after ${duration(stable_ms)}` : ''}, this must hold`}
          probes={probes}
        />
      ) : (
        <p className="text-dim">Nothing is checked afterwards: success is the exit code alone.</p>
      )}
    </div>
  );
}

function Probes({ title, probes }: { title: string; probes: readonly PlanProbe[] }) {
  return (
    <div>
      <p className="text-dim">{title}:</p>
      <ul className="mt-1 space-y-1">
        {probes.map(({ capability, parameters, expect }, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the readings of one plan
          <li key={at}>
            <span className="font-mono text-xs text-dim">{capability}</span>{' '}
            <Escaped text={Object.values(parameters).map(String).join(' ')} />:{' '}
            {Object.entries(expect)
              .map(
                ([field, condition]) =>
                  `${field.replaceAll('_', ' ')} ${'unchanged' in condition ? '' : 'is '}${describeCondition(condition)}`,
              )
              .join(', ')}
          </li>
        ))}
      </ul>
    </div>
  );
}
