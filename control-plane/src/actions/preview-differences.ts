/** What changed between two previews of the same change, in sentences. Pure. */
import type { Preview, StepPreview, WitnessFact } from '@countersign/protocol';

/** Worded as the runner words what it finds. Empty when the two are the same to the letter. */
export function previewDifferences(before: Preview, now: Preview): string[] {
  return [...factDifferences(before.witness, now.witness), ...stepDifferences(before.steps, now.steps)];
}

function factDifferences(before: readonly WitnessFact[], now: readonly WitnessFact[]): string[] {
  const [old, present] = [byName(before), byName(now)];
  const changed = [...old].flatMap(([name, value]) => {
    if (!present.has(name)) return [`${name} cannot be read any more`];
    const found = present.get(name);
    return found === value ? [] : [`${name} changed from ${JSON.stringify(value)} to ${JSON.stringify(found)}`];
  });
  const added = [...present].flatMap(([name, value]) =>
    old.has(name) ? [] : [`${name} is new: ${JSON.stringify(value)}`],
  );
  return [...changed, ...added];
}

const byName = (facts: readonly WitnessFact[]) =>
  new Map(facts.map(({ subject, property, value }) => [`${property} of ${subject}`, value]));

function stepDifferences(before: readonly StepPreview[], now: readonly StepPreview[]): string[] {
  return now.flatMap((step) => {
    const old = before.find((it) => it.step === step.step);
    if (!old) return [`step ${step.step} is new`];
    return [
      ...(same(old.argv, step.argv) ? [] : [`step ${step.step} now runs ${JSON.stringify(step.argv)}`]),
      ...(old.diff === step.diff ? [] : [`step ${step.step} now changes the file in another way`]),
      ...(same(old.effects, step.effects)
        ? []
        : [`step ${step.step} now has these effects: ${step.effects.join('; ')}`]),
      ...(old.undo === step.undo ? [] : [`step ${step.step} is now taken back so: ${step.undo ?? 'not at all'}`]),
    ];
  });
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
