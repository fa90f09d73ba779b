/** The changes by their ids. */
import type { Changers } from '../capability.ts';
import { commandRun } from './command.ts';
import { fileChangers } from './file.ts';
import { firewallApply } from './firewall-apply.ts';
import { journalVacuum } from './journal-vacuum.ts';
import { tmpClean } from './tmp-clean.ts';
import { unitChangers } from './unit.ts';
import { unitRestore } from './unit-restore.ts';

export const changers: Changers = {
  ...unitChangers,
  ...fileChangers,
  'unit.restore': unitRestore,
  'journal.vacuum': journalVacuum,
  'tmp.clean': tmpClean,
  'firewall.apply': firewallApply,
  'command.run': commandRun,
};
