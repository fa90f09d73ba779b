/** How a run ended, or that somebody has to confirm it, as a reply to its card. Pure. */
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import type { FormattedString } from '@grammyjs/parse-mode';
import { bold, fmt, inWords, type Line, lines, sentence, timeOfDay, title, value } from './words.ts';

type Result = NonNullable<ActionDetail['result']>;

/** The reply, or null where the edited card says it all: nothing was going to run, or nothing has ended yet. */
export function renderResult(detail: ActionDetail): FormattedString | null {
  const wasApproved = detail.history.some(({ event }) => event === 'approve');
  switch (detail.state) {
    case 'succeeded':
      return lines([headline('✅', 'Succeeded', detail), ...resultLines(detail)]);
    case 'failed':
      return lines([headline('❌', 'Failed', detail), ...resultLines(detail)]);
    case 'stopped':
      return lines([headline('⏹', 'Stopped', detail), ...resultLines(detail)]);
    case 'refused':
      return lines([headline('⛔', 'Refused by the server', detail), ...errorLines(detail)]);
    case 'unknown':
      return lines([
        headline('❔', 'Outcome not known', detail),
        fmt`Contact with ${value(detail.server.name)} was lost. What ran is told as soon as the server is back.`,
      ]);
    case 'running':
      return detail.confirm_by === null ? null : lines([confirmHeadline(detail), ...confirmLines(detail)]);
    case 'expired':
      return wasApproved ? lines([headline('⌛', 'Approved, but not started in time', detail), nothingRan]) : null;
    case 'denied':
      return wasApproved
        ? lines([headline('⛔', 'Policy denies it now', detail), ...errorLines(detail), nothingRan])
        : null;
    case 'withdrawn':
      return wasApproved ? lines([headline('↩️', 'Withdrawn after the approval', detail), nothingRan]) : null;
    default:
      return null;
  }
}

function confirmHeadline(detail: ActionDetail): FormattedString {
  return fmt`⏰ ${bold(fmt`Can ${value(detail.server.name)} still be reached?`)} ${title(detail.title)}`;
}

function confirmLines({ plan, confirm_by, lock }: ActionDetail): Line[] {
  const by = confirm_by === null ? '' : fmt` at ${bold(timeOfDay(confirm_by))}`;
  return [
    ...(plan.confirm === null ? [] : [fmt`It is done, but ${sentence(plan.confirm.because)}.`]),
    'Check now, on a new connection. When in doubt, do nothing.',
    fmt`The server takes it back${by} unless somebody confirms, ${lock === null ? 'on the card above' : 'with a signature, on the page of the action'}.`,
  ];
}

const nothingRan = 'Nothing ran.';

function headline(mark: string, words: string, detail: ActionDetail): FormattedString {
  return fmt`${mark} ${bold(words)}: ${title(detail.title)}`;
}

function errorLines({ error }: ActionDetail): Line[] {
  return error === null ? [] : [sentence(error.message), sentence(error.next_step)];
}

function resultLines(detail: ActionDetail): Line[] {
  const { result, server, fingerprint } = detail;
  if (result === null) return closingLines(detail);
  const ms = Date.parse(result.finished_at) - Date.parse(result.started_at);
  return [
    fmt`On ${value(server.name)}, after ${inWords(ms)}. Fingerprint ${value(fingerprint)}`,
    ...closingLines(detail),
    sentence(result.summary),
    ...stepLines(result.steps),
    ...checkLines(result),
    ...undoLines(result),
  ];
}

/** Who closed an action whose outcome stayed unknown, and why. */
function closingLines({ history }: ActionDetail): Line[] {
  const last = history.at(-1);
  return last?.event === 'close' ? [fmt`Closed by ${value(last.by)}: ${value(last.note ?? '', 500)}`] : [];
}

function stepLines(steps: Result['steps']): Line[] {
  return steps.map(({ step, state, exit_code, summary }) => {
    const exit = exit_code === null ? '' : `, exit code ${exit_code}`;
    return fmt`${state === 'done' ? '✓' : state === 'failed' ? '✗' : '–'} ${value(step)} ${state}${exit}: ${value(summary, 300)}`;
  });
}

function checkLines({ check }: Result): Line[] {
  if (check === null) return [];
  const readings = check.readings.map(({ capability, passed, said }) => {
    return fmt`  ${passed ? '✓' : '✗'} ${value(capability)}: ${value(said, 300)}`;
  });
  return [bold(check.passed ? 'The check passed' : 'The check did not pass'), ...readings];
}

function undoLines({ undo }: Result): Line[] {
  switch (undo.state) {
    case 'not_needed':
      return [];
    case 'done':
      return [bold('Everything was taken back'), ...stepLines(undo.steps)];
    case 'failed':
      return [bold('⚠️ The undo failed: look at the server now'), ...stepLines(undo.steps)];
    case 'impossible':
      return [bold('⚠️ It cannot be taken back: look at the server now')];
  }
}
