/** Playbooks: their format, parser, rendering to a plan, and words. */
export { describe, explain } from './describe.ts';
export type { Value, Values } from './fill-in.ts';
export { type Discovered, fits, type ServerAbilities } from './fits.ts';
export { type PlaybookFile, playbookFileSchema, playbookJsonSchema } from './format.ts';
export { CASES_ENDING, idTaken, libraryFolder, loadLibrary, playbookFiles } from './library.ts';
export { lint } from './lint.ts';
export { ownPlaybook } from './own-command.ts';
export { isRequired, type Parameter, sampleValue } from './parameter-types.ts';
export { type ParsedPlaybook, parsePlaybook } from './parse.ts';
export { parseCases } from './parse-cases.ts';
export { formatProblem, type PlacedProblem, type Problem } from './parse-yaml.ts';
export type { Playbook } from './playbook.ts';
export { playbookView } from './playbook-view.ts';
export { parseParameters, renderDiagnostics, renderPlan } from './render-plan.ts';
export { type CaseOutcome, tryCases } from './try-cases.ts';
