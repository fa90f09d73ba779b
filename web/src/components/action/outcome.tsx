/** What became of a plan: its steps, the check, the undo, and what the server printed. */
import type { ActionDetail, OutputOf } from '@countersign/protocol/operator-api/index';
import { stripControl } from '@countersign/protocol/text';
import { CircleCheck, CircleX } from 'lucide-react';
import { cx } from '../../ui/cx.ts';
import { Notice } from '../../ui/notice.tsx';
import { OutputView } from '../../ui/output-view.tsx';
import { AtClock, duration } from '../../ui/time.tsx';
import { StepBadge, type StepState } from '../states.tsx';

type Result = NonNullable<ActionDetail['result']>;

export function Outcome({ action }: { action: OutputOf<'getAction'> }) {
  const { result, error, state } = action;
  const active = state === 'dispatched' || state === 'running';
  const began = active || state === 'unknown' || result !== null;
  return (
    <div className="space-y-4">
      {error && (
        <Notice tone="crit" title={error.message}>
          {error.next_step}
        </Notice>
      )}
      {began && <Steps action={action} />}
      {result?.check && <CheckReadings check={result.check} />}
      {result && result.undo.state !== 'not_needed' && <Undo undo={result.undo} />}
      {(action.untrusted_output !== '' || state === 'running') && (
        <OutputView
          text={action.untrusted_output}
          label="What the server printed"
          truncated={action.output_truncated}
          live={active}
        />
      )}
    </div>
  );
}

const phaseWords: Readonly<Record<string, string>> = {
  checking: 'Checking that it worked…',
  undoing: 'Taking it back…',
  confirming: 'All is done, and the server waits for somebody to confirm it.',
};

function Steps({ action }: { action: ActionDetail }) {
  const { plan, result, current_step: current, state } = action;
  const currentAt = plan.steps.findIndex(({ id }) => id === current?.step);
  const stateOf = (id: string, at: number): StepState => {
    const ended = result?.steps.find(({ step }) => step === id);
    if (ended) return ended.state;
    if (state === 'unknown') return 'waiting';
    if (current === null || currentAt < 0) return current ? 'done' : 'waiting';
    if (current.phase !== 'running') return 'done';
    return at < currentAt ? 'done' : at === currentAt ? 'running' : 'waiting';
  };
  return (
    <div>
      <ul className="divide-y divide-line rounded-lg border border-line">
        {plan.steps.map(({ id, capability }, at) => {
          const ended = result?.steps.find(({ step }) => step === id);
          return (
            <li key={id} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2 text-sm">
              <span className="w-24 shrink-0">
                <StepBadge state={stateOf(id, at)} />
              </span>
              <span className="font-medium">{id}</span>
              <span className="min-w-0 flex-1 text-dim [overflow-wrap:anywhere]">
                {ended ? stripControl(ended.summary) : capability}
              </span>
              {ended && (
                <span className="text-xs text-faint">
                  {ended.exit_code !== null && `exit ${ended.exit_code}`}
                  {ended.started_at && ended.finished_at
                    ? ` · ${duration(Date.parse(ended.finished_at) - Date.parse(ended.started_at))}`
                    : ''}
                </span>
              )}
            </li>
          );
        })}
      </ul>
      {current && state === 'running' && (
        <p role="status" className="mt-2 text-sm text-info">
          {phaseWords[current.phase] ?? `Step ${current.step} is running…`}
        </p>
      )}
    </div>
  );
}

function CheckReadings({ check }: { check: NonNullable<Result['check']> }) {
  return (
    <div>
      <p className="mb-1.5 text-sm">
        <span className="font-medium">Check</span>{' '}
        <span className={check.passed ? 'text-ok' : 'text-crit'}>{check.passed ? 'passed' : 'did not pass'}</span>
      </p>
      <ul className="space-y-1">
        {check.readings.map((reading, at) => {
          const Icon = reading.passed ? CircleCheck : CircleX;
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: the readings of one check
            <li key={at} className="flex gap-2 text-sm">
              <Icon
                role="img"
                aria-label={reading.passed ? 'holds' : 'does not hold'}
                className={cx('mt-0.5 size-4 shrink-0', reading.passed ? 'text-ok' : 'text-crit')}
              />
              <span className="min-w-0 flex-1 [overflow-wrap:anywhere]">
                <span className="font-mono text-xs text-dim">{reading.capability}</span> {stripControl(reading.said)}
              </span>
              <span className="text-xs text-faint">
                <AtClock at={reading.at} />
              </span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

const undoWords = {
  done: ['ok', 'It was taken back.'],
  failed: ['crit', 'Taking it back failed: look at the server.'],
  impossible: ['warn', 'It cannot be taken back.'],
} as const satisfies Record<Exclude<Result['undo']['state'], 'not_needed'>, unknown>;

function Undo({ undo }: { undo: Result['undo'] }) {
  if (undo.state === 'not_needed') return null;
  const [tone, words] = undoWords[undo.state];
  return (
    <Notice tone={tone} title={words}>
      {undo.steps.length > 0 && (
        <ul>
          {undo.steps.map(({ step, state, summary }) => (
            <li key={step}>
              {step}: {state}. {stripControl(summary)}
            </li>
          ))}
        </ul>
      )}
    </Notice>
  );
}
